"""The counters of the model, in the words of /proc/vmstat (include/linux/vm_event_item.h, 6.18)."""

from __future__ import annotations

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
