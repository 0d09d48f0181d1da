"""Reading in the swapped-out pages of a window before its collapse (mm/khugepaged.c, 6.18)."""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import Vma
from thplab.mm.include.pgtable import (
    EntryRef,
    pmd_present,
    pmd_table_page,
    pmd_trans_huge,
    pte_lock,
    pte_present,
)
from thplab.mm.memory.swapin import do_swap_page
from thplab.mm.trace import trace


def __collapse_huge_page_swapin(vma: Vma, address: int, pmd: EntryRef, referenced: int) -> ScanResult:
    """Fault in each page of the window that has a swap entry; SUCCEED, or FAIL at a guard page.

    ``pmd``: where the re-check found the entry (pmd_t *); ``referenced`` (PTEs) is for the trace line only.
    PMD_NULL if the table is gone: mmap_lock for reading does not keep MADV_DONTNEED out. Pages that
    were read in stay, whatever becomes of the collapse.
    Locks expected: mmap_lock for reading. Takes the PTE lock. (The kernel drops mmap_lock if it fails.)
    """
    mm = vma.mm
    kernel = mm.kernel
    swapped_in = 0
    result = ScanResult.SUCCEED
    for index in range(kernel.geometry.PTRS_PER_PTE):
        # Only a table that is in the tree now may be worked on, never one that was freed meanwhile.
        if not pmd_present(pmd[0][pmd[1]]) or pmd_trans_huge(pmd[0][pmd[1]]):
            result = ScanResult.PMD_NULL
            break
        table_page = pmd_table_page(kernel, pmd[0][pmd[1]])
        table, ptl = kernel.tables[table_page], pte_lock(kernel, table_page)
        pte = table[index]
        if not pte or pte_present(pte):
            continue
        down_write(ptl, kernel.current.comm)
        try:
            do_swap_page(vma, table, index, address + index * kernel.geometry.PAGE_SIZE, write=False)
        # A guard page, or no memory: the huge page can't be whole, so the rest is not read in.
        except (KernelError, MemoryError):
            result = ScanResult.FAIL
            break
        finally:
            up_write(ptl)
        # Not undone if the collapse fails later: a page in memory is never wrong.
        swapped_in += 1
    trace(
        kernel,
        "mm_collapse_huge_page_swapin",
        mm=mm,
        address=address,
        swapped_in=swapped_in,
        referenced=referenced,
        ret=kernel.profile.number(result),
        order=kernel.geometry.HPAGE_PMD_ORDER,
    )
    return result
