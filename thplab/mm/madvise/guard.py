"""Guard pages: addresses that fault without a VMA of their own (mm/madvise.c, since 6.13)."""

from __future__ import annotations

import errno

from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import down_read, down_write, up_read, up_write
from thplab.mm.include.mm_types import VM_HUGETLB, VM_IO, VM_LOCKED, VM_MIXEDMAP, VM_PFNMAP, Vma
from thplab.mm.include.pgtable import (
    mm_find_pmd,
    pmd_populate,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_lock,
    set_pte_at,
)
from thplab.mm.include.swapops import PTE_MARKER_GUARD, make_pte_marker
from thplab.mm.memory.tables import pmd_alloc, pte_alloc_one
from thplab.mm.memory.zap import unmap_page_range
from thplab.mm.rmap.anon_vma import anon_vma_prepare

_NO_GUARDS = VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB


def _require_guards(vma: Vma, refused: int) -> None:
    """EINVAL for a kernel without guard pages, and for VMAs that can't have any (``refused``: VM_* bits)."""
    if not vma.mm.kernel.profile.has_guard_pages:
        raise KernelError(errno.EINVAL, "madvise: guard pages came with Linux 6.13")
    if vma.vm_flags & refused:
        raise KernelError(errno.EINVAL, "madvise: no guard pages in locked or special memory")


def madvise_guard_install(vma: Vma, start: int, end: int) -> None:
    """MADV_GUARD_INSTALL (since 6.13): discard the pages and let every access to them fail.

    ``start``, ``end``: unsigned long, page aligned. Each entry becomes a marker; page tables are made for
    that. Raises KernelError (EINVAL), MemoryError (no page for a table). Frees the pages.
    Locks expected: none. Takes mmap_lock for reading and each PTE lock; the kernel takes the PMD lock for
    each new table as well.
    """
    _require_guards(vma, _NO_GUARDS | VM_LOCKED)
    mm = vma.mm
    kernel = mm.kernel
    down_read(mm.mmap_lock)
    try:
        # A range with markers is not empty any more: with an anon_vma fork copies its tables, and so the
        # guards.
        anon_vma_prepare(vma)
        # Markers replace empty entries only, so the pages go first. The kernel tries it the other way
        # round, and zaps and repeats if it meets a page.
        unmap_page_range(vma, start, end, drop_markers=False)
        for address in range(start, end, kernel.geometry.PAGE_SIZE):
            ref = pmd_alloc(mm, address)
            # A marker needs a PTE: a whole table for one guard page.
            if not ref[0][ref[1]]:
                pmd_populate(kernel, ref, pte_alloc_one(mm))
            _set_marker(vma, address, make_pte_marker(PTE_MARKER_GUARD))
    finally:
        up_read(mm.mmap_lock)


def madvise_guard_remove(vma: Vma, start: int, end: int) -> None:
    """MADV_GUARD_REMOVE (since 6.13): the addresses are ordinary, empty ones again.

    ``start``, ``end``: unsigned long, page aligned. Raises KernelError (EINVAL). The tables stay, even if
    they are empty now.
    Locks expected: none. Takes mmap_lock for reading and each PTE lock.
    """
    _require_guards(vma, _NO_GUARDS)
    down_read(vma.mm.mmap_lock)
    for address in range(start, end, vma.mm.kernel.geometry.PAGE_SIZE):
        ref = mm_find_pmd(vma.mm, address)
        # A huge leaf holds no markers.
        if ref is not None and ref[0][ref[1]] and not pmd_trans_huge(ref[0][ref[1]]):
            _set_marker(vma, address, 0)
    up_read(vma.mm.mmap_lock)


def _set_marker(vma: Vma, address: int, marker: int) -> None:
    """Write ``marker`` (pteval_t) where the entry is empty, or 0 where it is a guard marker.

    Locks expected: mmap_lock for reading. Takes the PTE lock.
    """
    kernel = vma.mm.kernel
    ref = mm_find_pmd(vma.mm, address)
    assert ref is not None
    table_page = pmd_table_page(kernel, ref[0][ref[1]])
    table, index = kernel.tables[table_page], pte_index(kernel, address)
    down_write(pte_lock(kernel, table_page), kernel.current.comm)
    # Another task may have faulted a page in since the range was emptied: it is left alone.
    if table[index] == (0 if marker else make_pte_marker(PTE_MARKER_GUARD)):
        set_pte_at(table, index, marker)
    up_write(pte_lock(kernel, table_page))
