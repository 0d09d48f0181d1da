"""Taking a folio off its LRU list, and giving it back: who may move or free it (mm/vmscan.c, 6.18)."""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.page import PG_isolated, PG_lru, folio_get, folio_nr_pages
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.swap import folio_add_lru, isolated_counter, lruvec_del_folio
from thplab.mm.vmstat import count_vm_event


def folio_isolate_lru(kernel: Kernel, folio: int) -> bool:
    """Isolate the folio: off its LRU list, with a reference; False if another task has done so.

    Locks expected: none; the caller has a reference or another reason why the folio can't be freed. Takes
    lruvec->lru_lock in the kernel.
    """
    mem_map = kernel.mem_map
    # PG_lru is the right to isolate: the kernel tests and clears it in one atomic step, so only one task
    # gets it.
    if not mem_map.flags[folio] & PG_lru:
        return False
    lruvec_del_folio(kernel, folio)
    mem_map.flags[folio] = mem_map.flags[folio] & ~PG_lru | PG_isolated
    # The list had no reference. Now this task relies on the folio.
    folio_get(mem_map, folio)
    count_vm_event(kernel, isolated_counter(kernel, folio), folio_nr_pages(mem_map, folio))
    return True


def folio_putback_lru(kernel: Kernel, folio: int) -> None:
    """Put an isolated folio back on its LRU list and drop the reference; the last one frees it.

    Locks expected: none. Takes lruvec->lru_lock in the kernel.
    """
    mem_map = kernel.mem_map
    count_vm_event(kernel, isolated_counter(kernel, folio), -folio_nr_pages(mem_map, folio))
    mem_map.flags[folio] &= ~PG_isolated
    folio_add_lru(kernel, folio)
    # Perhaps the last one: all mappings may have gone while the folio was isolated.
    folio_put(kernel, folio)
