"""khugepaged's passes, visits and naps are told with their numbers."""

from __future__ import annotations

import pytest

from tests.recording.small import ADDRESS, WINDOW, advise, collapse, machine, touch
from tests.recording.story.telling import all_told, of_kind, sentences
from thplab.recording import Recorder, Recording, record_scenario
from thplab.recording.story.passes import PASSED_BY_QUEUE
from thplab.recording.story.template import Value


@pytest.fixture(scope="module")
def made() -> Recording:
    return collapse()


def test_a_pass_says_what_it_may_spend_and_visits_what_is_left(made: Recording) -> None:
    """Eight windows' worth on a machine whose tables have 8 entries; a visit costs 1, a window 8."""
    assert of_kind(made, "pass_begins") == [
        "A pass begins: khugepaged may spend 64 units before it naps again."
    ]
    assert [told.values["left"] for told in all_told(made) if told.kind == "visit"] == [64, 55]
    assert of_kind(made, "visit_ends") == [
        (
            "khugepaged is done with process app in this lap: this visit cost 9 units, "
            "so 18 of 64 units are spent in this pass."
        )
    ]
    assert of_kind(made, "visit_ends_midway") == [
        (
            "khugepaged leaves process app and will go on there at window 1, because trying to "
            "collapse a window "
            "gives up the lock: this visit cost 9 units, and 9 of 64 units are spent in this pass."
        )
    ]
    assert of_kind(made, "window_paid_huge") == [
        (
            "Window 0 of process app was collapsed and costs 8 units, because all windows cost the same: "
            "9 of 64 units are spent in this pass."
        )
    ]


@pytest.mark.parametrize("budget", [8, 16, 4096])
def test_the_budget_is_that_of_the_knob(budget: int) -> None:
    made = collapse(pages_to_scan=budget, depth="functions")
    begins = of_kind(made, "pass_begins")[0]
    assert begins == f"A pass begins: khugepaged may spend {budget} units before it naps again."
    assert all(
        f" of {budget} units are spent" in said for said in of_kind(made, "visit_ends", "visit_ends_midway")
    )


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
        "Process app is on khugepaged's list now, so khugepaged will visit it: 1 process is listed.",
        "Process other is on khugepaged's list now, so khugepaged will visit it: 2 processes are listed.",
    ]


def test_the_cursor_and_the_counters_speak_when_they_change(made: Recording) -> None:
    assert of_kind(made, "cursor_on") == ["The cursor is on process app now, so the next visit is there."]
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
    assert said.startswith(
        f"Mapping 2 of process app (8 pages at {ADDRESS + WINDOW:#x}) is passed over for 1 unit, because "
    )
    assert said.endswith(" MADV_NOHUGEPAGE forbids huge pages here.")


def test_of_neighbours_that_are_passed_over_for_one_reason_the_first_is_a_step_of_the_story() -> None:
    small, app = machine()
    touch(app, 0, 1)
    for place in (10, 12, 14):
        app.mmap(ADDRESS + place * WINDOW, WINDOW // 2)
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        app.madvise(ADDRESS, WINDOW, "hugepage")
    assert len(of_kind(recorder.recording, "vma_passed_over_too")) == 2


def test_a_process_that_is_passed_by_costs_nothing() -> None:
    made = record_scenario("S06.busyA", depth="functions")
    assert of_kind(made, "passed_by") == [
        (
            "khugepaged passes process a by, because thread 2 of a holds mmap_lock of a for writing "
            "and khugepaged never waits for a process."
        )
    ]
    assert of_kind(made, "visit_ends_unvisited") == [
        (
            "Process a has lost its turn until the next lap, because it was not visited: "
            "that cost nothing, and 1 of 4096 units are spent in this pass."
        )
    ]


@pytest.mark.parametrize(
    ("budget", "words"), [(1, "1 unit"), (512, "512 units"), (4 * 10**9, "unlimited units")]
)
def test_a_budget_that_nobody_can_spend_is_called_unlimited(budget: int, words: str) -> None:
    made = collapse(pages_to_scan=budget, depth="functions")
    assert (
        of_kind(made, "pass_begins")[0]
        == f"A pass begins: khugepaged may spend {words} before it naps again."
    )


def test_a_pass_that_ends_within_a_process_says_where_the_next_one_goes_on() -> None:
    """Eight windows of 512 units and two visits are more than 4096 units."""
    made = record_scenario("note", depth="functions")
    assert of_kind(made, "nap") == [
        (
            "Between two passes khugepaged naps for 3600 s, or until it is woken: "
            "it will go on in process app at window 8."
        )
    ]
    assert of_kind(made, "visit_ends_midway")[-1].startswith(
        "khugepaged leaves process app and will go on there at window 8, because the budget of this "
        "pass is spent"
    )


def test_a_process_that_has_exited_leaves_the_list_at_its_next_visit() -> None:
    """The cursor was on it, so khugepaged itself takes it off."""
    made = record_scenario("S06.exit", depth="functions")
    [said] = of_kind(made, "visit_ends_gone")
    assert said.startswith(
        "khugepaged takes process a off its list, because it has exited: this visit cost 1 unit"
    )


@pytest.mark.parametrize(("kernel", "cost"), [("6.18", "512 units"), ("7.3", "1 unit")])
def test_a_window_costs_what_the_kernel_says(kernel: str, cost: str) -> None:
    """Twelve windows that are huge already."""
    said = of_kind(record_scenario("S13.budget", kernel, depth="functions"), "window_paid")
    assert said[0].startswith(f"Window 0 of process a does not become huge and still costs {cost}, because ")


@pytest.mark.parametrize(("ms", "time"), [(10_000, "10 s"), (1500, "1.5 s"), (250, "250 ms"), (0, "1 ms")])
def test_a_nap_lasts_as_long_as_the_knob_says(ms: int, time: str) -> None:
    """With a sleep of 0 the model's khugepaged sleeps one millisecond."""
    made = collapse(scan_sleep_millisecs=ms, depth="functions")
    assert of_kind(made, "nap")[0].startswith(
        f"Between two passes khugepaged naps for {time}, or until it is woken: "
    )


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
    assert (
        "Between two passes khugepaged naps for 10 s, or until it is woken: "
        "its next visit is at the head of the list." in said
    )


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
        f"khugepaged sleeps for {knob // 1000} s in the middle of pass {number}, because no huge page was "
        "available: then it tries once more."
        for number in (1, 2)
    }


def _overs(made: Recording) -> list[Value]:
    return [told.values["over"] for told in all_told(made) if told.kind == "pass_ends"]


@pytest.mark.parametrize("budget", [1, 9, 10, 17, 18, 19, 64])
def test_a_pass_says_why_it_is_over(budget: int) -> None:
    """Two visits and two windows of 8 entries: 18 units. What is spent comes before what the list says."""
    made = collapse(pages_to_scan=budget, depth="functions")
    assert _overs(made) == ["budget used up" if budget <= 18 else "end of the list"]


def test_a_pass_without_memory_is_over_after_its_second_try() -> None:
    assert set(_overs(record_scenario("S06.nofree", depth="functions"))) == {"no memory"}


def test_a_pass_over_an_empty_list_is_over_at_once() -> None:
    """The only process leaves the list while khugepaged naps."""
    small, app = machine()
    touch(app, 0, 3)
    advise(app)
    app.exit()
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        small.wake_khugepaged()
    assert _overs(recorder.recording) == ["list empty"]


@pytest.mark.parametrize("before", range(3))
def test_passes_are_counted_from_the_first_of_the_recording(before: int) -> None:
    small, app = machine()
    touch(app, 0, 3)
    advise(app)
    for _ in range(before):
        small.wake_khugepaged()
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        small.wake_khugepaged()
        small.wake_khugepaged()
    ends = [said.partition(" is over")[0] for said in of_kind(recorder.recording, "pass_ends")]
    assert ends == ["Pass 1", "Pass 2"]
    numbers = [told.values["number"] for told in all_told(recorder.recording) if told.kind == "pass_begins"]
    assert numbers == [1, 2]


def test_a_task_that_waits_is_the_reason_too() -> None:
    """A reader holds mmap_lock and a writer waits: does the sentence name the one that waits?"""
    assert PASSED_BY_QUEUE.tell(mm="a", lock="mmap_lock", holder="w").sentence.startswith(
        "khugepaged passes process a by, because w waits for mmap_lock"
    )
