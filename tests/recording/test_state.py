"""State at a moment: the same bytes however one comes there, and those of the machine itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recording.small import ADDRESS, advise, collapse, machine, record, touch
from thplab.machine import Machine
from thplab.mm.compaction import compact
from thplab.recording import Recorder, Recording, recording, snapshot_bytes
from thplab.recording.tracer import model_file

ACTIONS = st.lists(st.integers(0, 12), min_size=1, max_size=8)


@settings(max_examples=15, deadline=None)
@given(ACTIONS, st.sampled_from(["events", "functions", "lines"]))
def test_the_state_is_that_of_the_machine_at_the_same_change(actions: list[int], depth: str) -> None:
    made, replay = record(actions, depth)
    ends = made.sections["m_changes_end"]
    for changes, expected in replay:
        number = max(n for n, end in enumerate(ends) if end <= changes)
        if ends[number] == changes:
            assert made.state(number).bytes() == expected
    assert made.state(len(made) - 1).bytes() == replay[-1][1]


@settings(max_examples=15, deadline=None)
@given(ACTIONS, st.lists(st.integers(0, 1 << 20), min_size=1, max_size=12), st.integers(1, 64))
def test_any_walk_comes_to_the_same_bytes(actions: list[int], walk: list[int], keyframe: int) -> None:
    """Steps, steps back and jumps, with keyframes near and far apart, against a fresh reading."""
    made, _ = record(actions)
    file = made.to_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "_KEYFRAME", keyframe)
        for jump in walk:
            number = jump % len(made)
            for near in (number, number - 1, number):
                if near >= 0:
                    there = made.state(near).bytes()
            patch.setattr(recording, "_KEYFRAME", 1 << 30)
            assert Recording.from_bytes(file).state(number).bytes() == there
            patch.setattr(recording, "_KEYFRAME", keyframe)


def test_reading_a_state_changes_nothing() -> None:
    made = collapse()
    before = made.to_bytes()
    states = [made.state(n).bytes() for n in range(0, len(made), 7)]
    assert [made.state(n).bytes() for n in range(0, len(made), 7)] == states
    assert made.to_bytes() == before


def test_bytes_tell_two_machines_apart_and_twins_not() -> None:
    one, app = machine()
    two, other = machine()
    assert snapshot_bytes(one.kernel) == snapshot_bytes(two.kernel)
    touch(app, 0, 1)
    assert snapshot_bytes(one.kernel) != snapshot_bytes(two.kernel)
    touch(other, 0, 1)
    assert snapshot_bytes(one.kernel) == snapshot_bytes(two.kernel)
    other.write(ADDRESS, 7)  # only the contents of a page differ
    assert snapshot_bytes(one.kernel) != snapshot_bytes(two.kernel)


def test_fields_are_reached_by_name() -> None:
    small, app = machine(max_ptes_none=5)
    touch(app, 0, 3)
    recorder = Recorder(small.kernel)
    with recorder:
        advise(app)
    state = recorder.recording.state(len(recorder.recording) - 1)
    assert state.path("knobs.max_ptes_none") == 5
    assert state.path("khugepaged.passes") == small.kernel.khugepaged.passes
    assert state.path("current.comm") == "swapper"
    assert list(state.table(app.mm.pgd)) == list(small.kernel.tables[app.mm.pgd])
    assert {lock.label for lock in state.objects("Lock")} >= {"khugepaged_mm_lock"}
    with pytest.raises(KeyError, match="has no field nothing"):
        state.path("knobs.nothing")


def test_what_is_made_later_is_not_there_before() -> None:
    small = Machine(memory_pages=1024)
    recorder = Recorder(small.kernel)
    with recorder:
        small.process("late")
    made = recorder.recording
    assert made.state(0).objects("Mm") == []
    assert [mm.label for mm in made.state(len(made) - 1).objects("Mm")] == ["late"]


def test_moments_outside_are_an_indexerror() -> None:
    made = collapse()
    for number in (-1, len(made)):
        for read in (made.state, made.moment, made.stack, made.sentence, made.trace_lines, made.locals):
            with pytest.raises(IndexError, match=f"moments 0 to {len(made) - 1}"):
                read(number)


def test_a_number_below_zero_stays_one() -> None:
    """Whoever compacts for everybody asks for order -1."""
    small, _ = machine()
    recorder = Recorder(small.kernel, "lines", [model_file(compact.__file__)])
    with recorder:
        small.write_sysctl("compact_memory", 1)
    made = recorder.recording
    last = made.state(len(made) - 1)
    assert {last.get(each, "order") for each in last.objects("CompactControl")} == {-1}
    assert last.bytes() == snapshot_bytes(small.kernel)
