"""The widget without a browser."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import ipywidgets
import pytest
import traitlets

from thplab.recording import Recording, RecordingError
from thplab.stage import Stage, moment_text
from thplab.stage.widget import GRANULARITIES, VIEWS, load_recording


@pytest.fixture
def stage(small: Recording) -> Stage:
    return Stage(small)


def loaded_by(code: str) -> set[str]:
    show = f"{code}\nimport sys\nprint(*sorted(name.partition('.')[0] for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_is_light() -> None:
    assert not loaded_by("import thplab.stage") & {"numpy", "matplotlib", "anywidget", "IPython"}
    assert not loaded_by("from thplab.stage import Stage, moment_text") & {"numpy", "matplotlib"}


def test_the_recording_is_sent_as_the_files_bytes(stage: Stage, small: Recording) -> None:
    assert stage.recording == small.to_bytes()
    assert len(Recording.from_bytes(stage.recording)) == len(small)


def test_sources_of_a_recording(small: Recording) -> None:
    assert load_recording(small) is small
    assert len(load_recording(small.to_bytes())) == len(small)
    assert load_recording("S07.one", "6.1").header["kernel"] == "6.1"
    with pytest.raises(RecordingError):
        Stage(b"junk")
    with pytest.raises(ValueError, match="no scenario 'nope'"):
        Stage("nope")


def test_step_stays_inside(stage: Stage, small: Recording) -> None:
    stage.step = 10**9
    assert stage.step == len(small) - 1
    stage.step = -5
    assert stage.step == 0


def test_step_goes_down_and_shown_comes_up(stage: Stage, small: Recording) -> None:
    stage.step = 40
    assert stage.shown == 0
    assert stage.text() == moment_text(small, 40)
    stage.set_state({"shown": 77})
    assert stage.step == 40
    assert stage.text() == moment_text(small, 77)
    assert stage.text(3) == moment_text(small, 3)
    with pytest.raises(IndexError):
        stage.text(len(small))


def test_go_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(stage, "send", sent.append)
    stage.go(12)
    stage.set_state({"shown": 30})
    stage.go(12)
    assert sent == [{"go": 12}]
    assert "at moment 12>" in repr(stage)


def test_options_are_checked(small: Recording) -> None:
    every = Stage(small, views=list(VIEWS), granularity="entry", theme="dark", height=500, step=7)
    assert (every.granularity, every.theme, every.height, every.step) == ("entry", "dark", 500, 7)
    assert Stage(small).granularity == "event"
    assert set(GRANULARITIES) == set(small.header["granularity"])
    for wrong in ({"views": ["windw"]}, {"granularity": "word"}, {"theme": "pink"}, {"height": -1}):
        with pytest.raises(traitlets.TraitError):
            Stage(small, **wrong)
    with pytest.raises(traitlets.TraitError, match="'windw' is not a view; there are scene, window, source"):
        every.views = ["windw"]


def test_repr_and_plain_text(stage: Stage) -> None:
    assert repr(stage).startswith("<Stage of <Recording small: ")
    assert len(repr(stage)) < 120
    bundle = stage._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"].startswith("<Stage of ")
    assert "Call stack:" in data["text/plain"]


def test_it_composes_and_links(stage: Stage, small: Recording) -> None:
    other = Stage(small)
    slider = ipywidgets.IntSlider(max=len(small) - 1)
    ipywidgets.jslink((slider, "value"), (stage, "step"))
    ipywidgets.jslink((stage, "shown"), (other, "step"))
    assert ipywidgets.HBox([stage, other]).children == (stage, other)
    assert ipywidgets.Tab([stage]).children == (stage,)


def test_another_recording(stage: Stage, events: Recording) -> None:
    stage.step = 900
    stage.show(events)
    assert stage.recording == events.to_bytes()
    assert stage.step == 0
    assert stage.text() == moment_text(events, 0)
    stage.step = 900
    assert stage.step == len(events) - 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("recording", b"junk", "show\\(recording\\) puts one on the stage"),
        ("recording", b"", "show\\(recording\\)"),
        ("second", b"junk", "beside\\(recording\\) shows another one"),
        ("bookmarks", [10**9], "there is no moment 1000000000; allowed: 0 to "),
        ("bookmarks", [1, -1], "there is no moment -1"),
    ],
)
def test_what_the_stage_can_not_show_is_refused_and_changes_nothing(
    stage: Stage, name: str, value: object, words: str
) -> None:
    before = {each: getattr(stage, each) for each in ("recording", "second", "bookmarks", "step", "shown")}
    text = stage.text()
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(stage, name, value)
    assert {each: getattr(stage, each) for each in before} == before
    assert stage.text() == text


@pytest.mark.parametrize("name", ["step", "shown"])
@pytest.mark.parametrize(("value", "last"), [(10**9, True), (-(10**9), False)])
def test_a_moment_that_there_is_not_is_the_nearest_one(
    stage: Stage, small: Recording, name: str, value: int, last: bool
) -> None:
    setattr(stage, name, value)
    assert getattr(stage, name) == (len(small) - 1 if last else 0)
    assert stage.text() == stage.text(getattr(stage, name))


def test_what_the_stage_itself_puts_on_is_accepted(stage: Stage, small: Recording, note: Recording) -> None:
    stage.bookmarks = [0, len(small) - 1]
    stage.beside(small)
    stage.show(note)
    assert (stage.recording, stage.second, stage.bookmarks) == (note.to_bytes(), b"", [])
    stage.bookmarks = [len(note) - 1]
