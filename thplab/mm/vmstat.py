"""Event counters, in the words of /proc/vmstat (mm/vmstat.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thplab.mm.system import Kernel

__all__ = ["EVENTS", "count_vm_event", "vm_event"]

#: Names in the order of the column; all only grow, except the ``nr_`` ones.
EVENTS = (
    "nr_free_pages", "nr_isolated_anon", "nr_anon_pages", "nr_anon_transparent_hugepages",
    "nr_page_table_pages", "nr_zero_page_pages", "nr_mapped", "nr_file_pages", "nr_shmem",
    "nr_shmem_hugepages", "nr_shmem_pmdmapped", "pgalloc", "pgfree", "pgfault",
    "pswpin", "pswpout", "thp_swpout", "thp_swpout_fallback",
    "thp_fault_alloc", "thp_fault_fallback", "thp_fault_fallback_charge", "thp_collapse_alloc",
    "thp_collapse_alloc_failed", "thp_split_pmd", "thp_split_page", "thp_split_page_failed",
    "thp_deferred_split_page",
    "thp_scan_exceed_none_pte", "thp_scan_exceed_swap_pte", "thp_scan_exceed_share_pte",
    "thp_zero_page_alloc", "thp_zero_page_alloc_failed",
    "thp_file_alloc", "thp_file_fallback", "thp_file_mapped",
)  # fmt: skip

_NUMBER = {name: number for number, name in enumerate(EVENTS)}


def count_vm_event(kernel: Kernel, name: str, delta: int = 1) -> None:
    """Add ``delta`` to a counter; KeyError for a name that /proc/vmstat does not have."""
    kernel.vmstat[_NUMBER[name]] += delta


def vm_event(kernel: Kernel, name: str) -> int:
    """The present value of a counter."""
    value: int = kernel.vmstat[_NUMBER[name]]
    return value
