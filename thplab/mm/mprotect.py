"""mprotect: another protection for memory that is mapped already (mm/mprotect.c, 6.18)."""

from __future__ import annotations

import errno

from thplab.mm.gup import mm_populate
from thplab.mm.huge_memory.pmd import __split_huge_pmd, is_huge_zero_pmd
from thplab.mm.include.errors import KernelError
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import (
    VM_ACCESS_FLAGS,
    VM_LOCKED,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
    Mm,
    Vma,
    vm_access,
)
from thplab.mm.include.page import PG_anon_exclusive, pfn_to_page
from thplab.mm.include.pgtable import (
    _PAGE_DIRTY,
    _PAGE_PRESENT,
    _PAGE_PROTNONE,
    _PAGE_RW,
    _PAGE_UFFD_WP,
    _PAGE_USER,
    EntryRef,
    entry_pfn,
    mm_find_pmd,
    pmd_lock,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_lock,
    pte_present,
    set_pmd_at,
    set_pte_at,
)
from thplab.mm.vma import modify_vma_flags, vmas_of_range


def do_mprotect(mm: Mm, start: int, length: int, prot: str) -> None:
    """mprotect(start, length, prot). ``length``: bytes; ``prot``: a word, as vm_access() knows it.

    Raises KernelError: EINVAL (unaligned start, unknown protection), ENOMEM (a hole; what lies
    before it is changed all the same).
    Locks expected: none. Takes mmap_lock for writing.
    """
    page = mm.kernel.geometry.PAGE_SIZE
    if start % page:
        raise KernelError(errno.EINVAL, "mprotect: address", hex(start), f"a multiple of {page}")
    access = vm_access("mprotect", prot)
    end = start + -(-length // page) * page
    down_write(mm.mmap_lock, mm.task.comm)
    to_populate = []
    address = start
    try:
        for vma in vmas_of_range(mm, start, end):
            # A hole: the call ends here, and does not undo what it has done.
            if vma.vm_start > address:
                break
            stop = min(end, vma.vm_end)
            if mprotect_fixup(vma, address, stop, access):
                to_populate.append((address, stop))
            address = stop
    finally:
        up_write(mm.mmap_lock)
    # After the lock is dropped: the faults take it for reading.
    for each in to_populate:
        mm_populate(mm, *each)
    if address < end:
        raise KernelError(errno.ENOMEM, f"mprotect: part of {start:#x}-{end:#x} is not mapped")


def mprotect_fixup(vma: Vma, start: int, end: int, access: int) -> bool:
    """Change one VMA's part of the range; True if it is locked and became writable: to populate.

    Locks expected: mmap_lock for writing. Takes PTE and PMD locks.
    """
    old = vma.vm_flags
    new = old & ~VM_ACCESS_FLAGS | access
    # No VMA is cut and no entry changed for what holds already.
    if new == old:
        return False
    vma = modify_vma_flags(vma, start, end, new)
    change_protection(vma, start, end)
    # Locked memory is to be there for a write, too: copies are made now, not at the first write.
    return old & (VM_WRITE | VM_LOCKED) == VM_LOCKED and bool(new & VM_WRITE)


def change_protection(vma: Vma, start: int, end: int) -> None:
    """Give the entries of ``start..end`` the VMA's protection. A leaf partly inside is split first.

    Locks expected: mmap_lock for writing. Takes PTE and PMD locks. (The kernel flushes the TLBs at the end.)
    """
    size = vma.mm.kernel.geometry.HPAGE_PMD_SIZE
    while start < end:
        following = min((start // size + 1) * size, end)
        ref = mm_find_pmd(vma.mm, start)
        # Where there is no table, faults will take the protection from the VMA.
        if ref is not None and pmd_trans_huge(ref[0][ref[1]]):
            if following - start == size:
                change_huge_pmd(vma, ref, start)
            else:
                __split_huge_pmd(vma, ref, start)
        # Not an else: a leaf that was split has PTEs now.
        if ref is not None and ref[0][ref[1]] and not pmd_trans_huge(ref[0][ref[1]]):
            change_pte_range(vma, ref, start, following)
        start = following


def change_huge_pmd(vma: Vma, ref: EntryRef, address: int) -> None:
    """Give a leaf (``ref``: pmd_t *) the VMA's protection.

    Locks expected: mmap_lock for writing. Takes the PMD lock.
    """
    kernel = vma.mm.kernel
    ptl = pmd_lock(vma.mm, address)
    down_write(ptl, kernel.current.comm)
    pmd = ref[0][ref[1]]
    new = pte_modify(pmd, vma)
    # The zero page belongs to all: to write to it is always a fault.
    if not is_huge_zero_pmd(kernel, pmd) and can_change_pte_writable(vma, new):
        new |= _PAGE_RW
    set_pmd_at(*ref, new)
    up_write(ptl)


def change_pte_range(vma: Vma, ref: EntryRef, start: int, end: int) -> None:
    """Give the entries of ``start..end``, which one table maps, the VMA's protection.

    Locks expected: mmap_lock for writing. Takes the PTE lock.
    """
    kernel: Kernel = vma.mm.kernel
    table_page = pmd_table_page(kernel, ref[0][ref[1]])
    table, first = kernel.tables[table_page], pte_index(kernel, start)
    down_write(pte_lock(kernel, table_page), kernel.current.comm)
    for index in range(first, first + (end - start) // kernel.geometry.PAGE_SIZE):
        pte = table[index]
        # A swapped-out page gets its protection from the VMA when it comes back.
        if pte_present(pte):
            new = pte_modify(pte, vma)
            if entry_pfn(pte) != kernel.zero_pfn and can_change_pte_writable(vma, new):
                new |= _PAGE_RW
            set_pte_at(table, index, new)
    up_write(pte_lock(kernel, table_page))


def pte_modify(entry: int, vma: Vma) -> int:
    """The entry (pteval_t) with the VMA's access, but never writable: a write may have to copy first.

    For PROT_NONE the hardware sees no page. (x86 then also inverts the frame number, against
    L1TF; the model does not.)
    """
    entry &= ~(_PAGE_PRESENT | _PAGE_PROTNONE | _PAGE_USER | _PAGE_RW)
    accessible = vma.vm_flags & (VM_READ | VM_WRITE)
    return entry | (_PAGE_PRESENT | _PAGE_USER if accessible else _PAGE_PROTNONE)


def can_change_pte_writable(vma: Vma, entry: int) -> bool:
    """May the entry be writable at once? If the page is exclusive (6.1: and dirty), or the memory shared.

    ``entry``: pteval_t.
    Locks expected: the page-table lock of the entry.
    """
    kernel = vma.mm.kernel
    # Write-protected for userfaultfd: the write has to fault, whatever mprotect() allows.
    if not vma.vm_flags & VM_WRITE or entry & _PAGE_UFFD_WP:
        return False
    if vma.vm_flags & VM_SHARED:
        return True
    if kernel.profile.write_upgrade_needs_dirty and not entry & _PAGE_DIRTY:
        return False
    # Exclusive: a fault at the next write would copy nothing, so it is spared.
    return bool(kernel.mem_map.flags[pfn_to_page(kernel.mem_map, entry_pfn(entry))] & PG_anon_exclusive)
