"""Windows of files and shared memory: scan, and map what is huge already (mm/khugepaged.c, 6.18).

The page cache is scanned, not the page tables: the file's contents count, no matter who maps them.
So no page needs to be in use by this process, and no limit asks who shares it. The
collapse makes one folio of the file's pages and removes the page tables; khugepaged leaves it to
the next fault to map the folio, MADV_COLLAPSE maps it at once.
"""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.mm.filemap import entry_folio, xa_is_value, xa_load
from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.khugepaged import CollapseControl
from thplab.mm.include.lock import down_read, up_read
from thplab.mm.include.mm_types import Mm, Vma, linear_page_index
from thplab.mm.include.page import PG_lru, folio_expected_ref_count, folio_nr_pages
from thplab.mm.khugepaged.collapse import find_pmd_or_thp_or_none, hpage_collapse_test_exit_or_disable
from thplab.mm.khugepaged.collapse_file import collapse_file
from thplab.mm.khugepaged.pte_mapped import collapse_pte_mapped_thp
from thplab.mm.shmem.file import fput, get_file
from thplab.mm.trace import scan_pfn, trace
from thplab.mm.vmstat import count_vm_event


def hpage_collapse_scan_file(
    mm: Mm, addr: int, mapping: AddressSpace, start: int, cc: CollapseControl
) -> ScanResult:
    """Scan the 512 pages of the file from page ``start`` (pgoff_t) on; collapse if none rules it out.

    The limits max_ptes_none and max_ptes_swap bind only khugepaged.
    Locks expected: none; the caller holds the file, and the kernel walks the cache under RCU.
    Kernel name: khugepaged_scan_file (5.10), collapse_scan_file (7.3).
    """
    kernel = mm.kernel
    mem_map, knobs, nr = kernel.mem_map, kernel.knobs, kernel.geometry.HPAGE_PMD_NR
    present = swap = node_load = 0
    folio: int | None = None
    result = ScanResult.SUCCEED
    # The control structure is used again for each window.
    cc.node_load[0] = 0
    index = start
    while index < start + nr:
        entry = xa_load(mapping, index)
        folio = None
        index += 1
        if not entry:
            continue
        # A page of shared memory that was swapped out: the collapse would have to read it in.
        if xa_is_value(entry):
            swap += 1
            if cc.is_khugepaged and swap > knobs.max_ptes_swap:
                result = ScanResult.EXCEED_SWAP_PTE
                count_vm_event(kernel, "thp_scan_exceed_swap_pte")
                break
            continue
        folio = entry_folio(entry)
        if folio_nr_pages(mem_map, folio) == nr:
            # One folio already; whether it is mapped by a PMD is for the caller to see.
            result = ScanResult.PTE_MAPPED_HUGEPAGE
            break
        node_load += 1
        # Another task has it in hand: collapse_file could not isolate it.
        if not mem_map.flags[folio] & PG_lru:
            result = ScanResult.PAGE_LRU
            break
        # A pin, or a read() or write() at work: it would keep the old page.
        if mem_map.refcount[folio] != folio_expected_ref_count(mem_map, folio):
            result = ScanResult.PAGE_COUNT
            break
        present += 1
    else:
        folio = None
    cc.node_load[0] = node_load
    if result is ScanResult.SUCCEED:
        # Holes are not counted one by one: the pages that are there tell how many are missing.
        if cc.is_khugepaged and present < nr - knobs.max_ptes_none:
            result = ScanResult.EXCEED_NONE_PTE
            count_vm_event(kernel, "thp_scan_exceed_none_pte")
        else:
            result = collapse_file(mm, addr, mapping, start, cc)
    # What a window of a file costs in 7.3: one that is a huge page already, next to nothing.
    already_huge = result is ScanResult.PTE_MAPPED_HUGEPAGE and not present
    cc.ptes_read = 1 if already_huge else nr
    trace(
        kernel,
        "mm_khugepaged_scan_file",
        mm=mm,
        address=addr,
        scan_pfn=scan_pfn(kernel, folio),
        filename=mapping.name,
        present=present,
        swap=swap,
        result=result,
    )
    return result


def _scan_file_of(mm: Mm, vma: Vma, address: int, cc: CollapseControl) -> ScanResult:
    """Hold the file, drop mmap_lock, scan: the VMA may be gone afterwards, the file is not.

    Locks expected: mmap_lock for reading. Drops it.
    """
    assert vma.vm_file is not None
    # The reference first: with mmap_lock dropped, munmap() may give back the last one.
    mapping, pgoff = get_file(vma.vm_file), linear_page_index(vma, address)
    up_read(mm.mmap_lock)
    result = hpage_collapse_scan_file(mm, address, mapping, pgoff, cc)
    fput(mm.kernel, mapping)
    return result


def khugepaged_scan_file(mm: Mm, vma: Vma, address: int, cc: CollapseControl) -> tuple[ScanResult, bool]:
    """khugepaged's half: one window of a file; the result, and whether mmap_lock is still held.

    A folio that is huge already only loses the page table that maps it by PTEs; that counts as a
    collapse.
    Locks expected: mmap_lock for reading. Drops it. Takes it again to remove a table, and may return with it.
    """
    result = _scan_file_of(mm, vma, address, cc)
    if result is not ScanResult.PTE_MAPPED_HUGEPAGE:
        return result, False
    down_read(mm.mmap_lock)
    # The process may have exited while no lock was held.
    if hpage_collapse_test_exit_or_disable(mm):
        return result, True
    if mm.kernel.profile.collapse_file_maps_itself:
        # To 6.1 only a window that still has a table is processed further.
        result, _ = find_pmd_or_thp_or_none(mm, address)
    if result in (ScanResult.PTE_MAPPED_HUGEPAGE, ScanResult.SUCCEED):
        result = collapse_pte_mapped_thp(mm, address, install_pmd=False)
    up_read(mm.mmap_lock)
    return (ScanResult.SUCCEED if result is ScanResult.PMD_MAPPED else result), False


def madvise_collapse_file(mm: Mm, vma: Vma, address: int, cc: CollapseControl) -> tuple[ScanResult, bool]:
    """MADV_COLLAPSE's half: collapse the file's window and map the folio by a PMD.

    Locks expected: mmap_lock for reading. Drops it. Takes it again to map the folio.
    """
    result = _scan_file_of(mm, vma, address, cc)
    # Means success here, or a folio that was huge before: it has to be mapped either way.
    if result is ScanResult.PTE_MAPPED_HUGEPAGE:
        down_read(mm.mmap_lock)
        result = collapse_pte_mapped_thp(mm, address, install_pmd=True)
        up_read(mm.mmap_lock)
    return result, False
