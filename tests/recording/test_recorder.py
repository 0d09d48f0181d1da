"""The recorder: what each depth promises, and that nothing is left behind."""

from __future__ import annotations

import gc
import sys
import threading
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest

from tests.recording.small import ADDRESS, WINDOW, advise, collapse, machine, touch
from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import Waiter, down_read, wait_for
from thplab.mm.include.state import Column, Struct
from thplab.mm.khugepaged import collapse as collapse_module
from thplab.points import OWNER, WINDOW_ADDRESS
from thplab.recording import DEPTHS, Recorder, RecordingTooLong, record_scenario, record_what_fits
from thplab.recording.tracer import model_file

CLEAN = ("__setitem__" not in vars(Column), "__setattr__" not in vars(Struct))


def unhooked() -> bool:
    return ("__setitem__" not in vars(Column), "__setattr__" not in vars(Struct)) == CLEAN == (True, True)


def test_events_have_trace_events_who_runs_and_the_two_ends() -> None:
    made = collapse(depth="events")
    moments = [made.moment(n) for n in range(len(made))]
    kinds = [moment.kind for moment in moments]
    assert kinds[0] == kinds[-1] == "return"
    assert set(kinds[1:-1]) == {"event", "switch"}
    assert kinds.count("event") == len(made.header["trace"])
    assert all(moment.task == "khugepaged-30" for moment in moments if moment.kind == "event")
    switched = [moment.task for moment in moments if moment.kind == "switch"]
    assert all(before != after for before, after in pairwise(switched))
    assert switched[-2:] == ["khugepaged-30", "swapper-0"]
    assert [line["event"] for line in made.header["trace"]][:3] == [
        "mm_collapse_huge_page_isolate",
        "mm_collapse_huge_page",
        "mm_khugepaged_scan_pmd",
    ]
    assert made.header["functions"] == made.header["sources"] == []


def test_functions_have_calls_and_returns_but_no_lines_and_of_variables_only_the_window() -> None:
    made = collapse(depth="functions")
    kinds = {made.moment(n).kind for n in range(len(made))}
    assert kinds == {"call", "return", "event"}
    assert {made.header["names"][n] for n in made.sections["l_name"]} <= {*WINDOW_ADDRESS, *OWNER}
    assert made.header["sources"] == []
    assert made.find_call("collapse_huge_page") is not None


def test_lines_have_each_line_that_ran_of_the_named_files() -> None:
    made = collapse(depth="lines")
    lines = [made.moment(n) for n in range(len(made)) if made.moment(n).kind == "line"]
    assert {m.file for m in lines} == {
        "thplab/mm/khugepaged/scan.py", "thplab/mm/khugepaged/collapse.py", "thplab/mm/khugepaged/pages.py"
    }  # fmt: skip
    sources = {source["file"]: source["text"].splitlines() for source in made.header["sources"]}
    texts = [sources[m.file][m.line - 1] for m in lines]
    assert sum("bits = pte & PTE_FLAGS_LOW" in text for text in texts) == 8  # one window has a table
    assert all(text.strip() and not text.strip().startswith("#") for text in texts)


def test_only_the_named_files_have_lines() -> None:
    small, app = machine()
    touch(app, 0, 8)
    recorder = Recorder(small.kernel, "lines", [model_file(collapse_module.__file__)])
    with recorder:
        advise(app)
    assert [source["file"] for source in recorder.recording.header["sources"]] == [
        "thplab/mm/khugepaged/collapse.py"
    ]


def test_all_depths_record_the_same_changes() -> None:
    ends = {depth: collapse(depth=depth) for depth in DEPTHS}
    columns = {tuple(made.sections["c_cell"]) for made in ends.values()}
    assert len(columns) == 1
    assert len({made.state(len(made) - 1).bytes() for made in ends.values()}) == 1


def test_an_unknown_depth_is_refused_in_words() -> None:
    small, _ = machine()
    with pytest.raises(ValueError, match="depth 'all'; allowed: events, functions, lines"):
        Recorder(small.kernel, "all")


def test_two_recordings_at_once_are_refused_and_the_first_goes_on() -> None:
    small, app = machine()
    first, second = Recorder(small.kernel), Recorder(small.kernel)
    with first:
        with pytest.raises(RuntimeError, match="a recording runs already; finish it"):
            second.__enter__()
        touch(app, 0, 1)
    assert unhooked()
    assert first.recording.find_call("handle_mm_fault") is not None
    with pytest.raises(RuntimeError, match="nothing was recorded yet"):
        _ = second.recording


def test_a_recorder_is_used_once() -> None:
    small, _ = machine()
    recorder = Recorder(small.kernel)
    with recorder, pytest.raises(RuntimeError, match="nothing was recorded yet"):
        _ = recorder.recording
    with pytest.raises(RuntimeError, match="has been used"):
        recorder.__enter__()
    assert unhooked()


def test_an_exception_in_the_model_is_recorded_to_the_end_and_leaves_nothing_hooked() -> None:
    small, app = machine()
    before = sys.gettrace()
    recorder = Recorder(small.kernel)
    with pytest.raises(KernelError), recorder:
        app.madvise(ADDRESS + 1, WINDOW, "collapse")
    assert unhooked()
    assert sys.gettrace() is before
    made = recorder.recording
    raised = made.find("return", 0)
    assert raised is not None
    assert made.stack(len(made) - 1) == []
    touch(app, 0, 1)  # the machine lives on, unwatched
    assert len(made.sections["c_cell"]) == len(recorder.journal.cell)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("fails", [False, True])
def test_the_trace_function_of_others_is_put_back(depth: str, fails: bool) -> None:
    seen: list[str] = []

    def other(frame: FrameType, event: str, arg: Any) -> Any:
        seen.append(frame.f_code.co_name)
        return other

    small, app = machine()
    before = sys.gettrace()
    sys.settrace(other)
    try:
        try:
            with Recorder(small.kernel, depth):
                touch(app, 0, 2)
                advise(app)
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert sys.gettrace() is other
        seen.clear()
        small.wake_khugepaged()  # a generator that ran under the recorder goes on under the other
        assert "scan_pmd" in seen
    finally:
        sys.settrace(before)


def test_a_debugger_sees_lines_of_a_generator_that_was_recorded() -> None:
    """The recorder switches line events off in frames that it does not show; afterwards they are on."""
    small, app = machine()
    touch(app, 0, 8)
    with Recorder(small.kernel, "functions"):
        advise(app)
    lines: list[int] = []

    def debugger(frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line" and frame.f_code.co_name == "khugepaged_wait_work":
            lines.append(frame.f_lineno)
        return debugger

    before = sys.gettrace()
    sys.settrace(debugger)
    try:
        small.wake_khugepaged()
    finally:
        sys.settrace(before)
    assert lines


def test_another_thread_is_not_recorded() -> None:
    small, app = machine()
    elsewhere, stranger = machine()

    def work() -> None:
        touch(stranger, 0, 8)
        advise(stranger)

    recorder = Recorder(small.kernel)
    with recorder:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        touch(app, 0, 1)
    made = recorder.recording
    assert made.find_call("scan_pmd") is None
    assert [mm.label for mm in made.state(0).objects("Mm")] == ["app"]
    assert elsewhere.kernel.khugepaged.pages_collapsed == 1  # its work was done all the same


def test_an_empty_recording_has_a_beginning_and_an_end() -> None:
    small, _ = machine()
    recorder = Recorder(small.kernel, title="empty")
    with recorder:
        pass
    made = recorder.recording
    assert len(made) == 2
    assert repr(made) == "<Recording empty: 2 moments, 6.18>"
    assert made.sentence(1) == "empty"  # nothing was said: the title


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_machine_beside_the_recorded_one_leaves_no_trace_in_the_recording(depth: str) -> None:
    """The block boots another machine, drives it in between, and its threads die while ours works."""

    def record(*, company: bool) -> bytes:
        small, app = machine()
        recorder = Recorder(small.kernel, depth)
        with recorder:
            touch(app, 0, 4)
            if company:
                _, stranger = machine()
                touch(stranger, 0, 8)
                advise(stranger)
            touch(app, 4, 4)
            advise(app)
        return recorder.recording.to_bytes()

    assert record(company=True) == record(company=False)


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_garbage_collector_may_end_other_machines_meanwhile(depth: str) -> None:
    """It closes their sleeping kernel threads, wherever the recorder or the machine is just then."""

    def record(strangers: int) -> bytes:
        small, app = machine()
        for _ in range(strangers):
            touch(machine()[1], 0, 1)
        recorder = Recorder(small.kernel, depth)
        with recorder:
            touch(app, 0, 4)
            gc.collect()
            touch(app, 4, 1)
        return recorder.recording.to_bytes()

    gc.disable()
    gc.freeze()  # what the other tests hold need not be looked through
    try:
        assert record(3) == record(0)
    finally:
        gc.unfreeze()
        gc.enable()


def test_what_joins_the_machine_in_the_block_was_not_there_before() -> None:
    """A struct made elsewhere is read when something of the machine first refers to it."""
    small, app = machine()
    waiter = Waiter("made before", "munmap", lambda: None, write=True)
    recorder = Recorder(small.kernel)
    with recorder:
        down_read(app.mm.mmap_lock)
        wait_for(app.mm.mmap_lock, waiter)
    made = recorder.recording
    assert made.state(0).objects("Waiter") == []
    last = made.state(len(made) - 1)
    assert [last.get(each, "who") for each in last.objects("Waiter")] == ["made before"]


def test_a_focus_on_another_machine_is_refused() -> None:
    (small, _), (_, stranger) = machine(), machine()
    with pytest.raises(ValueError, match="focus: process 'app' runs on another machine"):
        Recorder(small.kernel, focus=(stranger.mm, ADDRESS))


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_run_that_is_too_long_is_given_up_and_nothing_stays_hooked(depth: str) -> None:
    length = len(record_scenario("S07.two_faults", depth=depth))
    assert len(record_scenario("S07.two_faults", depth=depth, most=length)) == length
    with pytest.raises(RecordingTooLong, match=rf"more than {length - 1} moments at depth '{depth}'"):
        record_scenario("S07.two_faults", depth=depth, most=length - 1)
    assert unhooked()
    assert sys.gettrace() is None or "coverage" in repr(sys.gettrace())
    assert len(record_scenario("S07.two_faults", depth=depth)) == length


def test_what_is_too_long_for_its_lines_is_recorded_from_further_away() -> None:
    """A fifth of the moments is allowed for functions: there are fewer, and each takes longer."""
    lengths = {depth: len(record_scenario("S07.none_411", depth=depth)) for depth in DEPTHS}
    assert lengths["lines"] > 5 * lengths["functions"] > 5 * lengths["events"]
    for most, depth in (
        (lengths["lines"], "lines"),
        (lengths["lines"] - 1, "functions"),
        (5 * lengths["functions"] - 1, "events"),
    ):
        told: list[str] = []
        made = record_what_fits("S07.none_411", most=most, tell=told.append)
        assert (made.header["depth"], len(made)) == (depth, lengths[depth])
        assert len(told) == len(DEPTHS) - 1 - DEPTHS.index(depth)
