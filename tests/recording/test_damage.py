"""What loads can be shown: damaged files are refused with a reason, or every picture of them can be drawn."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Iterator
from random import Random

import pytest

import thplab.mm
from tests.recording.clock import seconds
from tests.recording.damage import damaged, files
from tests.sampling import SEED, sample
from thplab.export import perfetto
from thplab.kernels import PROFILES
from thplab.mm.include.state import Struct
from thplab.reading.compare import compare
from thplab.reading.text import TextTwin
from thplab.recording import Recording, RecordingError, record_scenario
from thplab.recording.shapes import Shape, shapes
from thplab.scenario import NAMED
from thplab.stage import Stage


def show(recording: Recording, random: Random) -> None:
    """Draw everything that can be seen of some moments, and of the whole."""
    last, twin = len(recording) - 1, TextTwin(recording)
    for number in {0, 1 % (last + 1), last, *(random.randrange(last + 1) for _ in range(4))}:
        for read in (recording.stack, recording.locals, recording.trace_lines, recording.sentence, twin.text):
            read(number)
        recording.state(number).bytes()
    for kind in ("event", "verdict", "change"):
        recording.find(kind, random.randrange(last + 1))
    for name in recording.header["granularity"]:
        Stage(recording, step=random.randrange(last + 1), granularity=name).close()
    str(compare(recording, Recording.from_bytes(files()[0])))
    perfetto(recording)
    assert Recording.from_bytes(recording.to_bytes()).to_bytes() == recording.to_bytes()


@pytest.mark.parametrize("count", [25, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_damaged_recording_is_refused_or_can_be_shown(count: int) -> None:
    refused = 0
    for number in range(count):
        random = Random(f"{os.environ[SEED]} {number}")
        data = damaged(random)
        try:
            with seconds(60):
                show(Recording.from_bytes(data), random)
        except RecordingError:
            refused += 1
        except BaseException as error:
            error.add_note(f"damage {number} of THPLAB_SEED={os.environ[SEED]}")
            raise
    assert 0 < refused < count  # both happen, else this tries nothing


def test_what_is_not_damaged_can_be_shown() -> None:
    for data in files():
        show(Recording.from_bytes(data), Random(0))


@pytest.mark.parametrize("count", [3, pytest.param(10_000, marks=pytest.mark.long)])
def test_no_recording_of_a_scenario_is_called_damaged(count: int) -> None:
    for name in sample(sorted(NAMED), count):
        random = Random(f"{os.environ[SEED]} {name}")
        for depth in ("functions", random.choice(["lines", "events"])):
            recording = record_scenario(name, random.choice(sorted(PROFILES)), depth)
            assert Recording.from_bytes(recording.to_bytes()).sections == recording.sections, name


def test_every_struct_of_the_model_has_its_shape() -> None:
    """A field is a number, a text, nothing, a column, or leads to a struct that is known."""

    def named(shape: Shape) -> Iterator[str]:
        yield from shape.structs
        for inner in (*shape.items, *filter(None, [shape.entries])):
            yield from named(inner)

    for module in pkgutil.walk_packages(thplab.mm.__path__, "thplab.mm."):
        importlib.import_module(module.name)
    structs = {each.__name__ for each in below(Struct) if each.__module__.startswith("thplab.mm.")}
    assert structs == shapes().keys()
    all_shapes = [shape for fields in shapes().values() for shape in fields.values()]
    assert {name for shape in all_shapes for name in named(shape)} <= structs
    assert shapes()["Khugepaged"]["scan_mm_slot"] == Shape(nothing=True, structs=frozenset({"MmSlot"}))


def below(cls: type) -> Iterator[type]:
    for each in cls.__subclasses__():
        yield each
        yield from below(each)
