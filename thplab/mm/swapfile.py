"""Swap: slots, the swap cache, and entries that name a slot (mm/swapfile.c, mm/swap_state.c, 6.18).

A page that is swapped out leaves its contents in a *slot*, and in each PTE that mapped it an entry
that names the slot (include/swapops.py).

While a page has a slot and is still in memory, it is in the *swap cache*: PG_swapcache, one
reference for each of its pages, and its slot in ``private``. A slot is in use as long as entries
name it (``swap_map``) or the cache does.
"""

from __future__ import annotations

from itertools import chain

from thplab.mm.include.errors import KernelBug
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.page import PG_swapcache, folio_mapcount, folio_nr_pages, folio_ref_add
from thplab.mm.include.swap import SwapInfo
from thplab.mm.page_alloc.alloc import folio_put


def swap_duplicate(kernel: Kernel, offset: int) -> None:
    """One more entry names the slot. Locks expected: the PTE lock. Takes the cluster's lock in the kernel."""
    kernel.swap.swap_map[offset] += 1


def swap_free(kernel: Kernel, offset: int) -> None:
    """One entry less names the slot; without entry and cache it is free.

    Raises KernelBug for a slot that no entry names.
    Kernel name: swap_free_nr (6.18).
    Locks expected: the PTE lock, or the i_pages lock. Takes the cluster's lock in the kernel.
    """
    if not kernel.swap.swap_map[offset]:
        raise KernelBug(f"swap_free: slot {offset} is not in use")
    kernel.swap.swap_map[offset] -= 1


def free_swap_and_cache(kernel: Kernel, offset: int) -> None:
    """An entry is cleared: free the page too if it is only kept for that entry.

    Kernel name: free_swap_and_cache_nr (6.18).
    Locks expected: the PTE lock. Takes the cluster's lock, and tries the page lock, in the kernel.
    """
    swap_free(kernel, offset)
    folio = swap_cache_get_folio(kernel, offset)
    # Mapped elsewhere, the folio keeps its slot: reclaim need not write it again.
    if folio is not None and not folio_mapcount(kernel.mem_map, folio):
        folio_free_swap(kernel, folio)


def swap_cache_get_folio(kernel: Kernel, offset: int) -> int | None:
    """The folio (struct folio *, None: NULL) that the swap cache has for a slot. Locks expected: none."""
    page_plus_1: int = kernel.swap.cache[offset]
    return page_plus_1 - 1 if page_plus_1 else None


def folio_alloc_swap(kernel: Kernel, folio: int) -> bool:
    """Give each page of the folio a slot (in a row) and add it to the swap cache; False: no room.

    C: int, 0 or -ENOMEM.
    Locks expected: the page lock. Takes the cluster's lock in the kernel.
    """
    # All in a row and aligned, or the folio could not be written and found again as one.
    nr = folio_nr_pages(kernel.mem_map, folio)
    offset = _scan_swap_map(kernel.swap, nr)
    if offset is None:
        return False
    add_to_swap_cache(kernel, folio, offset)
    return True


def _scan_swap_map(swap: SwapInfo, nr: int) -> int | None:
    """First of ``nr`` free slots in a row, aligned to ``nr``, from ``cluster_next`` on, else None."""
    begin = -(-swap.cluster_next // nr) * nr
    end = swap.pages - nr + 1
    # Round in a circle: pages swapped out together lie together, which makes reading them back cheap.
    for offset in chain(range(begin, end, nr), range(0, min(begin, end), nr)):
        if not any(swap.swap_map[offset : offset + nr]) and not any(swap.cache[offset : offset + nr]):
            swap.cluster_next = offset + nr
            return offset
    return None


def add_to_swap_cache(kernel: Kernel, folio: int, offset: int) -> None:
    """The folio represents the slots from ``offset`` on; the cache has a reference for each page.

    Kernel name: swap_cache_add_folio (6.18).
    Locks expected: the page lock. Takes the cluster's lock in the kernel.
    """
    mem_map = kernel.mem_map
    nr = folio_nr_pages(mem_map, folio)
    for each in range(nr):
        kernel.swap.cache[offset + each] = folio + 1
    # One for each page, as the page cache does: then one rule tells a pin from ordinary references.
    folio_ref_add(mem_map, folio, nr)
    mem_map.flags[folio] |= PG_swapcache
    mem_map.private[folio] = offset


def delete_from_swap_cache(kernel: Kernel, folio: int) -> None:
    """The folio represents itself again; the cache's references are dropped.

    Frees the folio with its last reference.
    Kernel name: swap_cache_del_folio (6.18).
    Locks expected: the page lock, and a reference of the caller. Takes the cluster's lock in the kernel.
    """
    mem_map = kernel.mem_map
    nr, offset = folio_nr_pages(mem_map, folio), mem_map.private[folio]
    for each in range(nr):
        kernel.swap.cache[offset + each] = 0
    mem_map.flags[folio] &= ~PG_swapcache
    mem_map.private[folio] = 0
    # Last: until now the folio could be found by its slot.
    folio_put(kernel, folio, nr)


def folio_free_swap(kernel: Kernel, folio: int) -> bool:
    """Take a folio out of the swap cache if no entry names its slots any more; True if done.

    Locks expected: the page lock.
    """
    mem_map = kernel.mem_map
    if not mem_map.flags[folio] & PG_swapcache:
        return False
    offset, nr = mem_map.private[folio], folio_nr_pages(mem_map, folio)
    # The slots of a large folio are freed together or not at all.
    if any(kernel.swap.swap_map[offset : offset + nr]):
        return False
    delete_from_swap_cache(kernel, folio)
    return True


def free_folio_and_swap_cache(kernel: Kernel, folio: int, nr: int = 1) -> None:
    """Drop ``nr`` references of mappings that went, and the slot if it is needed no more.

    Frees the folio with its last reference.
    Locks expected: the PTE lock under which they went. Tries the page lock in the kernel.
    """
    # Before the reference is dropped: the folio may be gone afterwards.
    if not folio_mapcount(kernel.mem_map, folio):
        folio_free_swap(kernel, folio)
    folio_put(kernel, folio, nr)
