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

Up to the copy everything can be undone: of a window that was refused no entry has changed, but for those of
pages that were read back from swap: they stay in memory.
"""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.mm.huge_memory.deferred import deferred_split_folio
from thplab.mm.huge_memory.pmd import pgtable_trans_huge_deposit
from thplab.mm.huge_memory.policy import thp_vma_allowable_order
from thplab.mm.include.errors import KernelBug
from thplab.mm.include.gfp import GFP_TRANSHUGE, GFP_TRANSHUGE_LIGHT
from thplab.mm.include.huge_mm import TvaType, thp_vma_suitable_order
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.khugepaged import CollapseControl
from thplab.mm.include.lock import down_read, down_write, up_read, up_write
from thplab.mm.include.mm_types import MMF_DISABLE_THP_COMPLETELY, VM_READ, VM_WRITE, Mm, Vma, find_vma
from thplab.mm.include.page import page_to_pfn
from thplab.mm.include.pgtable import (
    EntryRef,
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


def hpage_collapse_test_exit_or_disable(mm: Mm) -> bool:
    """True if the process exits or has THP switched off by prctl: then there is no point in continuing.

    Locks expected: none; both can change at any time, so it is asked again and again.
    Kernel name: hpage_collapse_test_exit (6.1), which does not ask for the prctl: each VMA refuses there.
    """
    disabled = mm.flags & MMF_DISABLE_THP_COMPLETELY and mm.kernel.profile.disabled_counts_as_exit
    return mm.mm_users == 0 or bool(disabled)


def find_pmd_or_thp_or_none(mm: Mm, address: int) -> tuple[ScanResult, EntryRef | None]:
    """Is there a PTE table to scan? SUCCEED and where the PMD entry is (pmd_t *), or why not and None.

    ``address``: unsigned long, 2 MiB aligned.
    Locks expected: mmap_lock or i_mmap_rwsem at least for reading, so that the upper tables stay.
    """
    profile = mm.kernel.profile
    ref = mm_find_pmd(mm, address)
    if ref is None:
        return profile.without_pmd_table, None
    pmd = ref[0][ref[1]]
    if not pmd:
        return profile.without_pte_table, None
    # A migration entry, say: 6.17 reports that as PMD_MAPPED, 6.12 not. The model makes none here.
    if not pmd_present(pmd):
        return profile.without_pmd_table, None
    if pmd_trans_huge(pmd):
        return ScanResult.PMD_MAPPED, None
    if pmd_bad(pmd):
        return profile.without_pmd_table, None
    return ScanResult.SUCCEED, ref


def check_pmd_still_valid(mm: Mm, address: int, pmd: EntryRef) -> ScanResult:
    """Is the PMD entry still at the place that was found before the lock was dropped? FAIL if elsewhere.

    ``pmd``: that place (pmd_t *). Which page table it points at is not asked: a new one, made by a fault
    after MADV_DONTNEED, is as good.
    Locks expected: mmap_lock for writing.
    """
    result, now = find_pmd_or_thp_or_none(mm, address)
    if now is None:
        return result
    # Elsewhere: the PMD table itself was freed, with all that lay in its 1 GiB, and another one made.
    same_place = now[0] is pmd[0] and now[1] == pmd[1]
    return ScanResult.SUCCEED if same_place else ScanResult.FAIL


def hugepage_vma_revalidate(
    mm: Mm, address: int, *, expect_anon: bool, cc: CollapseControl
) -> tuple[ScanResult, Vma | None]:
    """mmap_lock was dropped: look everything up again. SUCCEED and the VMA, or what has changed and None.

    ``expect_anon``: the window was anonymous when it was scanned.
    Locks expected: mmap_lock at least for reading.
    """
    if hpage_collapse_test_exit_or_disable(mm):
        return ScanResult.ANY_PROCESS, None
    vma = find_vma(mm, address)
    if vma is None:
        return ScanResult.VMA_NULL, None
    # find_vma() also answers with a VMA that begins above the address: this test refuses it, too.
    if not thp_vma_suitable_order(vma, address):
        return ScanResult.ADDRESS_RANGE, None
    # MADV_COLLAPSE may collapse where sysfs forbids huge pages.
    tva = TvaType.KHUGEPAGED if cc.is_khugepaged else TvaType.FORCED_COLLAPSE
    if not thp_vma_allowable_order(vma, vma.vm_flags, tva):
        return ScanResult.VMA_CHECK, None
    # No anon_vma: another mapping is here now, and there is no lock to keep rmap walkers out.
    if expect_anon and vma.anon_vma is None:
        return ScanResult.PAGE_ANON, None
    return ScanResult.SUCCEED, vma


def alloc_hugepage_khugepaged_gfpmask(kernel: Kernel) -> int:
    """khugepaged's own mask (gfp_t): ``khugepaged/defrag`` decides whether it may compact.

    Neither mask has the bit that wakes kswapd: khugepaged never asks kcompactd for help.
    """
    return GFP_TRANSHUGE if kernel.knobs.khugepaged_defrag else GFP_TRANSHUGE_LIGHT


def hpage_collapse_find_target_node(cc: CollapseControl) -> int:
    """The node that holds most pages of the window; ``alloc_nmask`` gets all that tie with it.

    Locks expected: none; the load is what the scan saw under a lock that is long dropped.
    """
    loads = list(cc.node_load)
    target = loads.index(max(loads))
    cc.alloc_nmask = sum(1 << node for node, load in enumerate(loads) if load == loads[target])
    return target


def alloc_charge_folio(mm: Mm, cc: CollapseControl) -> tuple[ScanResult, int | None]:
    """Get the order-9 folio: SUCCEED and its first page, or why not and None.

    An allocation counts in thp_collapse_alloc even if the collapse fails later.
    Locks expected: none; on a real kernel this may take long.
    Kernel name: alloc_charge_hpage (6.1).
    """
    kernel = mm.kernel
    # MADV_COLLAPSE may always compact: its caller asked for a huge page and is willing to wait.
    gfp = alloc_hugepage_khugepaged_gfpmask(kernel) if cc.is_khugepaged else GFP_TRANSHUGE
    node = hpage_collapse_find_target_node(cc)
    folio = __folio_alloc(kernel, gfp, kernel.geometry.HPAGE_PMD_ORDER, node, cc.alloc_nmask)
    if folio is None:
        count_vm_event(kernel, "thp_collapse_alloc_failed")
        return ScanResult.ALLOC_HUGE_PAGE_FAIL, None
    count_vm_event(kernel, "thp_collapse_alloc")
    # Charged when it is there: the counter above includes blocks that the cgroup then refuses.
    if not mem_cgroup_charge(kernel, folio, mm):
        folio_put(kernel, folio)
        return ScanResult.CGROUP_CHARGE_FAIL, None
    return ScanResult.SUCCEED, folio


def collapse_huge_page(
    mm: Mm, address: int, referenced: int, unmapped: int, cc: CollapseControl
) -> ScanResult:
    """Replace the 512 base pages at ``address`` (unsigned long, 2 MiB aligned) by one huge page.

    ``referenced`` and ``unmapped`` (PTEs) are what the scan counted. On any result but SUCCEED the page
    tables and pages are as before, except that swapped-out pages may have been read in.
    Locks expected: mmap_lock for reading. Drops it at once and returns without it (7.3: it is
    dropped before the call). Takes mmap_lock for reading, then for writing.
    """
    # Compaction and reclaim may take long; the process's mmap() and munmap() must not wait for them.
    up_read(mm.mmap_lock)
    result, folio = alloc_charge_folio(mm, cc)
    if folio is not None:
        result, pmd = _recheck_for_reading(mm, address, referenced, unmapped, cc)
        # For writing: no fault may fill the window, and no madvise() empty it, while its pages move.
        if result is ScanResult.SUCCEED and pmd is not None:
            down_write(mm.mmap_lock, mm.kernel.current.comm)
            result = _collapse_locked(mm, address, pmd, folio, cc)
            up_write(mm.mmap_lock)
        # Refused after the allocation: the block goes back, the work to get it was in vain.
        if result is not ScanResult.SUCCEED:
            folio_put(mm.kernel, folio)
    # On every way out, also when there was no memory.
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
) -> tuple[ScanResult, EntryRef | None]:
    """First check after the allocation: where the PMD entry is that has a table, or why not and None.

    Pages that the scan found swapped out are read in here.
    Locks expected: none. Takes mmap_lock for reading.
    """
    pmd: EntryRef | None = None
    down_read(mm.mmap_lock)
    result, vma = hugepage_vma_revalidate(mm, address, expect_anon=True, cc=cc)
    if vma is not None:
        result, pmd = find_pmd_or_thp_or_none(mm, address)
        # Reading in may wait for the disk: better now than while mmap_lock is held for writing.
        if pmd is not None and unmapped:
            result = __collapse_huge_page_swapin(vma, address, pmd, referenced)
    up_read(mm.mmap_lock)
    return result, pmd


def _collapse_locked(mm: Mm, address: int, pmd: EntryRef, folio: int, cc: CollapseControl) -> ScanResult:
    """Second check, then fence, isolate, copy and publish.

    Locks expected: mmap_lock for writing. Takes the VMA lock, the anon_vma lock, PMD and PTE locks.
    """
    kernel = mm.kernel
    # Between up_read and down_write any task could have mapped, unmapped or advised here.
    result, vma = hugepage_vma_revalidate(mm, address, expect_anon=True, cc=cc)
    if vma is None or vma.anon_vma is None:
        return result
    # Where VMAs have locks (not in 6.1), a fault takes only that one: mmap_lock does not keep it out.
    if kernel.profile.has_vma_lock:
        vma_start_write(vma)
    # Without mmap_lock the table could be freed (MADV_DONTNEED), or a huge page be mapped.
    result = check_pmd_still_valid(mm, address, pmd)
    # Reclaim, migration and KSM find PTEs by the reverse map: they take no mmap_lock, but this lock.
    if result is ScanResult.SUCCEED:
        down_write(vma.anon_vma.lock, kernel.current.comm)
        table_page = pmdp_collapse_flush(mm, address)
        result = _isolate_copy_publish(vma, address, table_page, folio, cc)
    if kernel.profile.has_vma_lock:
        vma_end_write(vma)
    return result


def vma_start_write(vma: Vma) -> None:
    """Keep out faults that take no mmap_lock; lasts until mmap_lock is released.

    Locks expected: mmap_lock for writing. Takes the VMA lock for writing.
    """
    down_write(vma.vm_lock, vma.mm.kernel.current.comm)


def vma_end_write(vma: Vma) -> None:
    """What releasing mmap_lock for writing does to the VMA lock (vma_end_write_all).

    Locks expected: the VMA lock for writing. Drops it.
    """
    up_write(vma.vm_lock)


def pmdp_collapse_flush(mm: Mm, address: int) -> int:
    """Clear the PMD and flush the TLBs: from now on every access to the window faults and waits.

    The page of the table that it pointed at (C: the old pmd_t).

    Only then is it safe to examine the pages: no processor can change them. The kernel also waits
    for lockless walkers (GUP-fast) to leave the table (tlb_remove_table_sync_one); the model has none,
    and it translates each access by a walk, so that clearing the entry is all.
    Locks expected: mmap_lock, the VMA lock and the anon_vma lock, all for writing. Takes the PMD lock.
    """
    ref = mm_find_pmd(mm, address)
    assert ref is not None
    ptl = pmd_lock(mm, address)
    down_write(ptl, mm.kernel.current.comm)
    # It is taken out of the tree, not freed: the table is put back if a page refuses, or deposited.
    table_page = pmd_table_page(mm.kernel, ref[0][ref[1]])
    set_pmd_at(*ref, 0)
    up_write(ptl)
    return table_page


def _isolate_copy_publish(
    vma: Vma, address: int, table_page: int, folio: int, cc: CollapseControl
) -> ScanResult:
    """The PMD is clear and no task can reach the window: move it, or put everything back.

    ``table_page``: the page of the table (pgtable_t) that was taken out of the tree.
    Locks expected: mmap_lock, the VMA lock and the anon_vma lock, all for writing. Takes the PTE lock.
    Drops the anon_vma lock.
    """
    mm = vma.mm
    kernel = mm.kernel
    assert vma.anon_vma is not None
    pte_table, ptl = kernel.tables[table_page], pte_lock(kernel, table_page)
    down_write(ptl, kernel.current.comm)
    result = __collapse_huge_page_isolate(vma, address, pte_table, cc)
    up_write(ptl)
    if result is not ScanResult.SUCCEED:
        # Before the anon_vma lock is dropped: the next rmap walker must find the entries in the tree.
        _repopulate_pmd(mm, address, table_page)
        up_write(vma.anon_vma.lock)
        return result
    # All pages are locked and off the LRU: tasks that walk the reverse map can't touch them.
    up_write(vma.anon_vma.lock)
    __collapse_huge_page_copy(vma, address, pte_table, folio, ptl)
    _publish_huge_pmd(vma, address, table_page, folio)
    return ScanResult.SUCCEED


def _repopulate_pmd(mm: Mm, address: int, table_page: int) -> None:
    """Rollback: the PMD points at the old table again, whose entries were never changed.

    Locks expected: mmap_lock and the anon_vma lock for writing. Takes the PMD lock.
    """
    ref = mm_find_pmd(mm, address)
    assert ref is not None
    ptl = pmd_lock(mm, address)
    down_write(ptl, mm.kernel.current.comm)
    pmd_populate(mm.kernel, ref, table_page)
    up_write(ptl)


def _publish_huge_pmd(vma: Vma, address: int, table_page: int, folio: int) -> None:
    """Make the folio visible: reverse map, LRU, keep the empty table, set the leaf.

    Raises KernelBug if the PMD is no longer clear.
    Locks expected: mmap_lock and the VMA lock for writing. Takes the PMD lock.
    """
    mm = vma.mm
    kernel = mm.kernel
    ref = mm_find_pmd(mm, address)
    if ref is None or ref[0][ref[1]]:
        raise KernelBug(f"collapse_huge_page: the PMD of {address:#x} is not clear any more")
    ptl = pmd_lock(mm, address)
    down_write(ptl, kernel.current.comm)
    # Counts and lists come before the leaf: once that is set, any processor may use the folio.
    folio_add_new_anon_rmap(kernel, folio, vma, address)
    folio_add_lru_vma(kernel, folio, vma)
    # The empty table stays: a later split of the leaf must not depend on free memory.
    pgtable_trans_huge_deposit(mm, address, table_page)
    # Dirty: the new page's contents are in memory only.
    leaf = mk_huge_pmd(
        page_to_pfn(kernel.mem_map, folio),
        write=bool(vma.vm_flags & VM_WRITE),
        dirty=True,
        young=True,
        none=not vma.vm_flags & (VM_READ | VM_WRITE),
    )
    set_pmd_at(*ref, leaf)
    # Not partially mapped, only a candidate: it may turn out to be mostly zeros.
    deferred_split_folio(kernel, folio, partially_mapped=False)
    up_write(ptl)
