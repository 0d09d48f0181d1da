"""The kernel touches a process's pages on its behalf (mm/gup.c, 6.18).

Either to hold on to a page (direct I/O, vmsplice), or to fault a range in: mlock, MAP_LOCKED,
MADV_POPULATE. Unlike the processor the kernel leaves the accessed bit of a present PTE alone; it
marks the folio.
"""

from __future__ import annotations

import errno

from thplab.mm.include.errors import KernelBug, KernelError
from thplab.mm.include.mm_types import VM_SHARED, VM_WRITE, Mm, Vma, find_vma
from thplab.mm.include.page import PG_reserved, folio_get, pfn_to_page
from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    _PAGE_DIRTY,
    _PAGE_PRESENT,
    _PAGE_RW,
    entry_pfn,
    mm_find_pmd,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    set_pmd_at,
)
from thplab.mm.memory.fault import handle_mm_fault
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.swap import folio_mark_accessed

#: Of these two flags private memory that may be written has the second one only.
_PRIVATE_WRITE = VM_SHARED | VM_WRITE


def get_user_page(mm: Mm, address: int) -> int:
    """Take one reference on the page at ``address`` (faulted in for reading); the page.

    The page can't be moved or freed until :func:`put_page`. Raises KernelError (EFAULT).
    Locks expected: none; a fault takes the VMA lock or mmap_lock. (The kernel holds mmap_lock for reading.)
    """
    if not 0 <= address < mm.kernel.geometry.TASK_SIZE:
        raise KernelError(errno.EFAULT, f"{address:#x} is outside the user's half")
    # For reading: no copy is made of a page that is shared.
    page, _ = _faultin_page(mm, address, write=False)
    # The count is all that the kernel sees of this: whoever wants to move the page finds one too many.
    folio_get(mm.kernel.mem_map, mm.kernel.mem_map.compound_head[page])
    return page


def put_page(mm: Mm, page: int) -> None:
    """Drop such a reference; the last one frees the page. Locks expected: none."""
    folio_put(mm.kernel, mm.kernel.mem_map.compound_head[page])


def _faultin_page(mm: Mm, address: int, *, write: bool) -> tuple[int, int]:
    """The page at ``address``, faulted in if need be, and the first address behind its entry.

    Raises KernelError (EFAULT) where nothing may be accessed.
    """
    # A fault may make less than is needed (a read-only page for a write), so the tables are asked again.
    for _ in range(4):
        found = follow_page_mask(mm, address, write=write)
        if found is not None:
            return found
        handle_mm_fault(mm, address, write=write)
    raise KernelBug(f"faultin_page: {mm.name} faults at {address:#x} again and again")


def follow_page_mask(mm: Mm, address: int, *, write: bool) -> tuple[int, int] | None:
    """The page that the tables give (marked as used), and where its entry ends; None: fault first.

    ``address``: unsigned long.
    Locks expected: mmap_lock at least for reading. (The kernel also takes the PMD or the PTE lock.)
    """
    kernel = mm.kernel
    geometry = kernel.geometry
    ref = mm_find_pmd(mm, address)
    needed = _PAGE_PRESENT | (_PAGE_RW if write else 0)
    # No table, no page: the fault makes both.
    if ref is None or not ref[0][ref[1]]:
        return None
    size, entry = geometry.HPAGE_PMD_SIZE, ref[0][ref[1]]
    if pmd_trans_huge(entry):
        if entry & needed != needed:
            return None
        # Of a leaf the kernel sets the bits itself, as the processor would; of a PTE it leaves them.
        set_pmd_at(*ref, entry | _PAGE_ACCESSED | (_PAGE_DIRTY if write else 0))
    else:
        size = geometry.PAGE_SIZE
        entry = kernel.tables[pmd_table_page(kernel, entry)][pte_index(kernel, address)]
        if entry & needed != needed:
            return None
    page = pfn_to_page(kernel.mem_map, entry_pfn(entry))
    # The zero page is reserved, and on no LRU list.
    if not kernel.mem_map.flags[page] & PG_reserved:
        folio_mark_accessed(kernel, kernel.mem_map.compound_head[page])
    offset = address & (size - 1)
    return page + offset // geometry.PAGE_SIZE, address - offset + size


def populate_vma_page_range(vma: Vma, start: int, end: int, *, write: bool) -> None:
    """Fault in all pages of ``start..end`` (unsigned long), for writing or for reading.

    Raises KernelError (EFAULT) where the VMA does not allow that.
    Locks expected: none; a fault takes the VMA lock or mmap_lock. (The kernel holds mmap_lock for reading.)
    """
    address = start
    while address < end:
        # A leaf answers for all its pages: on behind it.
        _, address = _faultin_page(vma.mm, address, write=write)


def mm_populate(mm: Mm, start: int, end: int, *, ignore_errors: bool = True) -> None:
    """After mlock or MAP_LOCKED: fault in what is private and writable for writing, the rest for reading.

    So shared pages and zero pages of writable memory are replaced at once. Where a fault is refused
    (PROT_NONE, a guard page) the rest of that VMA is left out; without ``ignore_errors`` (mlock) all the rest
    is, and KernelError (EFAULT) raised. Holes are passed over.
    Locks expected: none; a fault takes the VMA lock or mmap_lock. (The kernel takes mmap_lock for reading.)
    Kernel name: __mm_populate.
    """
    address = start
    while address < end:
        # Looked up for each stretch: the faults before may have run without a lock on the address space.
        vma = find_vma(mm, address)
        if vma is None or vma.vm_start >= end:
            return
        address, stop = max(address, vma.vm_start), min(end, vma.vm_end)
        try:
            populate_vma_page_range(vma, address, stop, write=vma.vm_flags & _PRIVATE_WRITE == VM_WRITE)
        except KernelError:
            if not ignore_errors:
                raise
        address = stop
