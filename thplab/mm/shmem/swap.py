"""Shared memory that goes to swap and comes back (mm/shmem.c, 6.18).

The page tables of shared memory never hold swap entries: a page that is written out is unmapped
everywhere, and its slot stands in the page cache.
"""

from __future__ import annotations

from thplab.mm.filemap import (
    filemap_add_folio,
    filemap_remove_folio,
    folio_mapping,
    xa_load,
    xa_mk_value,
    xa_store,
    xa_to_value,
)
from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.page import PG_swapbacked, PG_uptodate
from thplab.mm.page_alloc.alloc import __alloc_pages
from thplab.mm.swap import folio_add_lru
from thplab.mm.swapfile import folio_alloc_swap, swap_duplicate, swap_free
from thplab.mm.vmstat import count_vm_event


def shmem_add_to_page_cache(kernel: Kernel, mapping: AddressSpace, folio: int, index: int) -> None:
    """Add a new folio (struct folio *) to the cache and the LRU; the allocator's reference goes.

    ``index``: pgoff_t, a multiple of the folio's size.
    Locks expected: the page lock in the kernel. Takes the i_pages lock there.
    """
    kernel.mem_map.flags[folio] |= PG_swapbacked | PG_uptodate
    folio_add_lru(kernel, folio)
    filemap_add_folio(kernel, mapping, folio, index)
    # The cache has taken a reference for each page: the one of the allocation is left over.
    kernel.mem_map.refcount[folio] -= 1


def shmem_writeout(kernel: Kernel, folio: int) -> bool:
    """Move a small, unmapped page from the page cache to the swap cache; False: no slot is free.

    The page cache holds its slot from now on.
    Locks expected: the page lock. Takes the i_pages lock in the kernel.
    """
    mem_map = kernel.mem_map
    mapping = folio_mapping(kernel, folio)
    if mapping is None or not folio_alloc_swap(kernel, folio):
        return False
    offset = mem_map.private[folio]
    # The page cache will name the slot, as a page-table entry of anonymous memory would.
    swap_duplicate(kernel, offset)
    filemap_remove_folio(kernel, mapping, folio, entry=xa_mk_value(offset))
    return True


def shmem_swapin_folio(kernel: Kernel, mapping: AddressSpace, index: int) -> int:
    """Read back page ``index`` (pgoff_t), whose slot is in the page cache; its folio.

    Raises MemoryError.
    Locks expected: as of shmem_get_folio. Takes the page lock and the i_pages lock in the kernel.
    """
    folio = __alloc_pages(kernel, GFP_HIGHUSER_MOVABLE, 0)
    if folio is None:
        raise MemoryError(f"no free page to swap in page {index} of {mapping.name}")
    offset = xa_to_value(xa_load(mapping, index))
    kernel.mem_map.contents[folio] = kernel.swap.contents[offset]
    count_vm_event(kernel, "pswpin")
    xa_store(mapping, index, 0)
    shmem_add_to_page_cache(kernel, mapping, folio, index)
    # Last: until a moment ago the page cache named the slot.
    swap_free(kernel, offset)
    return folio
