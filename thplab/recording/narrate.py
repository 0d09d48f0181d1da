"""The sentence of a moment: what happened, and why.

The model says nothing by itself. A sentence belongs to a function and what it was called with, or to
a function and what it returned; it is filled from the function's local variables, never from a line
number. ``before`` sentences are said at the call, ``after`` ones at the return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from thplab.kernels import ScanResult
from thplab.recording.verdicts import verdict_sentence

__all__ = ["sentence_of_call", "sentence_of_return"]

_Locals = Mapping[str, Any]


def sentence_of_call(function: str, local: _Locals) -> str | None:
    """What entering ``function`` means, or None."""
    tell = _BEFORE.get(function)
    return tell(local) if tell else None


def sentence_of_return(function: str, local: _Locals, returned: Any) -> str | None:
    """What leaving ``function`` with ``returned`` means, or None."""
    if function in _SCANNING:
        return verdict_sentence(function, local, returned[0] if isinstance(returned, tuple) else returned)
    tell = _AFTER.get(function)
    return tell(local, returned) if tell else None


_SCANNING = ("scan_pmd", "__collapse_huge_page_isolate")


def _task(local: _Locals) -> str:
    return "khugepaged" if local["cc"].is_khugepaged else "The caller of madvise"


def _lock(verb: str) -> Callable[[_Locals], str]:
    return lambda local: f"{verb} {local['lock'].name}."


def _window(address: int) -> str:
    return f"the window at {address:#x}"


def _scan_mm_slot(local: _Locals) -> str:
    scan = local["kernel"].khugepaged
    first = scan.scan_mm_slot is None
    slot = scan.mm_head[0] if first else scan.scan_mm_slot
    where = "from its beginning" if first else f"from {scan.scan_address:#x} on"
    return f"khugepaged visits {slot.mm.name} {where}; it may spend {local['pages']} units."


def _allocation(local: _Locals, returned: Any) -> str:
    _, folio = returned
    if folio is None:
        return "No free block of 512 pages: the collapse ends here, and nothing was changed."
    pfn = folio + local["mm"].kernel.mem_map.start_pfn
    return (
        f"The huge page is there: pfn {pfn:#x}, a multiple of 512. No lock is held now, so anything may "
        "have changed meanwhile."
    )


def _revalidated(local: _Locals, returned: Any) -> str:
    result = returned[0]
    if result is ScanResult.SUCCEED:
        return "Looked up again: the VMA is still there, covers the window and may have huge pages."
    return verdict_sentence("hugepage_vma_revalidate", local, result)


def _collapsed(local: _Locals, returned: Any) -> str:
    if returned is ScanResult.SUCCEED:
        return f"Done: {_window(local['address'])} is one huge page now."
    return f"{_window(local['address']).capitalize()} stays as it was: {returned.value}."


def _pass_ended(local: _Locals, returned: Any) -> str | None:
    progress, result = returned
    return f"This visit cost {progress} units; its last window ended with '{result.value}'."


def _cursor(local: _Locals, returned: Any) -> str:
    scan = local["kernel"].khugepaged
    if scan.scan_mm_slot is None:
        return f"The end of the list: full scan number {scan.full_scans} is complete."
    return f"{local['slot'].mm.name} is finished; the cursor moves on to {scan.scan_mm_slot.mm.name}."


def _scan_begins(local: _Locals) -> str:
    return f"Scan {_window(local['start_addr'])}: is there a PTE table, and does any entry speak against it?"


def _collapse_begins(local: _Locals) -> str:
    return (
        f"Nothing spoke against {_window(local['address'])}: {local['referenced']} entries referenced, "
        f"{local['unmapped']} swapped out. The collapse begins by giving mmap_lock back."
    )


def _wait(local: _Locals) -> str:
    knobs = local["kernel"].knobs
    return f"The pass is over. khugepaged sleeps {knobs.scan_sleep_millisecs} ms, or until there is work."


_BEFORE: dict[str, Callable[[_Locals], str | None]] = {
    "khugepaged_do_scan": lambda v: f"A pass begins: at most {v['kernel'].knobs.pages_to_scan} units.",
    "khugepaged_scan_mm_slot": _scan_mm_slot,
    "scan_pmd": _scan_begins,
    "collapse_huge_page": _collapse_begins,
    "alloc_charge_folio": lambda v: f"{_task(v)} asks for 512 contiguous pages, with no lock held.",
    "__khugepaged_enter": lambda v: f"{v['mm'].name} is registered: a slot at the tail of khugepaged's list.",
    "pmdp_collapse_flush": lambda v: (
        "Fence: clear the PMD, flush the TLBs. Whoever touches the window waits."
    ),
    "__collapse_huge_page_isolate": lambda v: (
        "Isolate: lock each page and take it off the LRU. Nothing is freed here."
    ),
    "__collapse_huge_page_copy": lambda v: "Copy 512 entries into the huge page; holes become zeroes.",
    "__collapse_huge_page_copy_succeeded": lambda v: (
        "The data is safe: clear the old entries and free the old pages. No way back from here."
    ),
    "_publish_huge_pmd": lambda v: "Publish: reverse map, LRU, keep the empty table, set the huge PMD.",
    "_repopulate_pmd": lambda v: "Rollback: the PMD points at the old table again.",
    "release_pte_pages": lambda v: f"Rollback: {len(v['isolated'])} pages go back on the LRU, unlocked.",
    "pgtable_trans_huge_deposit": lambda v: "The empty PTE table is kept for a later split.",
    "khugepaged_wait_work": _wait,
    "khugepaged_alloc_sleep": lambda v: (
        f"No huge page to be had: sleep {v['kernel'].knobs.alloc_sleep_millisecs} ms, then the next window."
    ),
    "madvise_collapse": lambda v: (
        "MADV_COLLAPSE: every whole window of the range, now, in the caller's time."
    ),
    "khugepaged_exit": lambda v: f"{v['mm'].name} exits: khugepaged is told.",
    "down_read": _lock("Take for reading:"),
    "down_write": _lock("Take for writing:"),
    "up_read": _lock("Release:"),
    "up_write": _lock("Release:"),
}

_AFTER: dict[str, Callable[[_Locals, Any], str | None]] = {
    "alloc_charge_folio": _allocation,
    "hugepage_vma_revalidate": _revalidated,
    "collapse_huge_page": _collapsed,
    "khugepaged_scan_mm_slot": _pass_ended,
    "_advance_cursor": _cursor,
    "down_read_trylock": lambda v, taken: (
        f"{v['lock'].name} was free: taken for reading."
        if taken
        else f"{v['lock'].name} is held for writing by {v['lock'].writer}: not now, on to the next."
    ),
}
