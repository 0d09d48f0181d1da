"""userfaultfd, as far as collapse minds it: registered areas and write-protected pages (6.18).

fs/userfaultfd.c, mm/userfaultfd.c. There is no handler: a fault that would be handed to one is an error here.
"""

from __future__ import annotations

import errno

from thplab.mm.huge_memory.pmd import __split_huge_pmd
from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import down_read, down_write, up_read, up_write
from thplab.mm.include.mm_types import VM_UFFD_MISSING, VM_UFFD_WP, Mm, Vma
from thplab.mm.include.pgtable import (
    _PAGE_RW,
    _PAGE_SWP_UFFD_WP,
    _PAGE_UFFD_WP,
    EntryRef,
    mm_find_pmd,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_lock,
    pte_present,
    set_pmd_at,
    set_pte_at,
)
from thplab.mm.include.swapops import is_pte_marker
from thplab.mm.vma import modify_vma_flags, vmas_of_range

__VM_UFFD_FLAGS = VM_UFFD_MISSING | VM_UFFD_WP
_MODES = {"missing": VM_UFFD_MISSING, "wp": VM_UFFD_WP}


def userfaultfd_register(mm: Mm, start: int, length: int, mode: str) -> None:
    """UFFDIO_REGISTER: watch memory for missing pages, for writes (``wp``), or both (``missing|wp``).

    ``length``: bytes. A registration takes the place of an earlier one that lacks a mode. Raises
    KernelError (EINVAL: unknown mode, unaligned, nothing mapped).
    Locks expected: none. Takes mmap_lock for writing.
    """
    words = mode.split("|")
    if not set(words) <= set(_MODES):
        raise KernelError(errno.EINVAL, "userfaultfd: mode", mode, " | ".join(_MODES))
    flags = sum(_MODES[word] for word in set(words))
    vmas = _vmas(mm, start, length)
    down_write(mm.mmap_lock, mm.task.comm)
    # Flags of the VMA, not of the process: a VMA that is watched in part is cut.
    for vma in vmas:
        # Registered already: nothing to cut or to merge.
        if vma.vm_flags & flags != flags:
            modify_vma_flags(vma, start, start + length, vma.vm_flags & ~__VM_UFFD_FLAGS | flags)
    up_write(mm.mmap_lock)


def userfaultfd_unregister(mm: Mm, start: int, length: int) -> None:
    """UFFDIO_UNREGISTER: watch no longer; what was write-protected may be written again.

    ``length``: bytes. Raises KernelError (EINVAL: unaligned, nothing mapped).
    Locks expected: none. Takes mmap_lock for writing.
    """
    vmas = _vmas(mm, start, length)
    down_write(mm.mmap_lock, mm.task.comm)
    for vma in vmas:
        # While the VMA still has the mode: an entry that kept the mark would never be resolved.
        if vma.vm_flags & VM_UFFD_WP:
            uffd_wp_range(vma, max(start, vma.vm_start), min(start + length, vma.vm_end), protect=False)
        if vma.vm_flags & __VM_UFFD_FLAGS:
            modify_vma_flags(vma, start, start + length, vma.vm_flags & ~__VM_UFFD_FLAGS)
    up_write(mm.mmap_lock)


def _vmas(mm: Mm, start: int, length: int) -> tuple[Vma, ...]:
    """The VMAs of the range; KernelError (EINVAL) if it is not whole pages of mapped memory."""
    page = mm.kernel.geometry.PAGE_SIZE
    vmas = vmas_of_range(mm, start, start + length)
    if start % page or length % page or length <= 0 or not vmas:
        what = f"{start:#x}-{start + length:#x}"
        raise KernelError(errno.EINVAL, "userfaultfd: range", what, "whole pages of mapped memory")
    return vmas


def mwriteprotect_range(mm: Mm, start: int, length: int, *, protect: bool = True) -> None:
    """UFFDIO_WRITEPROTECT: protect the pages that are there, or lift that again.

    ``length``: bytes. Raises KernelError (ENOENT) where the memory is not registered for ``wp``, EINVAL
    for a bad range.
    Locks expected: none. Takes mmap_lock for reading.
    """
    vmas = _vmas(mm, start, length)
    if not all(vma.vm_flags & VM_UFFD_WP for vma in vmas):
        raise KernelError(errno.ENOENT, "userfaultfd: the memory is not registered with mode wp")
    # For reading is enough: no VMA changes, only entries do.
    down_read(mm.mmap_lock)
    for vma in vmas:
        uffd_wp_range(vma, max(start, vma.vm_start), min(start + length, vma.vm_end), protect=protect)
    up_read(mm.mmap_lock)


def uffd_wp_range(vma: Vma, start: int, end: int, *, protect: bool) -> None:
    """The part in one VMA; a leaf that is only partly meant is split first.

    Locks expected: mmap_lock at least for reading. Takes PTE locks. (The kernel also takes the PMD lock
    for a leaf.)
    """
    size = vma.mm.kernel.geometry.HPAGE_PMD_SIZE
    while start < end:
        following = min((start // size + 1) * size, end)
        ref = mm_find_pmd(vma.mm, start)
        if ref is not None and pmd_trans_huge(ref[0][ref[1]]):
            if following - start == size:
                set_pmd_at(*ref, _with_mark(ref[0][ref[1]], protect=protect))
            else:
                __split_huge_pmd(vma, ref, start)
        # Not an else: a leaf that was split has PTEs now.
        if ref is not None and ref[0][ref[1]] and not pmd_trans_huge(ref[0][ref[1]]):
            _mark_ptes(vma, ref, start, following, protect=protect)
        start = following


def _with_mark(entry: int, *, protect: bool) -> int:
    """A present entry with or without the mark; without it the next write fault decides."""
    return entry & ~_PAGE_RW | _PAGE_UFFD_WP if protect else entry & ~_PAGE_UFFD_WP


def _mark_ptes(vma: Vma, ref: EntryRef, start: int, end: int, *, protect: bool) -> None:
    """Mark, or unmark, the PTEs of ``start..end``, which one table maps.

    Locks expected: mmap_lock at least for reading. Takes the PTE lock.
    """
    kernel = vma.mm.kernel
    table_page = pmd_table_page(kernel, ref[0][ref[1]])
    table, first = kernel.tables[table_page], pte_index(kernel, start)
    down_write(pte_lock(kernel, table_page), kernel.current.comm)
    for index in range(first, first + (end - start) // kernel.geometry.PAGE_SIZE):
        pte = table[index]
        # An empty entry of anonymous memory gets no mark (without UFFD_FEATURE_WP_UNPOPULATED).
        if pte_present(pte):
            set_pte_at(table, index, _with_mark(pte, protect=protect))
        # A swapped-out page keeps the mark in its entry, until it comes back.
        elif pte and not is_pte_marker(pte):
            marked = pte | _PAGE_SWP_UFFD_WP if protect else pte & ~_PAGE_SWP_UFFD_WP
            set_pte_at(table, index, marked)
    up_write(pte_lock(kernel, table_page))
