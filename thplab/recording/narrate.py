"""The sentence of a moment: what happened, and why.

The model says nothing by itself. A sentence belongs to a function and what it was called with, to a
function and what it returned, or to a field that changed; it is filled from the function's local
variables, never from a line number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from thplab import points
from thplab.kernels import ScanResult
from thplab.mm.include.pgtable import entry_pfn, pmd_trans_huge
from thplab.mm.include.state import Struct
from thplab.points import Locals, Point
from thplab.recording.lock_words import lock_sentence
from thplab.recording.verdicts import VERDICT_POINTS, verdict_sentence
from thplab.words import counted


def sentence_of_call(local: Locals, caller: Point | None) -> str | None:
    """What entering the function of these variables, called by ``caller``, means, or None."""
    if local.point in _LOCKING:
        return lock_sentence(local.point, local["lock"].name, caller)
    tell = _BEFORE.get(local.point)
    return tell(local) if tell else None


def sentence_of_return(local: Locals, returned: Any) -> str | None:
    """What leaving the function with ``returned`` means, or None."""
    if local.point in VERDICT_POINTS:
        result = returned[0] if isinstance(returned, tuple) else returned
        return verdict_sentence(local.point, local, result) if isinstance(result, ScanResult) else None
    tell = _AFTER.get(local.point)
    return tell(local, returned) if tell else None


def sentence_of_event(local: Locals) -> str | None:
    """What a trace line that the function prints means: the verdict that it is about to return, or None."""
    if local.point not in VERDICT_POINTS or not isinstance(result := local.get("result"), ScanResult):
        return None
    return verdict_sentence(local.point, local, result)


def sentence_of_wakeup(local: Locals) -> str | None:
    """What it means that a sleeping function goes on, or None."""
    if local.point not in (points.WAIT_WORK, points.ALLOC_SLEEP):
        return None
    kernel = local["kernel"]
    deadline = local.get("deadline", kernel.khugepaged.sleep_expire)
    over = deadline and kernel.clock.now >= deadline
    return "khugepaged wakes up: " + ("its time is over." if over else "somebody has woken it.")


def sentence_of_change(struct: Struct, name: str) -> str | None:
    """What the new value of a field means, or None."""
    tell = _CHANGED.get((type(struct).__name__, name))
    return tell(struct) if tell else None


_LOCKING = (points.DOWN_READ, points.DOWN_WRITE, points.UP_READ, points.UP_WRITE)


def _task(local: Locals) -> str:
    return "khugepaged" if local["cc"].is_khugepaged else "The caller of madvise"


def _scan_mm_slot(local: Locals) -> str:
    scan = local["kernel"].khugepaged
    first = scan.scan_mm_slot is None
    slot = scan.mm_head[0] if first else scan.scan_mm_slot
    where = "from its beginning" if first else f"from {scan.scan_address:#x} on"
    return f"khugepaged visits {slot.mm.name} {where}; it may spend {counted(local['pages'], 'unit')}."


def _pass_ended(local: Locals, returned: Any) -> str:
    progress, result = returned
    return f"This visit cost {counted(progress, 'unit')}; its last window ended with '{result.value}'."


def _collapse_begins(local: Locals) -> str:
    return (
        f"Nothing spoke against the window at {local['address']:#x}: "
        f"{counted(local['referenced'], 'entry', 'entries')} referenced, {local['unmapped']} swapped out. "
        "The collapse begins by giving mmap_lock back."
    )


def _wait(local: Locals) -> str:
    kernel = local["kernel"]
    if not kernel.khugepaged.mm_head:
        return "The pass is over, and nobody is registered: khugepaged sleeps until somebody is."
    return (
        f"The pass is over. khugepaged sleeps {kernel.knobs.scan_sleep_millisecs} ms, or until it is woken."
    )


def _entry_written(local: Locals) -> str:
    table, pmd = local["table"], local["pmd"]
    if not pmd:
        return f"Clear an entry of {table.name}: it leads nowhere now."
    if pmd_trans_huge(pmd):
        return f"Set the PMD as a leaf: this one entry maps all pages from pfn {entry_pfn(pmd):#x} on."
    return f"Point an entry of {table.name} at the table in pfn {entry_pfn(pmd):#x}."


def _freed(local: Locals) -> str:
    pages = 1 << local["order"]
    what = "the page goes" if pages == 1 else f"{pages} pages go"
    return f"Nobody refers to it any more: {what} back to the allocator."


def _obtained(local: Locals, folio: Any) -> str | None:
    pages, kernel = 1 << local["order"], local["kernel"]
    pfn = folio + kernel.mem_map.start_pfn
    return (
        f"A folio of {counted(pages, 'page')} is allocated: pfn {pfn:#x}. One reference to it is held, by us."
    )


_BEFORE: dict[Point, Callable[[Locals], str | None]] = {
    points.DO_SCAN: lambda v: f"A pass begins: at most {counted(v['kernel'].knobs.pages_to_scan, 'unit')}.",
    points.SCAN_MM: _scan_mm_slot,
    points.SCAN: lambda v: (
        f"Scan the window at {v['start_addr']:#x}: is there a PTE table, and does any entry speak against it?"
    ),
    points.COLLAPSE: _collapse_begins,
    points.ALLOCATE: lambda v: (
        f"{_task(v)} asks for {v['mm'].kernel.geometry.HPAGE_PMD_NR} contiguous pages, with no lock held."
    ),
    points.ENTER: lambda v: f"{v['mm'].name} is registered: a slot at the tail of khugepaged's list.",
    points.FENCE: lambda v: "Fence: clear the PMD, flush the TLBs. Whoever touches the window waits.",
    points.ISOLATE: lambda v: "Isolate: lock each page and take it off the LRU. Nothing is freed here.",
    points.SWAP_IN: lambda v: "Bring what is swapped out back into memory, entry by entry.",
    points.COPY: lambda v: f"Copy {len(v['pte_table'])} entries into the huge page; holes become zeroes.",
    points.FREE: lambda v: (
        "The data is safe: clear the old entries and free the old pages. No way back from here."
    ),
    points.PUBLISH: lambda v: "Publish: reverse map, LRU, keep the empty table, set the huge PMD.",
    points.REPOPULATE: lambda v: "Rollback: the PMD points at the old table again.",
    points.RELEASE: lambda v: (
        f"Rollback: {counted(len(v['isolated']), 'page goes', 'pages go')} back on the LRU, unlocked."
    ),
    points.DEPOSIT: lambda v: "The empty PTE table is kept for a later split.",
    points.WITHDRAW: lambda v: "The table that was kept for a split is needed now.",
    points.SPLIT_PMD: lambda v: "A part of the huge page is to change: its PMD becomes a table again.",
    points.SET_PMD: _entry_written,
    points.FREE_PAGES: _freed,
    points.WAIT_WORK: _wait,
    points.ALLOC_SLEEP: lambda v: (
        f"No huge page to be had: sleep {v['kernel'].knobs.alloc_sleep_millisecs} ms, then the next window."
    ),
    points.MADVISE: lambda v: "MADV_COLLAPSE: every whole window of the range, now, in the caller's time.",
    points.EXIT: lambda v: f"{v['mm'].name} exits: khugepaged is told.",
}


def _trylock(local: Locals, taken: Any) -> str:
    lock = local["lock"]
    if taken:
        return f"{lock.name} was free: taken for reading, so that no VMA changes meanwhile."
    return f"{lock.name} is held for writing by {lock.writer}: not now, on to the next."


_AFTER: dict[Point, Callable[[Locals, Any], str | None]] = {
    points.SCAN_MM: _pass_ended,
    points.FIND_PMD: lambda v, found: verdict_sentence(points.FIND_PMD, v, found[0]),
    points.FOLIO_ALLOC: _obtained,
    points.DOWN_READ_TRYLOCK: _trylock,
}


def _cursor_at(scan: Any) -> str:
    if not scan.scan_address:
        return "The cursor stands at the beginning of an address space."
    return f"The cursor moves on to {scan.scan_address:#x}: what lies below has had its turn."


def _cursor_in(scan: Any) -> str:
    if scan.scan_mm_slot is None:
        return "The cursor stands nowhere: the next visit begins at the head of the list."
    return f"The cursor stands on {scan.scan_mm_slot.mm.name} now."


#: (type, field) -> sentence for its new value
_CHANGED: dict[tuple[str, str], Callable[[Any], str]] = {
    ("Khugepaged", "scan_address"): _cursor_at,
    ("Khugepaged", "scan_mm_slot"): _cursor_in,
    ("Khugepaged", "full_scans"): lambda scan: (
        f"The end of the list: full scan number {scan.full_scans} is complete."
    ),
    ("Khugepaged", "pages_collapsed"): lambda scan: f"pages_collapsed is {scan.pages_collapsed} now.",
}
