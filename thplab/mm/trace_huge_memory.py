"""The two events of khugepaged's walk (include/trace/events/huge_memory.h, 6.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thplab.kernels import ScanResult
from thplab.mm.trace import mm_pointer, scan_pfn, trace

if TYPE_CHECKING:
    from thplab.mm.include.mm_types import Mm

__all__ = ["trace_mm_khugepaged_scan", "trace_mm_khugepaged_scan_pmd"]

#: Results of a scan for which one page is to blame.
_STOPPED_BY_A_PAGE = frozenset(
    {ScanResult.PTE_UFFD_WP, ScanResult.PAGE_ANON, ScanResult.PAGE_LAZYFREE, ScanResult.EXCEED_SHARED_PTE,
     ScanResult.PAGE_LRU, ScanResult.PAGE_LOCK, ScanResult.PAGE_COUNT}
)  # fmt: skip


def trace_mm_khugepaged_scan_pmd(
    mm: Mm,
    address: int,
    folio: int | None,
    writable: bool,
    referenced: int,
    none_or_zero: int,
    status: ScanResult,
    unmapped: int,
) -> None:
    """One window was looked at: the last thing in an attempt, also after a collapse."""
    kernel = mm.kernel
    if kernel.profile.trace_names_only_culprit and status not in _STOPPED_BY_A_PAGE:
        folio = None
    trace(
        kernel,
        "mm_khugepaged_scan_pmd",
        ("mm", mm_pointer(mm)),
        ("scan_pfn", scan_pfn(kernel, folio)),
        ("writable", int(writable) if kernel.profile.trace_has_writable else None),
        ("referenced", referenced),
        ("none_or_zero", none_or_zero),
        ("status", status),
        ("unmapped", unmapped),
        mm=mm,
        address=address,
    )


def trace_mm_khugepaged_scan(mm: Mm, progress: int, *, lap_ended: bool) -> None:
    """A visit of an address space ended (since 7.x): the units that it cost, and whether a lap did."""
    if mm.kernel.profile.trace_has_visits:
        fields = (("mm", mm_pointer(mm)), ("progress", progress), ("full_scan_finished", int(lap_ended)))
        trace(mm.kernel, "mm_khugepaged_scan", *fields, mm=mm)
