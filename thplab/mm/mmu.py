"""What the processor does by itself: walk the tables, set accessed and dirty, or fault."""

from __future__ import annotations

import errno

from thplab.mm.include.errors import KernelBug, KernelError
from thplab.mm.include.mm_types import Mm
from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    _PAGE_DIRTY,
    _PAGE_PRESENT,
    _PAGE_PSE,
    _PAGE_RW,
    _PAGE_SOFT_DIRTY,
    PFN_BITS,
)
from thplab.mm.include.state import Column
from thplab.mm.memory.fault import handle_mm_fault


def access(mm: Mm, address: int, *, write: bool) -> int:
    """Touch ``address`` (unsigned long); the page (a base page, also inside a huge one) that answers.

    Faults as often as it takes. Raises KernelError (EFAULT: the process would get SIGSEGV) where nothing
    may be accessed, MemoryError where there is no free page, KernelBug where faults change nothing.
    Locks expected: none; a fault takes mmap_lock or the VMA lock.
    """
    if not 0 <= address < mm.kernel.geometry.TASK_SIZE:
        raise KernelError(errno.EFAULT, f"SIGSEGV: {address:#x} is outside the user's half")
    # A fault does one step and lets the processor try again: a write may need the page first, then the
    # right to write.
    for _ in range(4):
        page = translate(mm, address, write=write)
        if page is not None:
            return page
        handle_mm_fault(mm, address, write=write)
    raise KernelBug(f"access: {mm.name} faults at {address:#x} again and again")


def translate(mm: Mm, address: int, *, write: bool) -> int | None:
    """Walk the tables; the page, with accessed (and dirty) set in its entry, or None: page fault.

    Raises KernelBug if the last table holds a pointer. The processor reads the tables while the kernel
    changes them: whatever the kernel puts there must be valid at every moment.
    Locks expected: none.
    """
    geometry, tables, start_pfn = mm.kernel.geometry, mm.kernel.tables, mm.kernel.mem_map.start_pfn
    mask = geometry.PTRS_PER_PTE - 1
    table = tables[mm.pgd]
    for shift in geometry.WALK_SHIFTS:
        index = address >> shift & mask
        entry = table[index]
        # PROT_NONE, swap entries and markers look alike to the processor: not present.
        if not entry & _PAGE_PRESENT:
            return None
        page: int = (entry >> 12 & PFN_BITS) - start_pfn
        if entry & _PAGE_PSE or shift == 12:
            # Read-only for the processor may mean: copy before writing. The kernel knows, in the fault.
            if write and not entry & _PAGE_RW:
                return None
            _set_accessed(table, index, write=write)
            return page + ((address & ((1 << shift) - 1)) >> 12)
        table = tables[page]
    raise KernelBug("translate: fell off the tree")


def _set_accessed(table: Column, index: int, *, write: bool) -> None:
    """Set the bits in the entry, atomically and without a lock.

    Because of this the kernel reads and clears an entry in one step, where a bit set in between would be
    lost.
    Locks expected: none.
    """
    bits = _PAGE_ACCESSED | (_PAGE_DIRTY | _PAGE_SOFT_DIRTY if write else 0)
    if table[index] & bits != bits:
        table[index] |= bits
