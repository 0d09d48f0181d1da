"""Shared memory: files that live in memory only (mm/shmem.c, 6.18).

``mmap(MAP_SHARED | MAP_ANONYMOUS)`` makes such a file behind the scenes, memfd_create() makes one
that a program can pass on. Whoever maps it sees the same page cache; a private mapping sees it until
it writes. The file is gone when the last mapping is.
"""

from __future__ import annotations

from thplab.mm.filemap import (
    entry_folio,
    filemap_get_folio,
    filemap_remove_folio,
    xa_is_value,
    xa_load,
    xa_store,
    xa_to_value,
)
from thplab.mm.huge_memory.policy import vma_thp_gfp_mask
from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_ZERO
from thplab.mm.include.huge_mm import thp_vma_suitable_order
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mm_types import Vma
from thplab.mm.page_alloc.alloc import __alloc_pages, __folio_alloc
from thplab.mm.shmem.huge import shmem_allowable_huge_order
from thplab.mm.shmem.swap import shmem_add_to_page_cache, shmem_swapin_folio
from thplab.mm.swapfile import swap_free
from thplab.mm.vmstat import count_vm_event


def shmem_file_setup(kernel: Kernel, name: str, size: int) -> AddressSpace:
    """A new file of ``size`` pages (C: loff_t, bytes) that reads as zeros; it lives while a reference exists.

    Returns the struct address_space of its inode (C: struct file *).
    Locks expected: none.
    """
    mapping = AddressSpace(name, kernel.next_mapping, size, kernel.geometry.HPAGE_PMD_NR)
    kernel.next_mapping += 1
    kernel.mappings = (*kernel.mappings, mapping)
    return mapping


def get_file(mapping: AddressSpace) -> AddressSpace:
    """Take a reference on the file (f_count); :func:`fput` drops it."""
    mapping.f_count += 1
    return mapping


def fput(kernel: Kernel, mapping: AddressSpace) -> None:
    """Drop a reference on the file; the last one frees its pages. Locks expected: no page lock."""
    mapping.f_count -= 1
    if not mapping.f_count:
        shmem_evict_inode(kernel, mapping)


def shmem_evict_inode(kernel: Kernel, mapping: AddressSpace) -> None:
    """The last reference is gone: free what the file has in memory and in swap.

    Locks expected: none; nobody else can reach the file. Takes each page lock and the i_pages lock in the
    kernel.
    """
    for number in sorted(mapping.i_pages):
        for index in range(number * mapping.nr_slots, (number + 1) * mapping.nr_slots):
            entry = xa_load(mapping, index)
            # The slot in the page cache is the only one that names the swap slot: no page table does.
            if xa_is_value(entry):
                xa_store(mapping, index, 0)
                swap_free(kernel, xa_to_value(entry))
            elif entry:
                filemap_remove_folio(kernel, mapping, entry_folio(entry))
    kernel.mappings = tuple(other for other in kernel.mappings if other is not mapping)


def shmem_get_folio(kernel: Kernel, mapping: AddressSpace, index: int, vma: Vma | None, address: int) -> int:
    """The folio (struct folio *) that holds page ``index``; a new one, zeroed, if there is none yet.

    ``index``: pgoff_t. ``vma`` and ``address``: the fault that asks, which decides whether a new folio
    may be huge; None for a base page. Raises MemoryError. The kernel returns it locked and with a
    reference; here it has none but the cache's.
    Locks expected: mmap_lock or the VMA lock for reading, no page lock.
    """
    folio = filemap_get_folio(mapping, index)
    if folio is not None:
        return folio
    # Before a new page is made: this one exists, in swap.
    if xa_is_value(xa_load(mapping, index)):
        return shmem_swapin_folio(kernel, mapping, index)
    if vma is not None and shmem_allowable_huge_order(mapping, vma, index, force=False):
        huge = _alloc_huge(kernel, mapping, index, vma, address)
        if huge is not None:
            return huge
    page = __alloc_pages(kernel, GFP_HIGHUSER_MOVABLE | GFP_ZERO, 0)
    if page is None:
        raise MemoryError(f"no free page for page {index} of {mapping.name}")
    shmem_add_to_page_cache(kernel, mapping, page, index)
    return page


def _alloc_huge(kernel: Kernel, mapping: AddressSpace, index: int, vma: Vma, address: int) -> int | None:
    """A huge folio around page ``index``, if the VMA has room and the cache holds nothing there; else None.

    Locks expected: as of shmem_get_folio.
    """
    nr = kernel.geometry.HPAGE_PMD_NR
    # The place in the file is aligned, not only the address: one folio serves all mappings.
    first = index // nr * nr
    # One page in the cache, or one in swap, rules the huge folio out: contents would have to be moved.
    if not thp_vma_suitable_order(vma, address) or any(xa_load(mapping, first + each) for each in range(nr)):
        return None
    gfp = vma_thp_gfp_mask(vma) | GFP_ZERO
    folio = __folio_alloc(kernel, gfp, kernel.geometry.HPAGE_PMD_ORDER, 0, 1)
    if folio is None:
        count_vm_event(kernel, "thp_file_fallback")
        return None
    count_vm_event(kernel, "thp_file_alloc")
    shmem_add_to_page_cache(kernel, mapping, folio, first)
    return folio
