"""Guard pages: addresses that fault without a VMA of their own (mm/madvise.c, since 6.13)."""

from __future__ import annotations

import errno

from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import down_read, down_write, up_read, up_write
from thplab.mm.include.mm_types import VM_HUGETLB, VM_IO, VM_LOCKED, VM_MIXEDMAP, VM_PFNMAP, Vma
from thplab.mm.include.pgtable import (
    mm_find_pmd,
    pmd_alloc,
    pmd_populate,
    pmd_table_page,
    pmd_trans_huge,
    pte_alloc_one,
    pte_index,
    pte_lock,
    set_pte_at,
)
from thplab.mm.memory.zap import unmap_page_range
from thplab.mm.rmap.anon_vma import anon_vma_prepare
from thplab.mm.swapfile import PTE_MARKER_GUARD, make_pte_marker

__all__ = ["madvise_guard_install", "madvise_guard_remove"]

_NO_GUARDS = VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB


def _require_guards(vma: Vma, refused: int) -> None:
    """EINVAL for a kernel without guard pages, and for VMAs that can't have any."""
    if not vma.mm.kernel.profile.has_guard_pages:
        raise KernelError(errno.EINVAL, "madvise: guard pages came with Linux 6.13")
    if vma.vm_flags & refused:
        raise KernelError(errno.EINVAL, "madvise: no guard pages in locked or special memory")


def madvise_guard_install(vma: Vma, start: int, end: int) -> None:
    """MADV_GUARD_INSTALL: discard the pages and let every access to them fail.

    Each entry becomes a marker; page tables are made for that. Raises KernelError (EINVAL).
    """
    _require_guards(vma, _NO_GUARDS | VM_LOCKED)
    mm = vma.mm
    kernel = mm.kernel
    down_read(mm.mmap_lock)
    try:
        anon_vma_prepare(vma)
        unmap_page_range(vma, start, end, drop_markers=False)
        for address in range(start, end, kernel.geometry.PAGE_SIZE):
            ref = pmd_alloc(mm, address)
            if not ref[0][ref[1]]:
                pmd_populate(kernel, ref, pte_alloc_one(mm))
            _set_marker(vma, address, make_pte_marker(PTE_MARKER_GUARD))
    finally:
        up_read(mm.mmap_lock)


def madvise_guard_remove(vma: Vma, start: int, end: int) -> None:
    """MADV_GUARD_REMOVE: the addresses are ordinary, empty ones again. Raises KernelError (EINVAL)."""
    _require_guards(vma, _NO_GUARDS)
    down_read(vma.mm.mmap_lock)
    for address in range(start, end, vma.mm.kernel.geometry.PAGE_SIZE):
        ref = mm_find_pmd(vma.mm, address)
        if ref is not None and ref[0][ref[1]] and not pmd_trans_huge(ref[0][ref[1]]):
            _set_marker(vma, address, 0)
    up_read(vma.mm.mmap_lock)


def _set_marker(vma: Vma, address: int, marker: int) -> None:
    """Write ``marker`` where nothing stands, or 0 where a guard marker stands."""
    kernel = vma.mm.kernel
    ref = mm_find_pmd(vma.mm, address)
    assert ref is not None
    table_page = pmd_table_page(kernel, ref[0][ref[1]])
    table, index = kernel.tables[table_page], pte_index(kernel, address)
    down_write(pte_lock(kernel, table_page), kernel.current.comm)
    if table[index] == (0 if marker else make_pte_marker(PTE_MARKER_GUARD)):
        set_pte_at(table, index, marker)
    up_write(pte_lock(kernel, table_page))
