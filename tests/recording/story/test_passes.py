"""khugepaged's passes, visits and naps are told with their numbers."""

from __future__ import annotations

import pytest

from tests.recording.small import ADDRESS, WINDOW, advise, collapse, machine, touch
from tests.recording.story.telling import of_kind, sentences
from thplab.recording import Recorder, Recording, record_scenario


@pytest.fixture(scope="module")
def made() -> Recording:
    return collapse()


def test_a_pass_says_what_it_may_spend_and_visits_what_is_left(made: Recording) -> None:
    """Eight windows' worth on a machine whose tables have 8 entries; a visit costs 1, a window 8."""
    assert of_kind(made, "pass_begins") == [
        "A pass begins: khugepaged may spend 64 units before it naps again."
    ]
    assert [said.rpartition(": ")[2] for said in of_kind(made, "visit")] == [
        "64 units are left in this pass.", "55 units are left in this pass.",
    ]  # fmt: skip
    assert of_kind(made, "visit_ends") == [
        "khugepaged leaves app: this visit cost 9 units, so 9 of 64 are spent in this pass.",
        "khugepaged leaves app: this visit cost 9 units, so 18 of 64 are spent in this pass.",
    ]


@pytest.mark.parametrize("budget", [8, 16, 4096])
def test_the_budget_is_that_of_the_knob(budget: int) -> None:
    made = collapse(pages_to_scan=budget, depth="functions")
    begins = of_kind(made, "pass_begins")[0]
    assert begins == f"A pass begins: khugepaged may spend {budget} units before it naps again."
    assert all(f" of {budget} are spent" in said for said in of_kind(made, "visit_ends"))


def test_a_process_is_put_on_the_list_which_is_counted() -> None:
    small, app = machine()
    other = small.process("other")
    other.mmap(ADDRESS, WINDOW)
    for process in (app, other):
        touch(process, 0, 1)
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        advise(app)
        other.madvise(ADDRESS, WINDOW, "hugepage")
    assert of_kind(recorder.recording, "registered") == [
        "app is on khugepaged's list now, so khugepaged will visit it: 1 process is listed.",
        "other is on khugepaged's list now, so khugepaged will visit it: 2 processes are listed.",
    ]


def test_the_cursor_and_the_counters_speak_when_they_change(made: Recording) -> None:
    assert of_kind(made, "cursor_on") == ["The cursor is on app now, so the next visit is there."]
    assert [said.partition(":")[0] for said in of_kind(made, "cursor")] == [
        f"The cursor moves on to window {n}" for n in (0, 1, 2)
    ]
    assert of_kind(made, "counted") == ["1 window is collapsed so far, says pages_collapsed."]
    assert of_kind(made, "lap") == [
        "That was the end of the list, so the next visit begins at its head: 1 lap is complete."
    ]


def test_a_mapping_that_is_passed_over_says_why() -> None:
    small, app = machine()
    touch(app, 0, 1)
    app.madvise(ADDRESS + WINDOW, WINDOW, "nohugepage")
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        app.madvise(ADDRESS, WINDOW, "hugepage")
    [said] = of_kind(recorder.recording, "vma_passed_over")
    assert said.startswith(f"The mapping of 8 pages at {ADDRESS + WINDOW:#x} is passed over, because ")
    assert said.endswith(" MADV_NOHUGEPAGE forbids huge pages here.")


@pytest.mark.parametrize(("ms", "time"), [(10_000, "10 s"), (1500, "1.5 s"), (250, "250 ms"), (0, "1 ms")])
def test_a_nap_lasts_as_long_as_the_knob_says(ms: int, time: str) -> None:
    """With a sleep of 0 the model's khugepaged sleeps one millisecond."""
    made = collapse(scan_sleep_millisecs=ms, depth="functions")
    assert of_kind(made, "nap")[0].startswith(f"The pass is over, so khugepaged naps for {time}, unless")


def test_sleep_begins_and_ends_with_its_reason() -> None:
    small, app = machine()
    touch(app, 0, 3)
    advise(app)
    recorder = Recorder(small.kernel)
    with recorder:
        small.wake_khugepaged()
        small.run_for(10_001)
    said = sentences(recorder.recording)
    assert "khugepaged wakes up, because its nap is over." in said
    assert "The pass is over, so khugepaged naps for 10 s, unless it is woken earlier." in said


def test_work_wakes_it_where_there_was_none() -> None:
    assert of_kind(collapse(depth="functions"), "woken_by_work") == [
        "khugepaged wakes up, because there is work for it now."
    ]


def test_after_a_failed_allocation_it_sleeps_and_says_how_long() -> None:
    made = record_scenario("S06.nofree", depth="functions")
    knob = made.state(0).path("knobs.alloc_sleep_millisecs")
    said = of_kind(made, "alloc_nap")
    assert said
    assert set(said) == {
        f"khugepaged sleeps for {knob // 1000} s, because no huge page was available: it tries once more."
    }
