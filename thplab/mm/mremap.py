"""mremap: move mapped memory to another address, entries and all (mm/mremap.c, 6.18)."""

from __future__ import annotations

import errno

from thplab.mm.gup import mm_populate
from thplab.mm.huge_memory.pmd import (
    __split_huge_pmd,
    pgtable_trans_huge_deposit,
    pgtable_trans_huge_withdraw,
)
from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import (
    VM_LOCKED,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    Mm,
    Vma,
    linear_page_index,
    vma_is_anonymous,
    vma_lookup,
)
from thplab.mm.include.pgtable import (
    _PAGE_SOFT_DIRTY,
    _PAGE_SWP_UFFD_WP,
    _PAGE_UFFD_WP,
    EntryRef,
    mm_find_pmd,
    pmd_populate,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_present,
    set_pmd_at,
    set_pte_at,
)
from thplab.mm.memory.tables import pmd_alloc, pte_alloc_one
from thplab.mm.mmap import check_range, do_vmi_munmap
from thplab.mm.rmap.anon_vma import anon_vma_clone, unlink_anon_vmas
from thplab.mm.vma import insert_vma, vma_link_file, vma_merge


def do_mremap(
    mm: Mm, old: int, old_length: int, new_length: int, new: int, *, dontunmap: bool = False
) -> None:
    """mremap(old, old_length, new_length, MREMAP_MAYMOVE|MREMAP_FIXED, new). Lengths in bytes.

    A longer range has nothing in its new part; of a shorter one the rest is unmapped. ``dontunmap``: with
    MREMAP_DONTUNMAP the old range stays mapped, and empty. Raises KernelError: EINVAL (unaligned, empty or
    overlapping ranges; another length with ``dontunmap``), EFAULT (the old range does not lie in one VMA).
    Locks expected: none. Takes mmap_lock for writing.
    """
    if dontunmap and old_length != new_length:
        raise KernelError(errno.EINVAL, "mremap: new_length", new_length, str(old_length))
    old_end = check_range(mm, "mremap", old, old_length, errno.EINVAL)
    new_end = check_range(mm, "mremap", new, new_length, errno.EINVAL)
    if old < new_end and new < old_end:
        raise KernelError(errno.EINVAL, "mremap: the old and the new range overlap")
    vma = vma_lookup(mm, old)
    if vma is None or vma.vm_end < old_end:
        raise KernelError(errno.EFAULT, f"mremap: {old:#x}-{old_end:#x} does not lie in one mapping")
    down_write(mm.mmap_lock, mm.task.comm)
    try:
        # MREMAP_FIXED replaces what is mapped at the new place, as MAP_FIXED does.
        do_vmi_munmap(mm, new, new_end)
        # What does not fit is unmapped at the old place, before the rest moves.
        if new_end - new < old_end - old:
            do_vmi_munmap(mm, old + (new_end - new), old_end)
            old_end = old + (new_end - new)
        moved = move_vma(mm, old, old_end, new, new_end, dontunmap=dontunmap)
    finally:
        up_write(mm.mmap_lock)
    # What was there before moves as it is, holes and all: only the part that was added is faulted in.
    if moved.vm_flags & VM_LOCKED:
        mm_populate(mm, new + (old_end - old), new_end)


def move_vma(mm: Mm, old: int, old_end: int, new: int, new_end: int, *, dontunmap: bool) -> Vma:
    """Make a VMA at the new place, move what is mapped, unmap the old place; the new VMA.

    Where it stays mapped (dontunmap_complete), the old VMA is no longer locked, not even the part of it that
    was not moved; a VMA that was moved whole has no anon_vma left.
    Locks expected: mmap_lock for writing. Takes PMD locks.
    """
    vma = vma_lookup(mm, old)
    assert vma is not None
    copied = copy_vma(vma, old, new, new_end)
    move_page_tables(vma, old, old_end, new)
    if dontunmap:
        if (vma.vm_start, vma.vm_end) == (old, old_end):
            unlink_anon_vmas(vma)
        vma.vm_flags &= ~VM_LOCKED
    else:
        # Nothing is mapped there any more: only the VMA goes, and the tables.
        do_vmi_munmap(mm, old, old_end)
    return vma_merge(mm, copied)


def copy_vma(vma: Vma, old: int, new: int, new_end: int) -> Vma:
    """A VMA like ``vma`` for another address: pages keep the index that they were mapped with.

    Without a page there is none to keep. A registration with userfaultfd stays behind.
    Locks expected: mmap_lock for writing.
    """
    copied = Vma(vma.mm, new, new_end, vma.vm_flags & ~(VM_UFFD_MISSING | VM_UFFD_WP))
    untouched = vma_is_anonymous(vma) and vma.anon_vma is None
    # The reverse map finds a page at (index - vm_pgoff): the offset moves with the pages.
    if not untouched:
        copied.vm_pgoff = linear_page_index(vma, old)
    vma_link_file(copied, vma.vm_file, copied.vm_pgoff)
    anon_vma_clone(copied, vma)
    copied.anon_vma = vma.anon_vma
    insert_vma(vma.mm, copied)
    return copied


def move_page_tables(vma: Vma, old: int, old_end: int, new: int) -> None:
    """Move the entries of ``old..old_end`` to ``new``: whole PMD entries where both places allow it.

    Raises MemoryError if there is no page for a table.
    Locks expected: mmap_lock for writing. Takes PMD locks for a split.
    """
    mm, size = vma.mm, vma.mm.kernel.geometry.HPAGE_PMD_SIZE
    while old < old_end:
        # Up to the next border of a table at either place: what lies before it moves from one table to one.
        extent = min(size - old % size, size - new % size, old_end - old)
        ref = mm_find_pmd(mm, old)
        # Nothing mapped at the old place: the new one will fault, as the old one would have.
        if ref is not None and ref[0][ref[1]]:
            target = pmd_alloc(mm, new)
            # A table that lies in 2 MiB at both places moves by one entry instead of 512.
            if extent == size and not target[0][target[1]]:
                _move_pmd(vma, ref, target, old, new)
            else:
                _move_part(vma, ref, target, old, new, extent)
        old += extent
        new += extent


def _move_pmd(vma: Vma, ref: EntryRef, target: EntryRef, old: int, new: int) -> None:
    """move_normal_pmd, move_huge_pmd: the entry itself moves, and with a leaf its deposited table.

    Locks expected: mmap_lock for writing. (The kernel also takes both PMD locks and, if need be, the rmap
    locks.)
    """
    pmd = ref[0][ref[1]]
    # Away from the old place first: no page is mapped at both. (The kernel flushes before it unlocks.)
    set_pmd_at(*ref, 0)
    if not pmd_trans_huge(pmd):
        set_pmd_at(*target, pmd)
        return
    # The deposit belongs to the PMD table, and the leaf may move to another one.
    if vma_is_anonymous(vma):
        pgtable_trans_huge_deposit(vma.mm, new, pgtable_trans_huge_withdraw(vma.mm, old))
    set_pmd_at(*target, pmd & ~_PAGE_UFFD_WP | _PAGE_SOFT_DIRTY)


def _move_part(vma: Vma, ref: EntryRef, target: EntryRef, old: int, new: int, extent: int) -> None:
    """move_ptes: entry by entry; a leaf is split before. ``extent``: bytes.

    Raises MemoryError if there is no page for a table.
    Locks expected: mmap_lock for writing. (The kernel also takes both PTE locks and, if need be, the rmap
    locks.)
    """
    kernel = vma.mm.kernel
    # A leaf maps 2 MiB at a multiple of 2 MiB: at another offset it can't exist.
    if pmd_trans_huge(ref[0][ref[1]]):
        __split_huge_pmd(vma, ref, old)
    if not ref[0][ref[1]]:
        return  # of a file: faults find its pages again
    if not target[0][target[1]]:
        pmd_populate(kernel, target, pte_alloc_one(vma.mm))
    source = kernel.tables[pmd_table_page(kernel, ref[0][ref[1]])]
    table = kernel.tables[pmd_table_page(kernel, target[0][target[1]])]
    first, to = pte_index(kernel, old), pte_index(kernel, new)
    for number in range(extent // kernel.geometry.PAGE_SIZE):
        pte = source[first + number]
        if pte:
            set_pte_at(source, first + number, 0)
            set_pte_at(table, to + number, _moved(pte))


def _moved(pte: int) -> int:
    """The entry (pteval_t) at its new place: soft-dirty, as the address is new; not write-protected."""
    if pte_present(pte):
        return pte & ~_PAGE_UFFD_WP | _PAGE_SOFT_DIRTY
    return pte & ~_PAGE_SWP_UFFD_WP
