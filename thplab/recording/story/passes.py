"""khugepaged's passes, visits and naps: what it does with its list, its budget and its time."""

from __future__ import annotations

from typing import Any

from thplab import points
from thplab.mm.include.huge_mm import TvaType
from thplab.mm.include.khugepaged import Khugepaged
from thplab.mm.khugepaged.scan import khugepaged_has_work
from thplab.points import Locals
from thplab.recording.story.faults import policy_asked
from thplab.recording.story.tellers import At, at_call, at_change, at_return, at_wakeup, duration, lock_words
from thplab.recording.story.template import Told, detail, story
from thplab.scenario.reasons import refusal

REGISTERED = story(
    "registered",
    "{mm} is on khugepaged's list now, so khugepaged will visit it: {listed|process is|processes are} listed.",
)
LEAVES_LIST = detail("leaves_list", "khugepaged is told that {mm} exits, so that it never visits it again.")
WOKEN_BY_TIME = story("woken_by_time", "khugepaged wakes up, because its nap is over.")
WOKEN_EARLY = story(
    "woken_early", "khugepaged wakes up before its nap is over, because another task wakes it."
)
WOKEN_BY_WORK = story("woken_by_work", "khugepaged wakes up, because there is work for it now.")
PASS_BEGINS = story(
    "pass_begins", "A pass begins: khugepaged may spend {budget|unit|units} before it naps again."
)
VISIT = story(
    "visit",
    "khugepaged visits {mm} and takes {lock} for reading, so that no mapping changes while it looks: "
    "{left|unit is|units are} left in this pass.",
)
PASSED_BY = story(
    "passed_by",
    "khugepaged passes {mm} by, because {holder} holds {lock} for writing and khugepaged never waits for a "
    "process.",
)
VMA_PASSED_OVER = detail(
    "vma_passed_over", "The mapping of {pages|page|pages} at {address} is passed over, because {why}."
)
VISIT_ENDS = story(
    "visit_ends",
    "khugepaged leaves {mm}: this visit cost {cost|unit|units}, so {spent} of {budget} are spent in this pass.",
)
LAP = story(
    "lap",
    "That was the end of the list, so the next visit begins at its head: {laps|lap is|laps are} complete.",
)
CURSOR = detail("cursor", "The cursor moves on to {window}: what lies below it has had its turn.")
CURSOR_AT_START = detail("cursor_at_start", "The cursor is at the beginning of an address space.")
CURSOR_ON = detail("cursor_on", "The cursor is on {mm} now, so the next visit is there.")
CURSOR_NOWHERE = detail(
    "cursor_nowhere", "The cursor is on no process, so the next visit is at the head of the list."
)
COUNTED = detail("counted", "{collapsed|window is|windows are} collapsed so far, says pages_collapsed.")
NAP = story("nap", "The pass is over, so khugepaged naps for {time}, unless it is woken earlier.")
NO_WORK = story(
    "no_work", "The pass is over and there is no work left, so khugepaged sleeps until there is some."
)
ALLOC_NAP = story(
    "alloc_nap", "khugepaged sleeps for {time}, because no huge page was available: it tries once more."
)


def _spent(at: At) -> int:
    return at.kernel.khugepaged.progress_of_pass


@at_return(points.ENTER)
def _registered(local: Locals, returned: Any, at: At) -> Told:
    return REGISTERED.tell(mm=local["mm"].name, listed=len(at.kernel.khugepaged.mm_head))


@at_call(points.EXIT)
def _exits(local: Locals, at: At) -> Told:
    return LEAVES_LIST.tell(mm=local["mm"].name)


@at_call(points.DO_SCAN)
def _pass_begins(local: Locals, at: At) -> Told:
    return PASS_BEGINS.tell(budget=at.kernel.knobs.pages_to_scan)


@at_return(points.DOWN_READ_TRYLOCK)
def _visit(local: Locals, taken: Any, at: At) -> Told | None:
    visit = at.within(points.SCAN_MM)
    if visit is None:
        return None
    lock, mm = local["lock"], visit["mm"]
    if not taken:
        return PASSED_BY.tell(mm=mm.name, lock=lock_words(lock), holder=lock.writer or "another task", cost=0)
    return VISIT.tell(
        mm=mm.name,
        lock=lock_words(lock),
        left=visit["pages"],
        budget=at.kernel.knobs.pages_to_scan,
        spent=_spent(at),
    )


@at_return(points.ALLOWABLE)
def _vma(local: Locals, allowed: Any, at: At) -> Told | None:
    """Asked by a visit, or by a fault."""
    vma, size = local["vma"], at.kernel.geometry.PAGE_SIZE
    if at.caller is points.HANDLE_FAULT:
        return policy_asked(vma, allowed, at)
    if allowed or at.caller is not points.SCAN_VMAS:
        return None
    return VMA_PASSED_OVER.tell(
        mm=vma.mm.name,
        address=f"{vma.vm_start:#x}",
        pages=(vma.vm_end - vma.vm_start) // size,
        why=refusal(vma, TvaType.KHUGEPAGED) or "it may not have huge pages",
        cost=1,
    )


@at_return(points.SCAN_MM)
def _visit_ends(local: Locals, returned: Any, at: At) -> Told:
    cost = local["progress"]
    return VISIT_ENDS.tell(
        mm=local["mm"].name, cost=cost, spent=_spent(at) + cost, budget=at.kernel.knobs.pages_to_scan
    )


@at_call(points.WAIT_WORK)
def _nap(local: Locals, at: At) -> Told:
    if not khugepaged_has_work(at.kernel):
        return NO_WORK.tell()
    return NAP.tell(time=duration(max(at.kernel.knobs.scan_sleep_millisecs, 1)))


@at_call(points.ALLOC_SLEEP)
def _alloc_nap(local: Locals, at: At) -> Told:
    return ALLOC_NAP.tell(time=duration(at.kernel.knobs.alloc_sleep_millisecs))


@at_wakeup(points.WAIT_WORK, points.ALLOC_SLEEP)
def _woken(local: Locals, at: At) -> Told:
    thread = at.kernel.khugepaged.thread
    deadline = None if thread is None or thread.wait is None else thread.wait.deadline
    if deadline is None:
        return WOKEN_BY_WORK.tell()
    return (WOKEN_BY_TIME if at.kernel.clock.now >= deadline else WOKEN_EARLY).tell()


@at_change(Khugepaged, "scan_address")
def _cursor(scan: Khugepaged, at: At) -> Told:
    if not scan.scan_address:
        return CURSOR_AT_START.tell()
    return CURSOR.tell(window=at.window(scan.scan_address))


@at_change(Khugepaged, "scan_mm_slot")
def _cursor_on(scan: Khugepaged, at: At) -> Told:
    return (
        CURSOR_NOWHERE.tell() if scan.scan_mm_slot is None else CURSOR_ON.tell(mm=scan.scan_mm_slot.mm.name)
    )


@at_change(Khugepaged, "full_scans")
def _lap(scan: Khugepaged, at: At) -> Told:
    return LAP.tell(laps=scan.full_scans)


@at_change(Khugepaged, "pages_collapsed")
def _counted(scan: Khugepaged, at: At) -> Told:
    return COUNTED.tell(collapsed=scan.pages_collapsed)
