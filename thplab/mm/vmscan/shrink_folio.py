"""Reclaim, as far as MADV_PAGEOUT asks for it (mm/vmscan.c, 6.18)."""

from __future__ import annotations

from thplab.mm.huge_memory.split import split_folio
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.page import (
    PG_active,
    PG_anon,
    PG_head,
    PG_isolated,
    PG_partially_mapped,
    PG_swapbacked,
    PG_swapcache,
    folio_expected_ref_count,
    folio_mapcount,
    folio_nr_pages,
    folio_trylock,
    folio_unlock,
)
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.page_io import swap_writeout
from thplab.mm.rmap.unmap import try_to_unmap
from thplab.mm.shmem.swap import shmem_writeout
from thplab.mm.swapfile import delete_from_swap_cache, folio_alloc_swap
from thplab.mm.vmscan.isolate import folio_isolate_lru, folio_putback_lru
from thplab.mm.vmstat import count_vm_event


def reclaim_pages(kernel: Kernel, folios: list[int]) -> None:
    """Write the isolated folios to swap and free them; what can't be goes back to the LRU.

    ``folios``: struct list_head *, here a list. Each folio is off the LRU and has the reference of its
    isolation.
    Locks expected: none. Takes each page lock.
    """
    todo = list(folios)
    while todo:
        folio = todo.pop(0)
        # Never wait: the task that holds the page lock may wait for memory itself.
        if not folio_trylock(kernel.mem_map, folio):
            folio_putback_lru(kernel, folio)
            continue
        todo += shrink_folio(kernel, folio)


def shrink_folio(kernel: Kernel, folio: int) -> list[int]:
    """Reclaim one locked folio (the loop body of shrink_folio_list); base pages to reclaim instead.

    In this order: a slot in swap, unmap it everywhere, write, free. A page that another task holds is
    unmapped, but stays in the swap cache. Frees the folio or puts it back on the LRU.
    Locks expected: the page lock. Drops it.
    """
    mem_map = kernel.mem_map
    flags = mem_map.flags[folio]
    # The slot comes first: the entries that unmapping leaves behind name it.
    if flags & PG_anon and flags & PG_swapbacked and not flags & PG_swapcache:
        pieces = _add_to_swap(kernel, folio)
        if pieces is not None:
            return pieces
    # Unmapped before it is written: from now on a write faults, so the copy in swap stays true.
    try_to_unmap(kernel, folio)
    nr, flags = folio_nr_pages(mem_map, folio), mem_map.flags[folio]
    in_cache = nr if flags & PG_swapcache else 0
    if not flags & PG_anon:
        return _shrink_file_folio(kernel, folio)
    # One reference is ours, one per page the swap cache's. One more: a pin, so the page must stay.
    if folio_mapcount(mem_map, folio) or mem_map.refcount[folio] != 1 + in_cache:
        _keep(kernel, folio)
        return []
    # A lazyfree folio has no slot: it is dropped without being written.
    if in_cache:
        swap_writeout(kernel, folio)
        delete_from_swap_cache(kernel, folio)
    folio_unlock(mem_map, folio)
    mem_map.flags[folio] &= ~PG_isolated
    count_vm_event(kernel, "nr_isolated_anon", -nr)
    folio_put(kernel, folio)
    return []


def _shrink_file_folio(kernel: Kernel, folio: int) -> list[int]:
    """The rest for a page of shared memory, which is unmapped by now; a huge one stays in memory.

    Frees the page or puts it back on the LRU.
    Locks expected: the page lock. Drops it.
    """
    mem_map = kernel.mem_map
    large = mem_map.flags[folio] & PG_head
    # One reference is ours, the others are those of the caches: more would be a pin.
    if large or mem_map.refcount[folio] != 1 + folio_expected_ref_count(mem_map, folio):
        _keep(kernel, folio)
        return []
    if not shmem_writeout(kernel, folio):
        _keep(kernel, folio)
        return []
    swap_writeout(kernel, folio)
    delete_from_swap_cache(kernel, folio)
    folio_unlock(mem_map, folio)
    mem_map.flags[folio] &= ~PG_isolated
    count_vm_event(kernel, "nr_isolated_anon", -1)
    folio_put(kernel, folio)
    return []


def _add_to_swap(kernel: Kernel, folio: int) -> list[int] | None:
    """A slot for the folio: None if it has one. A large folio may have to be split, or to stay.

    Locks expected: the page lock. Drops it unless None is returned.
    """
    mem_map = kernel.mem_map
    large = bool(mem_map.flags[folio] & PG_head)
    # A pinned folio can be neither split nor freed; a slot would be wasted on it.
    if large and mem_map.refcount[folio] != folio_expected_ref_count(mem_map, folio) + 1:
        _keep(kernel, folio)
        return []
    split_first = large and _has_unmapped_pages(kernel, folio)
    if not split_first and folio_alloc_swap(kernel, folio):
        return None
    # Asked before the split, which makes base pages of it.
    whole = folio_nr_pages(mem_map, folio) == kernel.geometry.HPAGE_PMD_NR
    pieces = _split_to_list(kernel, folio) if large else []
    if not pieces:
        _keep(kernel, folio)
    elif whole and not split_first:
        count_vm_event(kernel, "thp_swpout_fallback")
    return pieces


def _has_unmapped_pages(kernel: Kernel, folio: int) -> bool:
    """Is the large folio better split at once, because some of its pages can be freed without writing?

    Up to 6.1 any folio without a PMD leaf is split first; 6.12 and later split one that is partially
    mapped.
    """
    mem_map = kernel.mem_map
    if kernel.profile.reclaim_splits_without_leaf:
        return not mem_map.entire_mapcount[folio]
    return bool(mem_map.flags[folio] & PG_partially_mapped)


def _split_to_list(kernel: Kernel, folio: int) -> list[int]:
    """Split an isolated folio: its base pages, isolated each; none if it can't be split.

    Locks expected: the page lock. Drops it after the split. Takes lruvec->lru_lock in the kernel.
    """
    mem_map = kernel.mem_map
    nr = folio_nr_pages(mem_map, folio)
    if not split_folio(kernel, folio):
        return []
    # The first page keeps the isolation of the folio; the others went to the LRU and are isolated anew.
    count_vm_event(kernel, "nr_isolated_anon", 1 - nr)
    # Each piece is locked again when its turn comes.
    folio_unlock(mem_map, folio)
    rest = [page for page in range(folio + 1, folio + nr) if folio_isolate_lru(kernel, page)]
    return [folio, *rest]


def _keep(kernel: Kernel, folio: int) -> None:
    """Back to the LRU as a page in use. Locks expected: the page lock. Drops it."""
    # Active, or the next scan would find it first and fail again.
    kernel.mem_map.flags[folio] |= PG_active
    folio_unlock(kernel.mem_map, folio)
    folio_putback_lru(kernel, folio)
