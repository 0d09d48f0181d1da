"""collapse_file: 512 pages of a file become one folio in the page cache (mm/khugepaged.c, 6.18).

The old pages are locked, taken off the LRU and unmapped everywhere, one by one; when only we hold a
reference to them, their contents can't change any more. Then copy, fill the holes, put the
new folio in their place, and remove the page tables that have become empty. Until that exchange
everything can be undone; only the mappings stay removed, and faults bring them back.
"""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.mm.filemap import (
    account_folio,
    entry_folio,
    folio_mapping,
    store_folio,
    vma_interval_tree_foreach,
    xa_is_value,
    xa_load,
)
from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.khugepaged import CollapseControl
from thplab.mm.include.lock import down_read, up_read
from thplab.mm.include.mm_types import VM_UFFD_MISSING, VM_UFFD_WP, Mm, Vma, vma_address, vma_lookup
from thplab.mm.include.page import (
    PG_locked,
    PG_swapbacked,
    PG_uptodate,
    folio_get,
    folio_nr_pages,
    folio_ref_add,
    folio_trylock,
    folio_unlock,
)
from thplab.mm.khugepaged.collapse import alloc_charge_folio, find_pmd_or_thp_or_none
from thplab.mm.khugepaged.pte_mapped import pmd_remove_table, set_huge_pmd
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.rmap.unmap import try_to_unmap_file
from thplab.mm.shmem.file import shmem_get_folio
from thplab.mm.swap import folio_add_lru
from thplab.mm.trace import scan_pfn, trace
from thplab.mm.vmscan.isolate import folio_isolate_lru, folio_putback_lru
from thplab.mm.vmstat import count_vm_event


def collapse_file(mm: Mm, addr: int, mapping: AddressSpace, start: int, cc: CollapseControl) -> ScanResult:
    """Replace the pages ``start .. start + 511`` (pgoff_t) of the file by one huge folio.

    ``mm`` and ``addr``: for whom. MADV_COLLAPSE gets PTE_MAPPED_HUGEPAGE for a success: its caller
    has yet to map the folio.
    Locks expected: none; the caller holds a reference on the file. Takes page locks and i_mmap_rwsem.
    """
    kernel = mm.kernel
    result, new_folio = alloc_charge_folio(mm, cc)
    if new_folio is not None:
        # Locked before it is in the cache: a fault that finds it there has to wait until it is complete.
        kernel.mem_map.flags[new_folio] |= PG_locked | PG_swapbacked
        isolated: list[int] = []
        result = _isolate_old_pages(kernel, mapping, start, isolated)
        if result is ScanResult.SUCCEED:
            # The old pages are unmapped and locked, with no user left: no write can be lost from here on.
            _copy(kernel, mapping, start, new_folio)
            result = _check_holes(kernel, mapping, start)
        if result is ScanResult.SUCCEED:
            result = _exchange(mm, addr, mapping, start, new_folio, cc)
            _free_old_pages(kernel, isolated)
        else:
            _roll_back(kernel, isolated, new_folio)
    trace(
        kernel,
        "mm_khugepaged_collapse_file",
        mm=mm,
        address=addr,
        hpage_pfn=scan_pfn(kernel, new_folio),
        index=start,
        addr=f"{addr:x}",
        is_shmem=1,
        filename=mapping.name,
        nr=kernel.geometry.HPAGE_PMD_NR,
        result=result,
    )
    return result


def _isolate_old_pages(kernel: Kernel, mapping: AddressSpace, start: int, isolated: list[int]) -> ScanResult:
    """Lock, isolate and unmap what the cache holds of the window; ``isolated`` lists what was done.

    Locks expected: none. Takes the page locks, which stay held, and i_mmap_rwsem.
    """
    nr = kernel.geometry.HPAGE_PMD_NR
    # An empty range: the file was cut or punched since the scan.
    if not any(xa_load(mapping, index) for index in range(start, start + nr)):
        return ScanResult.TRUNCATED
    for index in range(start, start + nr):
        entry = xa_load(mapping, index)
        # A hole: nothing to move, and filled with zeros later.
        if not entry:
            continue
        if xa_is_value(entry):
            # Swapped-out pages of the file are read into the cache: the new folio needs all contents.
            try:
                folio = shmem_get_folio(kernel, mapping, index, None, 0)
            except MemoryError:
                return ScanResult.FAIL
        else:
            folio = entry_folio(entry)
        result = _isolate_old_page(kernel, mapping, folio)
        if result is not ScanResult.SUCCEED:
            return result
        isolated.append(folio)
    return ScanResult.SUCCEED


def _isolate_old_page(kernel: Kernel, mapping: AddressSpace, folio: int) -> ScanResult:
    """One page: locked, off the LRU, unmapped, used by us alone; or as it was, but for its mappings.

    Locks expected: none. Takes the page lock, which stays held after SUCCEED, and i_mmap_rwsem.
    """
    mem_map = kernel.mem_map
    if not folio_trylock(mem_map, folio):
        return ScanResult.PAGE_LOCK
    folio_get(mem_map, folio)
    result = ScanResult.SUCCEED
    # Another collapse, or a fault, has made it huge since the scan.
    if folio_nr_pages(mem_map, folio) == kernel.geometry.HPAGE_PMD_NR:
        result = ScanResult.PTE_MAPPED_HUGEPAGE
    # Asked again under the page lock: only now it can't leave the file any more.
    elif folio_mapping(kernel, folio) is not mapping:
        result = ScanResult.TRUNCATED
    elif not folio_isolate_lru(kernel, folio):
        result = ScanResult.DEL_PAGE_LRU
    else:
        # A task that touches the page now faults, finds it locked, and waits.
        try_to_unmap_file(kernel, mapping, folio)
        # Our reference, the LRU isolation's, and the cache's: any other may be used to write.
        if mem_map.refcount[folio] != 2 + folio_nr_pages(mem_map, folio):
            folio_putback_lru(kernel, folio)
            result = ScanResult.PAGE_COUNT
    if result is not ScanResult.SUCCEED:
        folio_unlock(mem_map, folio)
        folio_put(kernel, folio)
    return result


def _copy(kernel: Kernel, mapping: AddressSpace, start: int, new_folio: int) -> None:
    """Fill the new folio: pages are copied, holes cleared."""
    contents = kernel.mem_map.contents
    for offset in range(kernel.geometry.HPAGE_PMD_NR):
        entry = xa_load(mapping, start + offset)
        contents[new_folio + offset] = contents[entry_folio(entry)] if entry else 0


def _check_holes(kernel: Kernel, mapping: AddressSpace, start: int) -> ScanResult:
    """A hole may be filled only if no userfaultfd waits to be notified of it.

    Locks expected: the page locks. Takes i_mmap_rwsem for reading.
    """
    nr = kernel.geometry.HPAGE_PMD_NR
    if all(xa_load(mapping, index) for index in range(start, start + nr)):
        return ScanResult.SUCCEED
    down_read(mapping.i_mmap_rwsem)
    vmas = vma_interval_tree_foreach(mapping, start, start + nr - 1)
    missing = any(vma.vm_flags & VM_UFFD_MISSING for vma in vmas)
    up_read(mapping.i_mmap_rwsem)
    return ScanResult.EXCEED_NONE_PTE if missing else ScanResult.SUCCEED


def _exchange(
    mm: Mm, addr: int, mapping: AddressSpace, start: int, new_folio: int, cc: CollapseControl
) -> ScanResult:
    """The point of no return: the new folio takes the place of the old pages, and their tables go.

    Locks expected: the page locks, old and new. Takes i_mmap_rwsem for reading. Drops the new folio's.
    """
    kernel = mm.kernel
    mem_map = kernel.mem_map
    nr = kernel.geometry.HPAGE_PMD_NR
    # A set: a folio of several pages has an entry for each of them, and is taken out once.
    entries = {xa_load(mapping, index) for index in range(start, start + nr)} - {0}
    for entry in sorted(entries):
        account_folio(kernel, mapping, entry_folio(entry), -1)
        # A task that waits for the page lock sees by this that the page left the file.
        mem_map.mapping[entry_folio(entry)] = 0
    for offset in range(nr):
        mem_map.mapping[new_folio + offset] = mapping.number
        mem_map.index[new_folio + offset] = start + offset
    # The cache holds one reference for each page; the allocation's becomes the first of them.
    folio_ref_add(mem_map, new_folio, nr - 1)
    mem_map.flags[new_folio] |= PG_uptodate
    folio_add_lru(kernel, new_folio)
    # The cache first, the tables after: a fault in between must find the new folio.
    store_folio(kernel, mapping, new_folio, start)
    result = retract_page_tables(mapping, start, mm, addr)
    folio_unlock(mem_map, new_folio)
    # 6.1 maps the folio here for MADV_COLLAPSE; later kernels do it in collapse_pte_mapped_thp.
    if not kernel.profile.collapse_file_maps_itself:
        return ScanResult.SUCCEED if cc.is_khugepaged else ScanResult.PTE_MAPPED_HUGEPAGE
    # No mmap_lock was held: the VMA may be another one by now, or none.
    vma = vma_lookup(mm, addr)
    if result is ScanResult.SUCCEED and vma is not None and not cc.is_khugepaged:
        result = set_huge_pmd(vma, addr, new_folio)
    return result


def retract_page_tables(mapping: AddressSpace, pgoff: int, mm: Mm, target: int) -> ScanResult:
    """Remove the empty tables of all mappings of the window, so that the next fault maps it by a PMD.

    ``pgoff``: pgoff_t, first page of the window. Returns the result for the window at ``target`` of
    ``mm``, which only kernels to 6.1 ask for.
    Locks expected: the page lock of the new folio. Takes i_mmap_rwsem for reading and PMD locks.
    """
    result = ScanResult.FAIL
    down_read(mapping.i_mmap_rwsem)
    for vma in vma_interval_tree_foreach(mapping, pgoff, pgoff):
        if vma.anon_vma is not None:
            continue  # a private mapping with copies of its own
        addr = vma_address(vma, pgoff)
        one = _retract_page_table(vma, addr)
        if vma.mm is mm and addr == target:
            result = one
    up_read(mapping.i_mmap_rwsem)
    return result


def _retract_page_table(vma: Vma, addr: int) -> ScanResult:
    """One mapping of the window: its table goes, if it can; else why not.

    Locks expected: i_mmap_rwsem for reading. Takes the PMD lock.
    """
    size = vma.mm.kernel.geometry.HPAGE_PMD_SIZE
    if addr % size or addr < vma.vm_start or vma.vm_end < addr + size:
        return ScanResult.VMA_CHECK
    result, _ = find_pmd_or_thp_or_none(vma.mm, addr)
    if result is not ScanResult.SUCCEED:
        return result
    if not vma.mm.mm_users:
        return ScanResult.ANY_PROCESS
    # The table may hold write-protect marks of pages that are not there; the file does not know them.
    if vma.vm_flags & VM_UFFD_WP:
        return ScanResult.PTE_UFFD_WP
    pmd_remove_table(vma.mm, addr)
    return ScanResult.SUCCEED


def _free_old_pages(kernel: Kernel, isolated: list[int]) -> None:
    """Let go of the old pages: our references, the isolation's and the cache's are the last.

    Locks expected: the page locks. Drops them.
    """
    for folio in isolated:
        nr = folio_nr_pages(kernel.mem_map, folio)
        folio_unlock(kernel.mem_map, folio)
        count_vm_event(kernel, "nr_isolated_anon", -nr)
        folio_put(kernel, folio, 2 + nr)


def _roll_back(kernel: Kernel, isolated: list[int], new_folio: int) -> None:
    """The old pages stay in the cache; the new folio is given back.

    Locks expected: the page locks, old and new. Drops them.
    """
    for folio in isolated:
        folio_unlock(kernel.mem_map, folio)
        folio_putback_lru(kernel, folio)
        # Our own reference; the cache's keeps the page in memory.
        folio_put(kernel, folio)
    folio_unlock(kernel.mem_map, new_folio)
    folio_put(kernel, new_folio)
