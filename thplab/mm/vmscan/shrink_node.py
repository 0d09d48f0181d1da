"""One round of reclaim on the node: files, anonymous memory, shrinkers (mm/vmscan.c, 6.18).

Clean page cache is dropped, anonymous memory goes to swap (vmscan/shrink_anon.py). Without
swap space the kernel does not even look at anonymous pages, so their young marks stay as they are.
"""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.page import PG_active, PG_referenced
from thplab.mm.readahead import drop_clean_page
from thplab.mm.shrinker import shrink_slab
from thplab.mm.swap import folio_change_lru, lru_oldest, lruvec_del_folio
from thplab.mm.vmscan.shrink_anon import age_active_anon, shrink_anon_lists
from thplab.mm.vmstat import count_vm_event

#: Reclaim begins by scanning 1 / 2^12 of each list, and doubles the share in each round.
DEF_PRIORITY = 12


def shrink_node(kernel: Kernel, wanted: int, priority: int, who: str, *, may_swap: bool = True) -> int:
    """Scan a share (1 / 2^priority) of the LRU lists, oldest first; the pages freed.

    ``wanted``: pages, enough to stop; ``priority``: int, 12 to 0. The shrinkers scan theirs too, which
    does not count. ``who``: ``kswapd`` or ``direct``, for the counters. ``may_swap``: also anonymous memory.
    Locks expected: none.
    """
    shrink_active_list(kernel, priority)
    freed = shrink_inactive_list(kernel, wanted, priority, who)
    if may_swap:
        freed += shrink_anon_lists(kernel, wanted - freed, priority, who)
    else:
        # It ages all the same: a later round is to know what was used.
        age_active_anon(kernel, priority)
    shrink_slab(kernel, priority)
    if freed:
        # Something can be freed again: a kswapd that had given up gets another chance.
        kernel.node.kswapd_failures = 0
    return freed


def shrink_active_list(kernel: Kernel, priority: int) -> None:
    """Folios at the old end of the active list become inactive.

    Locks expected: none. Takes lruvec->lru_lock in the kernel.
    """
    mem_map = kernel.mem_map
    for folio in lru_oldest(kernel, "active_file", priority):
        # The mark is cleared, not asked: the inactive list is where a page must prove that it is used.
        folio_test_clear_referenced(kernel, folio)
        folio_change_lru(kernel, folio, mem_map.flags[folio] & ~PG_active)
        count_vm_event(kernel, "pgdeactivate")


def shrink_inactive_list(kernel: Kernel, wanted: int, priority: int, who: str) -> int:
    """Free what was not used since the last scan; what was used becomes active. The pages freed.

    Locks expected: none. Takes lruvec->lru_lock for the isolation, and the page lock of each folio, in
    the kernel.
    """
    mem_map = kernel.mem_map
    freed = 0
    for folio in lru_oldest(kernel, "inactive_file", priority):
        if freed >= wanted:
            break
        count_vm_event(kernel, f"pgscan_{who}")
        if folio_test_clear_referenced(kernel, folio):
            folio_change_lru(kernel, folio, mem_map.flags[folio] | PG_active)
            count_vm_event(kernel, "pgactivate")
        elif mem_map.refcount[folio] != 1 or mem_map.mapping[folio]:
            # One reference is the page cache's. Another holder, or shared memory: to the young end of the
            # list.
            folio_change_lru(kernel, folio, mem_map.flags[folio])
        else:
            # Clean page cache: the file has the same bytes, so nothing must be written.
            lruvec_del_folio(kernel, folio)
            drop_clean_page(kernel, folio)
            count_vm_event(kernel, f"pgsteal_{who}")
            freed += 1
    return freed


def folio_test_clear_referenced(kernel: Kernel, folio: int) -> bool:
    """Was the page of the file read since the last scan? Clears PG_referenced, which says so.

    Locks expected: the page lock in the kernel.
    """
    mem_map = kernel.mem_map
    used = bool(mem_map.flags[folio] & PG_referenced)
    mem_map.flags[folio] &= ~PG_referenced
    return used
