"""Reading in the swapped-out pages of a window before its collapse (mm/khugepaged.c, 6.18)."""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import Vma
from thplab.mm.include.pgtable import mm_find_pmd, pmd_table_page, pte_lock, pte_present
from thplab.mm.memory.swapin import do_swap_page
from thplab.mm.trace import trace


def __collapse_huge_page_swapin(vma: Vma, address: int, pmd: int, referenced: int) -> ScanResult:
    """Fault in each page of the window that has a swap entry; SUCCEED, or FAIL at a guard page.

    ``pmd``: the pmd_t value found by the re-check; ``referenced`` (PTEs) only goes into the trace line.
    PMD_NULL if the table is gone: mmap_lock for reading does not keep MADV_DONTNEED out. Pages that
    were read in stay, whatever becomes of the collapse.
    Locks expected: mmap_lock for reading. Takes the PTE lock. (The kernel drops mmap_lock if it fails.)
    """
    mm = vma.mm
    kernel = mm.kernel
    table_page = pmd_table_page(kernel, pmd)
    table, ptl = kernel.tables[table_page], pte_lock(kernel, table_page)
    swapped_in = 0
    ref = mm_find_pmd(mm, address)
    # Only a table that is still in the tree may be worked on, never one that was freed meanwhile.
    same = ref is not None and ref[0][ref[1]] == pmd
    result = ScanResult.SUCCEED if same else ScanResult.PMD_NULL
    # Over a copy: each entry is tried once.
    for index, pte in enumerate(tuple(table) if same else ()):
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
