"""collapse_huge_page and its phases, and MADV_COLLAPSE (mm/khugepaged.c, 6.18).

When scan_pmd has said yes, moving 512 base pages into one huge page takes seven phases, and the world may
change between them:

    1 get memory   mmap_lock is dropped; an order-9 folio, charged, with no lock held: this may take long
    2 re-check     mmap_lock for reading and look again (reading in swapped pages), then for writing
    3 fence        clear the PMD and flush the TLBs: whoever touches the window now waits
    4 isolate      take the 512 pages off the LRU, locked; any refusal puts all of them back
    5 copy         512 pages into the folio
    6 free         only now the old pages are freed
    7 publish      deposit the empty table, set the huge PMD, unlock

Up to the copy everything can be undone; a window that was refused is bit for bit what it was.
"""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.mm.huge_memory.deferred import deferred_split_folio
from thplab.mm.huge_memory.fault import pgtable_trans_huge_deposit
from thplab.mm.huge_memory.policy import TvaType, thp_vma_allowable_order, thp_vma_suitable_order
from thplab.mm.include.errors import KernelBug
from thplab.mm.include.gfp import GFP_TRANSHUGE, GFP_TRANSHUGE_LIGHT
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.khugepaged import CollapseControl
from thplab.mm.include.lock import down_read, down_write, up_read, up_write
from thplab.mm.include.mm_types import MMF_DISABLE_THP_COMPLETELY, VM_READ, VM_WRITE, Mm, Vma, find_vma
from thplab.mm.include.page import page_to_pfn
from thplab.mm.include.pgtable import (
    mk_huge_pmd,
    mm_find_pmd,
    pmd_bad,
    pmd_lock,
    pmd_populate,
    pmd_present,
    pmd_table_page,
    pmd_trans_huge,
    pte_lock,
    set_pmd_at,
)
from thplab.mm.khugepaged.pages import __collapse_huge_page_copy, __collapse_huge_page_isolate
from thplab.mm.khugepaged.swapin import __collapse_huge_page_swapin
from thplab.mm.memcontrol import mem_cgroup_charge
from thplab.mm.page_alloc.alloc import __folio_alloc, folio_put
from thplab.mm.rmap.mapcount import folio_add_new_anon_rmap
from thplab.mm.swap import folio_add_lru_vma
from thplab.mm.trace import trace
from thplab.mm.vmstat import count_vm_event

__all__ = [
    "alloc_charge_folio",
    "check_pmd_still_valid",
    "collapse_huge_page",
    "find_pmd_or_thp_or_none",
    "hugepage_vma_revalidate",
]


def hpage_collapse_test_exit_or_disable(mm: Mm) -> bool:
    """True if the process exits or has THP switched off by prctl: no use to go on."""
    return mm.mm_users == 0 or bool(mm.flags & MMF_DISABLE_THP_COMPLETELY)


def find_pmd_or_thp_or_none(mm: Mm, address: int) -> tuple[ScanResult, int]:
    """Is there a PTE table to look at? SUCCEED and the PMD entry (u64), or why not and 0."""
    profile = mm.kernel.profile
    ref = mm_find_pmd(mm, address)
    if ref is None:
        return profile.without_pmd_table, 0
    pmd = ref[0][ref[1]]
    if not pmd:
        return profile.without_pte_table, 0
    if not pmd_present(pmd):
        return profile.without_pmd_table, 0
    if pmd_trans_huge(pmd):
        return ScanResult.PMD_MAPPED, 0
    if pmd_bad(pmd):
        return profile.without_pmd_table, 0
    return ScanResult.SUCCEED, pmd


def check_pmd_still_valid(mm: Mm, address: int, pmd: int) -> ScanResult:
    """Under mmap_lock for writing: is it still the same table as before?"""
    result, now = find_pmd_or_thp_or_none(mm, address)
    if result is not ScanResult.SUCCEED:
        return result
    return ScanResult.SUCCEED if now == pmd else ScanResult.FAIL


def hugepage_vma_revalidate(
    mm: Mm, address: int, *, expect_anon: bool, cc: CollapseControl
) -> tuple[ScanResult, Vma | None]:
    """mmap_lock was dropped: look everything up again. SUCCEED and the VMA, or what has changed.

    Locks expected: mmap_lock.
    """
    if hpage_collapse_test_exit_or_disable(mm):
        return ScanResult.ANY_PROCESS, None
    vma = find_vma(mm, address)
    if vma is None:
        return ScanResult.VMA_NULL, None
    if not thp_vma_suitable_order(vma, address):
        return ScanResult.ADDRESS_RANGE, None
    tva = TvaType.KHUGEPAGED if cc.is_khugepaged else TvaType.FORCED_COLLAPSE
    if not thp_vma_allowable_order(vma, vma.vm_flags, tva):
        return ScanResult.VMA_CHECK, None
    if expect_anon and vma.anon_vma is None:
        return ScanResult.PAGE_ANON, None
    return ScanResult.SUCCEED, vma


def alloc_hugepage_khugepaged_gfpmask(kernel: Kernel) -> int:
    """khugepaged's own mask (gfp_t): ``khugepaged/defrag`` decides whether it may compact.

    Neither mask has the bit that wakes kswapd: khugepaged never asks kcompactd for help.
    """
    return GFP_TRANSHUGE if kernel.knobs.khugepaged_defrag else GFP_TRANSHUGE_LIGHT


def hpage_collapse_find_target_node(cc: CollapseControl) -> int:
    """The node that holds most pages of the window; ``alloc_nmask`` gets all that tie with it."""
    loads = list(cc.node_load)
    target = loads.index(max(loads))
    cc.alloc_nmask = sum(1 << node for node, load in enumerate(loads) if load == loads[target])
    return target


def alloc_charge_folio(mm: Mm, cc: CollapseControl) -> tuple[ScanResult, int | None]:
    """Get the order-9 folio: SUCCEED and its first page, or why not and None.

    Locks expected: none; this may take long on a real kernel. An allocation counts in
    thp_collapse_alloc even if the collapse fails later.
    """
    kernel = mm.kernel
    gfp = alloc_hugepage_khugepaged_gfpmask(kernel) if cc.is_khugepaged else GFP_TRANSHUGE
    node = hpage_collapse_find_target_node(cc)
    folio = __folio_alloc(kernel, gfp, kernel.geometry.HPAGE_PMD_ORDER, node, cc.alloc_nmask)
    if folio is None:
        count_vm_event(kernel, "thp_collapse_alloc_failed")
        return ScanResult.ALLOC_HUGE_PAGE_FAIL, None
    count_vm_event(kernel, "thp_collapse_alloc")
    if not mem_cgroup_charge(kernel, folio, mm):
        folio_put(kernel, folio)
        return ScanResult.CGROUP_CHARGE_FAIL, None
    return ScanResult.SUCCEED, folio


def collapse_huge_page(
    mm: Mm, address: int, referenced: int, unmapped: int, cc: CollapseControl
) -> ScanResult:
    """Replace the 512 base pages at ``address`` (2 MiB aligned) by one huge page.

    ``referenced`` and ``unmapped`` are what the scan counted. On any result but SUCCEED page tables
    and pages are as before. Locks expected: mmap_lock for reading, which is dropped at once; none
    are held on return.
    """
    up_read(mm.mmap_lock)
    result, folio = alloc_charge_folio(mm, cc)
    if folio is not None:
        result, pmd = _recheck_for_reading(mm, address, referenced, unmapped, cc)
        if result is ScanResult.SUCCEED:
            down_write(mm.mmap_lock, mm.kernel.current.comm)
            result = _collapse_locked(mm, address, pmd, folio, cc)
            up_write(mm.mmap_lock)
        if result is not ScanResult.SUCCEED:
            folio_put(mm.kernel, folio)
    trace(
        mm.kernel,
        "mm_collapse_huge_page",
        mm=mm,
        address=address,
        isolated=result is ScanResult.SUCCEED,
        status=result,
        order=mm.kernel.geometry.HPAGE_PMD_ORDER,
    )
    return result


def _recheck_for_reading(
    mm: Mm, address: int, referenced: int, unmapped: int, cc: CollapseControl
) -> tuple[ScanResult, int]:
    """First look after the allocation: the PMD entry that still points at the table, or why not.

    Pages that the scan found swapped out are read in here.
    """
    pmd = 0
    down_read(mm.mmap_lock)
    result, vma = hugepage_vma_revalidate(mm, address, expect_anon=True, cc=cc)
    if vma is not None:
        result, pmd = find_pmd_or_thp_or_none(mm, address)
        if result is ScanResult.SUCCEED and unmapped:
            result = __collapse_huge_page_swapin(vma, address, pmd, referenced)
    up_read(mm.mmap_lock)
    return result, pmd


def _collapse_locked(mm: Mm, address: int, pmd: int, folio: int, cc: CollapseControl) -> ScanResult:
    """Second look, then fence, isolate, copy and publish.

    Locks expected: mmap_lock for writing. Takes the VMA lock, the anon_vma, PMD and PTE locks.
    """
    kernel = mm.kernel
    result, vma = hugepage_vma_revalidate(mm, address, expect_anon=True, cc=cc)
    if vma is None or vma.anon_vma is None:
        return result
    if kernel.profile.has_vma_lock:
        vma_start_write(vma)
    result = check_pmd_still_valid(mm, address, pmd)
    if result is ScanResult.SUCCEED:
        down_write(vma.anon_vma.lock, kernel.current.comm)
        pmdp_collapse_flush(mm, address)
        result = _isolate_copy_publish(vma, address, pmd, folio, cc)
    if kernel.profile.has_vma_lock:
        vma_end_write(vma)
    return result


def vma_start_write(vma: Vma) -> None:
    """Keep out faults that take no mmap_lock; lasts until mmap_lock is released."""
    down_write(vma.vm_lock, vma.mm.kernel.current.comm)


def vma_end_write(vma: Vma) -> None:
    """What releasing mmap_lock for writing does to the VMA lock (vma_end_write_all)."""
    up_write(vma.vm_lock)


def pmdp_collapse_flush(mm: Mm, address: int) -> None:
    """Clear the PMD and flush the TLBs: from now on every access to the window faults and waits.

    Only then is it safe to look at the pages: no processor can change them behind our back.
    """
    ref = mm_find_pmd(mm, address)
    assert ref is not None
    ptl = pmd_lock(mm, address)
    down_write(ptl, mm.kernel.current.comm)
    set_pmd_at(*ref, 0)
    up_write(ptl)


def _isolate_copy_publish(vma: Vma, address: int, pmd: int, folio: int, cc: CollapseControl) -> ScanResult:
    """The PMD is clear and nobody can reach the window: move it, or put everything back."""
    mm = vma.mm
    kernel = mm.kernel
    assert vma.anon_vma is not None
    table_page = pmd_table_page(kernel, pmd)
    pte_table, ptl = kernel.tables[table_page], pte_lock(kernel, table_page)
    down_write(ptl, kernel.current.comm)
    result = __collapse_huge_page_isolate(vma, address, pte_table, cc)
    up_write(ptl)
    if result is not ScanResult.SUCCEED:
        _repopulate_pmd(mm, address, table_page)
        up_write(vma.anon_vma.lock)
        return result
    # All pages are locked and off the LRU: whoever walks the reverse map can't touch them.
    up_write(vma.anon_vma.lock)
    __collapse_huge_page_copy(vma, address, pte_table, folio, ptl)
    _publish_huge_pmd(vma, address, table_page, folio)
    return ScanResult.SUCCEED


def _repopulate_pmd(mm: Mm, address: int, table_page: int) -> None:
    """Rollback: the PMD points at the old table again, whose entries were never changed."""
    ref = mm_find_pmd(mm, address)
    assert ref is not None
    ptl = pmd_lock(mm, address)
    down_write(ptl, mm.kernel.current.comm)
    pmd_populate(mm.kernel, ref, table_page)
    up_write(ptl)


def _publish_huge_pmd(vma: Vma, address: int, table_page: int, folio: int) -> None:
    """Make the folio visible: reverse map, LRU, keep the empty table, set the leaf."""
    mm = vma.mm
    kernel = mm.kernel
    ref = mm_find_pmd(mm, address)
    if ref is None or ref[0][ref[1]]:
        raise KernelBug(f"collapse_huge_page: the PMD of {address:#x} is not clear any more")
    ptl = pmd_lock(mm, address)
    down_write(ptl, kernel.current.comm)
    folio_add_new_anon_rmap(kernel, folio, vma, address)
    folio_add_lru_vma(kernel, folio, vma)
    pgtable_trans_huge_deposit(mm, address, table_page)
    leaf = mk_huge_pmd(
        page_to_pfn(kernel.mem_map, folio),
        write=bool(vma.vm_flags & VM_WRITE),
        dirty=True,
        young=True,
        none=not vma.vm_flags & (VM_READ | VM_WRITE),
    )
    set_pmd_at(*ref, leaf)
    deferred_split_folio(kernel, folio, partially_mapped=False)
    up_write(ptl)
