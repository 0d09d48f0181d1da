"""Page tables are made and freed (mm/memory.c, 6.18; pte_alloc_one: include/asm-generic/pgalloc.h)."""

from __future__ import annotations

from thplab.mm.include.errors import KernelBug
from thplab.mm.include.gfp import GFP_PGTABLE_USER
from thplab.mm.include.lock import PAGE_TABLE_LOCK, Lock
from thplab.mm.include.mm_types import Mm
from thplab.mm.include.page import PG_table, page_to_pfn, pfn_to_page
from thplab.mm.include.pgtable import (
    EntryRef,
    _index,
    entry_pfn,
    level_shifts,
    mk_pmd_table,
    set_pmd_at,
    set_pte_at,
)
from thplab.mm.include.state import Column
from thplab.mm.page_alloc.alloc import __alloc_pages, __free_pages
from thplab.mm.vmstat import count_vm_event


def pte_alloc_one(mm: Mm) -> int:
    """Allocate a table of any level, all entries none; its page (pgtable_t).

    Raises MemoryError (C: NULL, VM_FAULT_OOM) if there is no free page.
    Locks expected: no spinlock, since the allocation may sleep.
    """
    kernel = mm.kernel
    page = __alloc_pages(kernel, GFP_PGTABLE_USER, 0)
    if page is None:
        raise MemoryError(f"no free page for a page table of {mm.name}")
    kernel.mem_map.flags[page] |= PG_table
    if page not in kernel.tables:
        kernel.tables[page] = Column("Q", kernel.geometry.PTRS_PER_PTE, f"table {page}")
        kernel.ptlocks[page] = Lock(f"{PAGE_TABLE_LOCK} {page}")
    # Empty before anything points at it: from then on the processor may walk it at any time.
    table = kernel.tables[page]
    if any(table):  # what stood in the frame before
        for index in range(len(table)):
            set_pte_at(table, index, 0)
    mm.pgtables += 1
    count_vm_event(kernel, "nr_page_table_pages")
    return page


def pte_free(mm: Mm, page: int) -> None:
    """Free a table (pgtable_t) that nothing points at any more.

    Raises KernelBug if its lock is held. A processor may still be reading it, so the kernel waits or
    frees it with the TLB flush.
    Locks expected: none of its own.
    """
    kernel = mm.kernel
    if kernel.ptlocks[page].writer is not None:
        raise KernelBug(f"pte_free: {kernel.ptlocks[page].name} is still held")
    kernel.mem_map.flags[page] &= ~PG_table
    kernel.mem_map.refcount[page] = 0
    mm.pgtables -= 1
    count_vm_event(kernel, "nr_page_table_pages", -1)
    __free_pages(kernel, page, 0)


def pmd_alloc(mm: Mm, address: int) -> EntryRef:
    """The PMD entry (pmd_t *) of ``address``, with the tables above it made where they are missing.

    Raises MemoryError.
    Locks expected: mmap_lock or the VMA lock. Takes the mm's page_table_lock for each new table in the
    kernel.
    """
    kernel = mm.kernel
    page = mm.pgd
    pgdir, pud, pmd = level_shifts(kernel)
    for shift in (pgdir, pud):
        table, index = kernel.tables[page], _index(kernel, address, shift)
        # The kernel allocates before it takes the lock, and asks again under it: another thread may have
        # made the table.
        if not table[index]:
            set_pmd_at(table, index, mk_pmd_table(page_to_pfn(kernel.mem_map, pte_alloc_one(mm))))
        page = pfn_to_page(kernel.mem_map, entry_pfn(table[index]))
    return kernel.tables[page], _index(kernel, address, pmd)
