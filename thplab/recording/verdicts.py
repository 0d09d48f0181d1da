"""What a scan result means, in one sentence with its numbers.

Each refusal names the entry that decided it, the count and the limit. The texts are filled from the
local variables of the function that returned the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from thplab.kernels import ScanResult as S

__all__ = ["SENTENCES", "VERDICT_FUNCTIONS", "verdict_sentence"]

#: Functions that return a scan result (alone, or first in a tuple).
VERDICT_FUNCTIONS = frozenset({"scan_pmd", "__collapse_huge_page_isolate"})

_Locals = Mapping[str, Any]


def verdict_sentence(function: str, local: _Locals, result: S) -> str:
    """The sentence for ``result``, returned by ``function`` with these locals."""
    return SENTENCES[result](_Values(function, local))


class _Values(dict[str, Any]):
    """The locals, with the limits of the machine they belong to; ``who`` names the function."""

    def __init__(self, function: str, local: _Locals) -> None:
        super().__init__(local)
        mm = local.get("mm") or (local["vma"].mm if "vma" in local else None)
        if mm is not None:
            knobs = mm.kernel.knobs
            self.setdefault("max_ptes_none", knobs.max_ptes_none)
            self.setdefault("max_ptes_swap", knobs.max_ptes_swap)
            self.setdefault("max_ptes_shared", knobs.max_ptes_shared)
            self["half"] = mm.kernel.geometry.HPAGE_PMD_NR // 2
        self["isolating"] = function == "__collapse_huge_page_isolate"


def _none(v: _Values) -> str:
    if v.get("userfaultfd_armed"):
        return f"Entry {v['index']} is empty, and userfaultfd watches this VMA: no hole may be filled."
    return f"Entry {v['index']} is empty: {v['none_or_zero']} empty > max_ptes_none {v['max_ptes_none']}."


def _succeed(v: _Values) -> str:
    if v["isolating"]:
        return "All pages are locked and off the LRU; none was freed yet. They can be copied now."
    return (
        f"Collapsed: {v.get('referenced', 0)} entries were referenced, {v.get('none_or_zero', 0)} empty, "
        f"{v.get('unmapped', 0)} swapped out."
    )


def _referenced(v: _Values) -> str:
    if v.get("unmapped"):
        return (
            f"{v['unmapped']} entries are swapped out, so {v['half']} must be referenced; only "
            f"{v['referenced']} are."
        )
    return f"All entries were read, and {v['referenced']} of them are referenced: nobody used this window."


def _count(v: _Values) -> str:
    return (
        f"Entry {v['index']}: somebody besides the page tables holds a reference to the page (a pin). "
        "It must not move."
    )


#: result -> sentence
SENTENCES: dict[S, Callable[[_Values], str]] = {
    S.SUCCEED: _succeed,
    S.FAIL: lambda v: "The attempt failed: the page table is not the one that was scanned.",
    S.PMD_NULL: lambda v: "There is no PMD table for this address: nothing was ever touched near it.",
    S.PMD_NONE: lambda v: "The PMD entry is empty: nothing is mapped in these 512 pages.",
    S.PMD_MAPPED: lambda v: "The PMD is a leaf already: this window is huge.",
    S.EXCEED_NONE_PTE: _none,
    S.EXCEED_SWAP_PTE: lambda v: (
        f"Entry {v['index']} is swapped out: {v['unmapped']} swapped > max_ptes_swap {v['max_ptes_swap']}."
    ),
    S.EXCEED_SHARED_PTE: lambda v: (
        f"Entry {v['index']} is shared: {v['shared']} shared > max_ptes_shared {v['max_ptes_shared']}."
    ),
    S.PTE_NON_PRESENT: lambda v: f"Entry {v['index']} is not present any more: it was at the scan.",
    S.PTE_UFFD_WP: lambda v: f"Entry {v['index']} is write-protected through userfaultfd.",
    S.PAGE_RO: lambda v: "All entries were read and none is writable: to 6.17 such a window is refused.",
    S.LACK_REFERENCED_PAGE: _referenced,
    S.PAGE_NULL: lambda v: f"Entry {v['index']} maps no ordinary page.",
    S.PAGE_COUNT: _count,
    S.PAGE_LRU: lambda v: f"Entry {v['index']}: the page is not on an LRU list; somebody has isolated it.",
    S.PAGE_LOCK: lambda v: f"Entry {v['index']}: the page is locked by somebody else.",
    S.PAGE_ANON: lambda v: (
        f"Entry {v['index']} maps a page that is not anonymous."
        if "index" in v
        else "The VMA is not anonymous memory any more."
    ),
    S.ANY_PROCESS: lambda v: "The process exits, or has switched THP off: no use to go on.",
    S.VMA_NULL: lambda v: "The VMA has gone while no lock was held.",
    S.VMA_CHECK: lambda v: "The VMA may not have huge pages any more.",
    S.ADDRESS_RANGE: lambda v: "The window does not lie inside one VMA any more.",
    S.DEL_PAGE_LRU: lambda v: f"Entry {v['index']}: somebody else took the page off the LRU first.",
    S.ALLOC_HUGE_PAGE_FAIL: lambda v: "No free block of 512 pages was to be had.",
    S.CGROUP_CHARGE_FAIL: lambda v: "The memory control group may not take 512 more pages.",
}
