"""Reclaim of anonymous memory: from the old end of the LRU lists to swap (mm/vmscan.c, 6.18).

A huge page goes whole if swap has 512 free slots in a row; else, or if a part of it is mapped no more,
it is split first (vmscan/shrink_folio.py). Whether a page was used lately is in the entries that map it,
so the lists are only a first guess: the entries are asked, and made old, when the page's turn comes.
In the model a task that reclaims in the middle of a fault still has its page table locked, so what that table
maps is passed over. A kernel takes that lock only after the allocation, and reclaims those pages as well.
"""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.page import PG_active, PG_anon, PG_ksm, PG_lru, PG_referenced, folio_nr_pages
from thplab.mm.rmap.referenced import CONTENDED, folio_referenced, mapping_entries
from thplab.mm.swap import folio_change_lru, lru_oldest
from thplab.mm.vmscan.isolate import folio_isolate_lru
from thplab.mm.vmscan.shrink_folio import reclaim_pages
from thplab.mm.vmstat import count_vm_event, vm_event

#: The flags that decide whether reclaim scans a folio: inactive, anonymous, not merged by KSM.
_LOOKED_AT = PG_lru | PG_anon | PG_active | PG_ksm


def shrink_anon_lists(kernel: Kernel, wanted: int, priority: int, who: str) -> int:
    """Scan a share of the anonymous LRU lists, oldest first; the pages freed.

    Nothing is scanned without free swap space. ``wanted``: pages, enough to stop; ``priority``: int;
    ``who``: ``kswapd`` or ``direct``, for the counters.
    Locks expected: none. Takes lruvec->lru_lock in the kernel.
    """
    # Nothing could be written, so a scan would only make young pages old.
    if not get_nr_swap_pages(kernel):
        return 0
    age_active_anon(kernel, priority)
    freed = 0
    for folio in lru_oldest(kernel, "inactive_anon", priority):
        if freed >= wanted:
            break
        # Reclaim of one before may have freed the page; shared and merged pages are left to MADV_PAGEOUT.
        if kernel.mem_map.flags[folio] & _LOOKED_AT == PG_lru | PG_anon:
            freed += _shrink_inactive_folio(kernel, folio, who)
    return freed


def age_active_anon(kernel: Kernel, priority: int) -> None:
    """Without inactive pages there is nothing to choose from: some age first, if there is swap space.

    ``priority``: int, the share of the list.
    Locks expected: none. Takes lruvec->lru_lock in the kernel.
    """
    if not get_nr_swap_pages(kernel) or not inactive_is_low(kernel):
        return
    for folio in lru_oldest(kernel, "active_anon", priority):
        folio_referenced(kernel, folio)
        folio_change_lru(kernel, folio, kernel.mem_map.flags[folio] & ~PG_active)
        count_vm_event(kernel, "pgdeactivate", folio_nr_pages(kernel.mem_map, folio))


def get_nr_swap_pages(kernel: Kernel) -> int:
    """Slots (long) of the swap device that neither an entry nor the swap cache uses."""
    swap = kernel.swap
    return sum(not count and not cached for count, cached in zip(swap.swap_map, swap.cache, strict=True))


def inactive_is_low(kernel: Kernel) -> bool:
    """Are there more active pages than inactive ones? (On a machine below 1 GiB the ratio is 1.)"""
    mem_map = kernel.mem_map
    inactive, active = (
        sum(folio_nr_pages(mem_map, folio) for folio in lru_oldest(kernel, name, 0))
        for name in ("inactive_anon", "active_anon")
    )
    return inactive < active


def _shrink_inactive_folio(kernel: Kernel, folio: int, who: str) -> int:
    """Reclaim one folio unless it was used (folio_check_references); the pages freed.

    Locks expected: none. Takes the page lock for each folio, and lruvec->lru_lock in the kernel.
    """
    mem_map, nr = kernel.mem_map, folio_nr_pages(kernel.mem_map, folio)
    count_vm_event(kernel, f"pgscan_{who}", nr)
    if _mapped_by_a_locked_table(kernel, folio):
        return 0
    # Read first: folio_referenced() clears it.
    before = mem_map.flags[folio] & PG_referenced
    ptes, locked = folio_referenced(kernel, folio)
    # Whether it is used cannot be asked now: it gets another round.
    if ptes == CONTENDED:
        return 0
    # Used twice, by two entries or in two scans: it is in use, and becomes active.
    if locked or (ptes and (before or ptes > 1)):
        folio_change_lru(kernel, folio, mem_map.flags[folio] | PG_active)
        count_vm_event(kernel, "pgactivate", nr)
        return 0
    if ptes:
        # Used once since it came: it gets another round, and is active if it is used in that too.
        folio_change_lru(kernel, folio, mem_map.flags[folio] | PG_referenced)
        return 0
    folio_isolate_lru(kernel, folio)
    # What was really freed: a folio that another task holds stays in the swap cache.
    already = vm_event(kernel, "pgfree")
    reclaim_pages(kernel, [folio])
    freed = vm_event(kernel, "pgfree") - already
    count_vm_event(kernel, f"pgsteal_{who}", freed)
    return freed


def _mapped_by_a_locked_table(kernel: Kernel, folio: int) -> bool:
    """Is the lock of a table that maps the folio held?"""
    held = [kernel.tables[page] for page, lock in kernel.ptlocks.items() if lock.writer is not None]
    return bool(held) and any(
        table is each for _, table, _ in mapping_entries(kernel, folio) for each in held
    )
