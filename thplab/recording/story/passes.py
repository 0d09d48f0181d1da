"""khugepaged's visits: what it does with its list and its budget."""

from __future__ import annotations

from typing import Any

from thplab import points
from thplab.kernels import ScanResult
from thplab.mm.include.huge_mm import TvaType
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.khugepaged import Khugepaged
from thplab.mm.include.mm_types import Vma
from thplab.points import Locals
from thplab.recording.story.faults import policy_asked
from thplab.recording.story.tellers import At, at_call, at_change, at_return, lock_words
from thplab.recording.story.template import Told, Value, detail, entry, story
from thplab.scenario.reasons import refusal
from thplab.words import counted

REGISTERED = story(
    "registered",
    "Process {mm} is on khugepaged's list now, so khugepaged will visit it: {listed|process is|processes are} listed.",
)
LEAVES_LIST = detail("leaves_list", "khugepaged learns that process {mm} exits, so it never visits it again.")
VISIT = story(
    "visit",
    "khugepaged visits process {mm} for {cost|unit|units} and takes {lock} for reading, so that no mapping changes while "
    "it looks.",
)
PASSED_BY = story(
    "passed_by",
    "khugepaged passes process {mm} by, because {holder} holds {lock} for writing and khugepaged never waits for a "
    "process.",
)
PASSED_BY_QUEUE = story(
    "passed_by_queue",
    "khugepaged passes process {mm} by, because {holder} waits for {lock} already and khugepaged never waits for a "
    "process.",
)
#: The first of neighbours that are passed over for one reason; the others are many.
_PASSED_OVER = "Mapping {number} of process {mm} ({pages|page|pages} at {address}) is passed over for {cost|unit|units}, because {why}."
VMA_PASSED_OVER = story("vma_passed_over", _PASSED_OVER)
VMA_PASSED_OVER_TOO = entry("vma_passed_over_too", _PASSED_OVER)
WINDOW_COLLAPSED = story(
    "window_paid_huge",
    "{Window} of process {mm} was collapsed and costs {cost|unit|units}, because {why}: {spent} of {limit} are spent in "
    "this pass.",
)
WINDOW_REFUSED = story(
    "window_paid",
    "{Window} of process {mm} does not become huge and still costs {cost|unit|units}, because {why}: {spent} of {limit} are spent "
    "in this pass.",
)
VISIT_ENDS = story(
    "visit_ends",
    "khugepaged is done with process {mm} in this lap: this visit cost {cost|unit|units}, so {spent} of {limit} are spent in this "
    "pass.",
)
VISIT_OF_GONE = story(
    "visit_ends_gone",
    "khugepaged takes process {mm} off its list, because it has exited: this visit cost {cost|unit|units}, and {spent} of "
    "{limit} are spent in this pass.",
)
VISIT_STOPS = story(
    "visit_ends_midway",
    "khugepaged leaves process {mm} and will go on there at {window}, because {why}: this visit cost {cost|unit|units}, and "
    "{spent} of {limit} are spent in this pass.",
)
NOT_VISITED = story(
    "visit_ends_unvisited",
    "Process {mm} has lost its turn until the next lap, because it was not visited: that cost nothing, and {spent} of "
    "{limit} are spent in this pass.",
)
LAP = story(
    "lap",
    "That was the end of the list, so the next visit begins at its head: {laps|lap is|laps are} complete.",
)
CURSOR = detail("cursor", "The cursor moves on to {window}: what lies below it has had its turn.")
CURSOR_AT_START = detail("cursor_at_start", "The cursor is at the beginning of an address space.")
CURSOR_ON = detail("cursor_on", "The cursor is on process {mm} now, so the next visit is there.")
CURSOR_NOWHERE = detail(
    "cursor_nowhere", "The cursor is on no process, so the next visit is at the head of the list."
)
COUNTED = detail("counted", "{collapsed|window is|windows are} collapsed so far, says pages_collapsed.")


def spent_of(at: At) -> int:
    """Units of the pass so far, without those of a visit that goes on."""
    return at.kernel.khugepaged.progress_of_pass


@at_return(points.ENTER)
def _registered(local: Locals, returned: Any, at: At) -> Told:
    return REGISTERED.tell(mm=local["mm"].name, listed=len(at.kernel.khugepaged.mm_head))


@at_call(points.EXIT)
def _exits(local: Locals, at: At) -> Told:
    return LEAVES_LIST.tell(mm=local["mm"].name)


#: From so many units on a budget says nothing: no pass of this model spends them.
_NO_LIMIT = 1_000_000_000


def limit_words(budget: int) -> str:
    """A budget in words."""
    return "unlimited units" if budget >= _NO_LIMIT else counted(budget, "unit")


def budget_of(budget: int) -> dict[str, Value]:
    """The values of a sentence that say what a pass may spend."""
    return {"budget": budget, "limit": limit_words(budget)}


@at_return(points.DOWN_READ_TRYLOCK)
def _visit(local: Locals, taken: Any, at: At) -> Told | None:
    visit = at.within(points.SCAN_MM)
    if visit is None:
        return None
    lock, mm = local["lock"], visit["mm"]
    if not taken and lock.writer is None:
        return PASSED_BY_QUEUE.tell(mm=mm.name, lock=lock_words(lock), holder=lock.waiters[0].who)
    if not taken:
        return PASSED_BY.tell(mm=mm.name, lock=lock_words(lock), holder=lock.writer, cost=0)
    return VISIT.tell(
        mm=mm.name,
        lock=lock_words(lock),
        left=visit["pages"],
        spent=spent_of(at),
        cost=1,
        **budget_of(at.kernel.knobs.pages_to_scan),
    )


@at_return(points.ALLOWABLE)
def _vma(local: Locals, allowed: Any, at: At) -> Told | None:
    """Asked by a visit, or by a fault."""
    vma, size = local["vma"], at.kernel.geometry.PAGE_SIZE
    if at.caller is points.HANDLE_FAULT:
        return policy_asked(vma, allowed, at)
    if allowed or at.caller is not points.SCAN_VMAS:
        return None
    why = refusal(vma, TvaType.KHUGEPAGED) or "it may not have huge pages"
    return (VMA_PASSED_OVER_TOO if _is_another(vma, why, at) else VMA_PASSED_OVER).tell(
        mm=vma.mm.name,
        number=vma.mm.vmas.index(vma) + 1,
        address=f"{vma.vm_start:#x}",
        pages=(vma.vm_end - vma.vm_start) // size,
        why=why,
        cost=1,
    )


def _is_another(vma: Vma, why: str, at: At) -> bool:
    """Was the mapping below passed over in this visit, too, and for the same reason?"""
    vmas = vma.mm.vmas
    place = vmas.index(vma)
    below = vmas[place - 1] if place else None
    if below is None or below.vm_end <= at.kernel.khugepaged.scan_address:
        return False
    return refusal(below, TvaType.KHUGEPAGED) == why


@at_return(points.WINDOW_COST)
def _window_paid(local: Locals, cost: Any, at: At) -> Told | None:
    """The cursor is behind the window already; what the visit has spent does not have it yet."""
    visit = at.within(points.SCAN_VMAS)
    if visit is None:
        return None
    scan = at.kernel.khugepaged
    template = WINDOW_COLLAPSED if visit["result"] is ScanResult.SUCCEED else WINDOW_REFUSED
    return template.tell(
        mm=visit["mm"].name,
        window=at.window(scan.scan_address - at.kernel.geometry.HPAGE_PMD_SIZE),
        cost=cost,
        result=visit["result"].value,
        why=_why_paid(at.kernel),
        spent=spent_of(at) + visit["progress"] + cost,
        **budget_of(at.kernel.knobs.pages_to_scan),
    )


def _why_paid(kernel: Kernel) -> str:
    if not kernel.profile.window_costs_what_was_read:
        return "all windows cost the same"
    read = kernel.khugepaged.collapse_control.ptes_read
    return "as many entries were read" if read else "even one of which no entry is read costs that much"


@at_return(points.SCAN_MM)
def _visit_ends(local: Locals, returned: Any, at: At) -> Told:
    mm, cost, scan = local["mm"], local["progress"], at.kernel.khugepaged
    values: dict[str, Value] = {
        "mm": mm.name,
        "cost": cost,
        "spent": spent_of(at) + cost,
        **budget_of(at.kernel.knobs.pages_to_scan),
    }
    if not cost:
        return NOT_VISITED.tell(**values)
    if not mm.mm_users:
        return VISIT_OF_GONE.tell(**values)
    if scan.scan_mm_slot is None or scan.scan_mm_slot.mm is not mm:
        return VISIT_ENDS.tell(**values)
    why = "it is to have no huge pages any more"
    if cost >= local["pages"]:
        why = "the budget of this pass is spent"
    elif not local["mmap_locked"]:
        why = "trying to collapse a window gives up the lock"
    return VISIT_STOPS.tell(window=at.window(scan.scan_address), why=why, **values)


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
