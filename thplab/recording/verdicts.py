"""What a scan result means, in one sentence with its numbers.

Each refusal names the entry that decided it, the count and the limit. The texts are filled from the
local variables of the function that returned the result. There is one for every result of every
kernel, also for those that only another kind of memory or a race can bring about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from thplab import points
from thplab.kernels import ScanResult as S
from thplab.mm.include.page import folio_expected_ref_count
from thplab.points import Point
from thplab.words import counted

_LIMITS = ("max_ptes_none", "max_ptes_swap", "max_ptes_shared")

#: Functions that decide: they return a scan result (alone, or first in a tuple).
VERDICT_POINTS = (
    points.ALLOCATE, points.CHECK_PMD, points.COLLAPSE, points.ISOLATE, points.REVALIDATE,
    points.SCAN, points.SWAP_IN,
)  # fmt: skip
#: Their names, as recordings have them.
VERDICT_FUNCTIONS = frozenset(point.name for point in VERDICT_POINTS)


def verdict_sentence(point: Point | None, local: Mapping[str, Any], result: S) -> str:
    """The sentence for ``result``, returned by the function of ``point`` with these variables."""
    values = _Values(local)
    if point is points.SCAN and values.get("mmap_locked") is False and result is not S.SUCCEED:
        return f"The scan found nothing, but the collapse failed ('{result.value}'): the window is as it was."
    return (_OF_FUNCTION.get((point, result)) or SENTENCES[result])(values)


class _Values:
    """The variables, and else the limits of the machine they belong to."""

    def __init__(self, local: Mapping[str, Any]) -> None:
        vma = local.get("vma")
        mm = local.get("mm") or (vma.mm if vma is not None else None)
        self._local, self._limits = local, {"who": mm.name if mm is not None else "the process"}
        self.kernel = mm.kernel if mm is not None else None
        if mm is not None:
            knobs = mm.kernel.knobs
            self._limits |= {name: getattr(knobs, name) for name in _LIMITS}
            self._limits["entries"] = mm.kernel.geometry.HPAGE_PMD_NR

    def get(self, name: str, default: Any = None) -> Any:
        """A variable, or a limit, or else ``default``."""
        return self._local.get(name, self._limits.get(name, default))

    def __getitem__(self, name: str) -> Any:
        return self._local[name] if name in self._local else self._limits[name]

    @property
    def entry(self) -> str:
        """``Entry 411``, or ``An entry`` where no loop over entries runs."""
        index = self.get(points.ENTRY)
        return "An entry" if index is None else f"Entry {index}"

    @property
    def window(self) -> str:
        """The window's address."""
        address = self.get("start_addr", self.get("address"))
        return f"The window at {address:#x}" if address is not None else "The window"

    @property
    def nr(self) -> int:
        """Entries of a table."""
        nr: int = self.get("entries", 512)
        return nr


def _none(v: _Values) -> str:
    if v.get("userfaultfd_armed"):
        return f"{v.entry} is empty, and userfaultfd watches this VMA: no hole may be filled."
    return f"{v.entry} is empty: {v['none_or_zero']} empty > max_ptes_none {v['max_ptes_none']}."


def _succeed(v: _Values) -> str:
    return (
        f"Collapsed: {counted(v.get('referenced', 0), 'entry was', 'entries were')} referenced, "
        f"{v.get('none_or_zero', 0)} empty, {v.get('unmapped', 0)} swapped out."
    )


def _referenced(v: _Values) -> str:
    if v.get("unmapped"):
        return (
            f"With entries in swap ({v['unmapped']}) half of the window must be in use: "
            f"{v['referenced']} referenced < {v.nr // 2}."
        )
    return f"All {v.nr} entries were read: {v['referenced']} referenced, 1 needed. Nobody used this window."


def _count(v: _Values) -> str:
    folio, kernel, counts = v.get("folio"), v.kernel, ""
    if folio is not None and kernel is not None:
        held, expected = kernel.mem_map.refcount[folio], folio_expected_ref_count(kernel.mem_map, folio)
        counts = f": {counted(held, 'reference')}, {expected} expected"
    return f"{v.entry}: somebody besides the page tables holds the page (a pin){counts}. It must not move."


def _no_memory(v: _Values) -> str:
    orders: list[int] = []
    if v.kernel is not None:
        orders = [order for order, blocks in enumerate(v.kernel.zone.nr_free) if blocks]
    largest = (
        f"the largest free block has {counted(1 << orders[-1], 'page')}" if orders else "nothing is free"
    )
    return f"No free block of {v.nr} pages was to be had: {largest}. Nothing was changed."


def _address_range(v: _Values) -> str:
    vma = v.get("vma")
    where = f": the VMA is {vma.vm_start:#x}-{vma.vm_end:#x}" if vma is not None else ""
    return f"{v.window} does not lie inside one VMA any more{where}."


#: result -> sentence
SENTENCES: dict[S, Callable[[_Values], str]] = {
    S.SUCCEED: _succeed,
    S.FAIL: lambda v: f"{v.window} could not be collapsed, for no particular reason of the kernel's list.",
    S.PMD_NULL: lambda v: f"{v.window} has no PMD table: nothing was ever touched near it.",
    S.PMD_NONE: lambda v: f"The PMD entry is empty: nothing is mapped in these {v.nr} pages.",
    S.NO_PTE_TABLE: lambda v: f"{v.window} has no page table: nothing is mapped in these {v.nr} pages.",
    S.PMD_MAPPED: lambda v: "The PMD is a leaf already: this window is huge.",
    S.EXCEED_NONE_PTE: _none,
    S.EXCEED_SWAP_PTE: lambda v: (
        f"{v.entry} is swapped out: {v['unmapped']} swapped > max_ptes_swap {v['max_ptes_swap']}."
    ),
    S.EXCEED_SHARED_PTE: lambda v: (
        f"{v.entry} is shared: {v['shared']} shared > max_ptes_shared {v['max_ptes_shared']}."
    ),
    S.PTE_NON_PRESENT: lambda v: f"{v.entry} is not present any more: it was at the scan.",
    S.PTE_UFFD_WP: lambda v: f"{v.entry} is write-protected through userfaultfd: nobody may move its page.",
    S.PTE_MAPPED_HUGEPAGE: lambda v: "The page cache has this huge page already; only its mapping is small.",
    S.PAGE_RO: lambda v: f"All {v.nr} entries were read, 0 writable, 1 needed: to 6.17 no such collapse.",
    S.LACK_REFERENCED_PAGE: _referenced,
    S.PAGE_LAZYFREE: lambda v: f"{v.entry} was given up by MADV_FREE and not written since: leave it alone.",
    S.PAGE_DIRTY_OR_WRITEBACK: lambda v: f"A page of the file in {v.window} is still to be written to disk.",
    S.PAGE_NULL: lambda v: f"{v.entry} maps no ordinary page.",
    S.SCAN_ABORT: lambda v: f"{v.entry}: its page is on a node too far away from the others.",
    S.PAGE_COUNT: _count,
    S.PAGE_LRU: lambda v: f"{v.entry}: the page is not on an LRU list; somebody has isolated it.",
    S.PAGE_LOCK: lambda v: f"{v.entry}: the page is locked by somebody else.",
    S.PAGE_ANON: lambda v: f"{v.entry} maps a page that is not anonymous.",
    S.PAGE_COMPOUND: lambda v: f"{v.entry} maps a large page of another size or place.",
    S.ANY_PROCESS: lambda v: f"{v['who']} exits, or has switched THP off: no use to go on.",
    S.VMA_NULL: lambda v: f"{v.window} has no VMA any more: it went while no lock was held.",
    S.VMA_CHECK: lambda v: f"{v.window} lies in a VMA that may not have huge pages any more.",
    S.ADDRESS_RANGE: _address_range,
    S.DEL_PAGE_LRU: lambda v: f"{v.entry}: somebody else took the page off the LRU first.",
    S.ALLOC_HUGE_PAGE_FAIL: _no_memory,
    S.CGROUP_CHARGE_FAIL: lambda v: f"The memory control group has no room for {v.nr} more pages.",
    S.TRUNCATED: lambda v: "The file became shorter: a page has left it.",
    S.PAGE_HAS_PRIVATE: lambda v: f"{v.entry}: the file system keeps data of its own with the page.",
    S.STORE_FAILED: lambda v: "The huge page could not be entered into the page cache.",
    S.COPY_MC: lambda v: f"{v.entry}: the memory that was to be copied is broken (machine check).",
    S.PAGE_FILLED: lambda v: "A hole of the file was filled meanwhile.",
}

#: (function, result) -> sentence, where the function gives the result another meaning
_OF_FUNCTION: dict[tuple[Point | None, S], Callable[[_Values], str]] = {
    (points.ISOLATE, S.SUCCEED): lambda v: (
        "All pages are locked and off the LRU; none was freed yet. They can be copied now."
    ),
    (points.SWAP_IN, S.SUCCEED): lambda v: "All that was swapped out is in memory again.",
    (points.SWAP_IN, S.PAGE_LOCK): lambda v: (
        f"{v.entry} is being swapped in by somebody else: mmap_lock was dropped, try later."
    ),
    (points.SWAP_IN, S.FAIL): lambda v: (
        f"{v.entry} is not in swap at all (a guard page, a broken page): it can't be brought in."
    ),
    (points.SWAP_IN, S.PMD_NULL): lambda v: "The page table has gone during the swap-in.",
    (points.REVALIDATE, S.SUCCEED): lambda v: (
        "Looked up again: the VMA is still there, covers the window and may have huge pages."
    ),
    (points.REVALIDATE, S.PAGE_ANON): lambda v: f"{v.window} is not anonymous memory any more.",
    (points.FIND_PMD, S.SUCCEED): lambda v: "The PMD points at a PTE table: there is work to do.",
    (points.CHECK_PMD, S.SUCCEED): lambda v: "The PMD still points at the table that was scanned.",
    (points.CHECK_PMD, S.FAIL): lambda v: "The PMD points at another table than the one scanned.",
    (points.ALLOCATE, S.SUCCEED): lambda v: (
        f"The huge page is there: pfn {v['folio'] + v['kernel'].mem_map.start_pfn:#x}, a multiple of {v.nr}. "
        "No lock is held now, so anything may have changed meanwhile."
    ),
    (points.COLLAPSE, S.SUCCEED): lambda v: f"Done: {v.window.lower()} is one huge page now.",
    **{
        (points.COLLAPSE, result): (lambda v, r=result: f"{v.window} stays as it was: '{r.value}'.")  # type: ignore[misc]
        for result in S
        if result is not S.SUCCEED
    },
}
