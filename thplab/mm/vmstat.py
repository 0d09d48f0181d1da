"""Event counters, in the words of /proc/vmstat, and measures of fragmentation (mm/vmstat.c, 6.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thplab.mm.include.mmzone import Zone
    from thplab.mm.system import Kernel

__all__ = [
    "EVENTS",
    "count_vm_event",
    "extfrag_for_order",
    "fragmentation_index",
    "unusable_free_index",
    "vm_event",
]

#: Names in the order of /proc/vmstat; all only grow, except the ``nr_`` ones.
EVENTS = (
    "nr_free_pages", "nr_isolated_anon", "nr_isolated_file", "nr_anon_pages", "nr_mapped", "nr_file_pages",
    "nr_shmem", "nr_shmem_hugepages", "nr_shmem_pmdmapped", "nr_anon_transparent_hugepages",
    "nr_page_table_pages",
    "pswpin", "pswpout", "pgalloc",
    "allocstall_dma", "allocstall_dma32", "allocstall_normal", "allocstall_movable",
    "pgfree", "pgactivate", "pgdeactivate", "pgfault",
    "pgsteal_kswapd", "pgsteal_direct", "pgscan_kswapd", "pgscan_direct",
    "pageoutrun", "drop_pagecache", "drop_slab",
    "pgmigrate_success", "pgmigrate_fail", "compact_migrate_scanned", "compact_free_scanned",
    "compact_isolated", "compact_stall", "compact_fail", "compact_success", "compact_daemon_wake",
    "compact_daemon_migrate_scanned", "compact_daemon_free_scanned",
    "thp_fault_alloc", "thp_fault_fallback", "thp_fault_fallback_charge", "thp_collapse_alloc",
    "thp_collapse_alloc_failed", "thp_file_alloc", "thp_file_fallback", "thp_file_mapped", "thp_split_page",
    "thp_split_page_failed", "thp_deferred_split_page", "thp_underused_split_page", "thp_split_pmd",
    "thp_scan_exceed_none_pte", "thp_scan_exceed_swap_pte", "thp_scan_exceed_share_pte",
    "thp_zero_page_alloc", "thp_zero_page_alloc_failed", "thp_swpout", "thp_swpout_fallback",
)  # fmt: skip

_NUMBER = {name: number for number, name in enumerate(EVENTS)}


def count_vm_event(kernel: Kernel, name: str, delta: int = 1) -> None:
    """Add ``delta`` to a counter; KeyError for a name that /proc/vmstat does not have."""
    kernel.vmstat[_NUMBER[name]] += delta


def vm_event(kernel: Kernel, name: str) -> int:
    """The present value of a counter."""
    value: int = kernel.vmstat[_NUMBER[name]]
    return value


def _suitable(zone: Zone, order: int) -> tuple[int, int, int]:
    """Free pages, free blocks, blocks of ``order`` in the large ones (fill_contig_page_info)."""
    nr_free = zone.nr_free
    pages = sum(count << each for each, count in enumerate(nr_free))
    large = sum(nr_free[each] << (each - order) for each in range(order, len(nr_free)))
    return pages, sum(nr_free), large


def fragmentation_index(zone: Zone, order: int) -> int:
    """Why a request would fail (int): near 0 for lack of memory, near 1000 by fragmentation.

    -1000: it would not fail; 0 also if nothing at all is free (__fragmentation_index).
    """
    pages, blocks, suitable = _suitable(zone, order)
    if not blocks:
        return 0
    if suitable:
        return -1000
    return 1000 - (1000 + 1000 * pages // (1 << order)) // blocks


def unusable_free_index(zone: Zone, order: int) -> int:
    """Share of the free memory, in thousandths, that is too scattered for ``order``; 1000 if none is free."""
    pages, _, suitable = _suitable(zone, order)
    return 1000 * (pages - (suitable << order)) // pages if pages else 1000


def extfrag_for_order(zone: Zone, order: int) -> int:
    """The same in per cent, 0 if nothing is free: the fragmentation score of a zone."""
    pages, _, suitable = _suitable(zone, order)
    return 100 * (pages - (suitable << order)) // pages if pages else 0
