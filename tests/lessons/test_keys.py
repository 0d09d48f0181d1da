"""What takes the focus stands in a box that no key leaves for the notebook's shortcuts, or is a stage."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import ipywidgets
import pytest

import thplab.lessons
import thplab.stage
from tests.stage.conftest import SMALL
from thplab.lessons import ask, jumps, recall
from thplab.lessons.widgets.box import QuestionBox
from thplab.lessons.widgets.run_box import RunBox
from thplab.recording import record_scenario
from thplab.scenario import Scenario
from thplab.stage import Stage
from thplab.stage.go_on import GoOn
from thplab.stage.keys import KEYS, KeptBox
from thplab.stage.program import Program, Programmed
from thplab.stage.routes import Routes

#: Each of these keeps the keys that are typed in it.
KEEP = (KeptBox, Routes, Stage)
#: What is never shown by itself: what boxes have, and a part of the panel.
PARTS = {GoOn.__name__, Program.__name__, Programmed.__name__, RunBox.__name__, "Knob"}


def subclasses(of: type) -> Iterator[type]:
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def public(module: ModuleType) -> dict[str, Any]:
    return {name: getattr(module, name) for name in module.__all__}


PUBLIC = {**public(thplab.lessons), **public(thplab.stage)}
WIDGETS = {each.__name__: each for each in subclasses(ipywidgets.Widget)}


def shown_by(thing: Any) -> list[type]:
    """The classes of the widgets that a function or a class of the package may make."""
    name = thing.__name__ if inspect.isclass(thing) else str(inspect.signature(thing).return_annotation)
    parts = (each.strip().rpartition(".")[2] for each in name.split("|"))
    return [WIDGETS[part] for part in parts if part in WIDGETS]


def test_every_function_that_shows_a_widget_shows_one_that_keeps_its_keys() -> None:
    shown = {name: made for name, thing in PUBLIC.items() if callable(thing) and (made := shown_by(thing))}
    assert {"ask", "predict", "recall", "pretest", "jumps", "gallery", "thresholds", "explore"} <= set(shown)
    assert [name for name, made in shown.items() if not all(issubclass(each, KEEP) for each in made)] == []


def test_every_box_of_the_package_keeps_its_keys() -> None:
    ours = [each for each in WIDGETS.values() if each.__module__.startswith("thplab.")]
    assert len(ours) > len(PARTS)
    bare = [each.__name__ for each in ours if not issubclass(each, KEEP)]
    assert set(bare) <= PARTS


@pytest.mark.parametrize("name", ["05.caller", "05.cards", "07.stop", "07.paint", "08.isolate", "10.why"])
def test_a_box_has_what_guards_its_keys_whatever_becomes_of_its_children(name: str) -> None:
    box = ask(name)
    for _ in range(2):
        assert isinstance(box.children[-1], GoOn)
        assert KEYS in box._dom_classes
        box.another()


def test_a_box_of_boxes_leaves_that_to_them() -> None:
    cards = recall(7)
    assert not any(isinstance(each, GoOn) for each in cards.children)
    assert all(isinstance(box, QuestionBox) and isinstance(box.children[-1], GoOn) for box in cards.boxes)


def test_a_button_asks_for_the_focus_and_a_call_does_not() -> None:
    stage = Stage(record_scenario(Scenario.from_data(SMALL)))
    button = jumps(stage, {"nine": 9}).children[0].children[0]
    stage.go(3)
    assert not stage.wants_focus
    button.click()
    assert (stage.step, stage.wants_focus) == (9, True)
