"""The picture of a visit to a process in numbers."""

from __future__ import annotations

from tests.recording.small import ADDRESS, WINDOW, collapse, machine, touch
from thplab.reading.scenes.process import process_lines
from thplab.reading.text import TextTwin
from thplab.recording import Recorder, Recording, record_scenario


def _moments(made: Recording, kind: str) -> list[int]:
    told = (made.told_as(place) for place in range(len(made.sections["t_moment"])))
    return [each.moment for each in told if each.kind == kind]


def _lines(made: Recording, number: int) -> list[str]:
    return process_lines(TextTwin(made).moment(number))


def test_before_the_first_visit_there_is_nothing_to_say() -> None:
    assert _lines(collapse(depth="functions"), 0) == []


def test_of_eight_windows_the_first_is_collapsed_and_seven_are_empty() -> None:
    """Each window costs its 512 entries; a collapse ends a visit, and each visit costs a unit."""
    made = record_scenario("note", depth="functions")
    assert _lines(made, _moments(made, "nap")[0]) == [
        "process app: the cursor is at window 8",
        f"in this pass {8 * 512 + 2} units: 1 windows collapsed, 7 refused, 0 mappings passed over",
    ]


def test_a_mapping_that_is_passed_over_counts() -> None:
    small, app = machine()
    touch(app, 0, 1)
    app.madvise(ADDRESS + WINDOW, WINDOW, "nohugepage")
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        app.madvise(ADDRESS, WINDOW, "hugepage")
    made = recorder.recording
    assert _lines(made, _moments(made, "vma_passed_over")[0])[1].endswith(" 1 mappings passed over")


def test_of_another_process_nothing_is_counted() -> None:
    """In the first pass a is passed by; b gets all units but the one of the visit before."""
    made = record_scenario("S06.busyA", depth="functions")
    busy, *_ = _moments(made, "passed_by")
    assert _lines(made, busy)[1].startswith("in this pass 0 units: ")
