"""khugepaged: find 2 MiB windows of base pages and have them collapsed (mm/khugepaged.c, 6.18).

    khugepaged                  one thread for the whole system: scan, sleep, scan, ...
     khugepaged_do_scan         one pass: at most ``pages_to_scan`` units of work
      khugepaged_scan_mm_slot   one address space, window by window from the cursor on
       scan_pmd                 one window: read its 512 PTEs and say yes or no
        collapse_huge_page      (khugepaged/collapse.py) make it one huge page

The functions come in this order from the bottom up; khugepaged/enter.py registers address spaces.
"""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.mm.huge_memory.policy import thp_vma_allowable_order
from thplab.mm.include.huge_mm import TvaType
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.khugepaged import CollapseControl, MmSlot
from thplab.mm.include.lock import down_read_trylock, down_write, up_read, up_write
from thplab.mm.include.mm_types import VM_UFFD_MISSING, VM_UFFD_WP, Mm, Vma, vma_is_anonymous
from thplab.mm.include.page import (
    PG_anon,
    PG_head,
    PG_locked,
    PG_lru,
    PG_referenced,
    PG_swapbacked,
    PG_swapcache,
    PG_tail,
    PG_young,
    folio_expected_ref_count,
)
from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    _PAGE_PRESENT,
    _PAGE_PROTNONE,
    _PAGE_RW,
    _PAGE_SWP_UFFD_WP,
    _PAGE_UFFD_WP,
    PFN_BITS,
    PTE_FLAGS_LOW,
    pmd_table_page,
    pte_lock,
)
from thplab.mm.include.sched import NSEC_PER_MSEC, Kthread, Sleeping, Wait
from thplab.mm.khugepaged.collapse import (
    collapse_huge_page,
    find_pmd_or_thp_or_none,
    hpage_collapse_test_exit_or_disable,
)
from thplab.mm.khugepaged.enter import collect_mm_slot, hugepage_pmd_enabled
from thplab.mm.khugepaged.pages import is_clean_lazyfree
from thplab.mm.khugepaged.scan_file import khugepaged_scan_file
from thplab.mm.rmap.mapcount import folio_maybe_mapped_shared
from thplab.mm.trace import scan_pfn, trace
from thplab.mm.vmstat import count_vm_event

#: Results of a scan for which one page is to blame.
_STOPPED_BY_A_PAGE = frozenset(
    {ScanResult.PTE_UFFD_WP, ScanResult.PAGE_ANON, ScanResult.PAGE_LAZYFREE, ScanResult.EXCEED_SHARED_PTE,
     ScanResult.PAGE_LRU, ScanResult.PAGE_LOCK, ScanResult.PAGE_COUNT}
)  # fmt: skip


def scan_pmd(mm: Mm, vma: Vma, start_addr: int, cc: CollapseControl) -> tuple[ScanResult, bool]:
    """Scan one window and, if no entry rules it out, collapse it.

    Reads the entries in address order and stops at the first that breaks a rule: a window is refused for
    the first broken rule, not for the worst. The limits max_ptes_* and the accessed marks bind only
    khugepaged.

    ``start_addr``: unsigned long, 2 MiB aligned. Returns the result, and whether mmap_lock is still held.
    Locks expected: mmap_lock for reading. Takes the PTE lock. Drops mmap_lock before a collapse.
    Kernel name: khugepaged_scan_pmd (to 6.0), hpage_collapse_scan_pmd (6.1 to 6.18).
    """
    kernel = mm.kernel
    knobs, mem_map = kernel.knobs, kernel.mem_map
    max_ptes_none, max_ptes_swap = knobs.max_ptes_none, knobs.max_ptes_swap
    max_ptes_shared = knobs.max_ptes_shared
    is_khugepaged = cc.is_khugepaged
    userfaultfd_armed = bool(vma.vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP))
    none_or_zero = unmapped = referenced = shared = node_load = 0
    writable = False
    folio: int | None = None
    # Names and masks that the loop asks for at each entry, looked up once.
    page_flags, mapcount, refcount = mem_map.flags, mem_map.mapcount, mem_map.refcount
    start_pfn, zero_page, present = mem_map.start_pfn, kernel.zero_page, _PAGE_PRESENT | _PAGE_PROTNONE
    large_or_cached, young = PG_head | PG_swapcache, PG_referenced | PG_young

    cc.ptes_read = 0
    result, pmd = find_pmd_or_thp_or_none(mm, start_addr)
    if pmd is None:
        trace_mm_khugepaged_scan_pmd(
            mm, start_addr, folio, writable, referenced, none_or_zero, result, unmapped
        )
        return result, True
    cc.node_load[0] = 0
    table_page = pmd_table_page(kernel, pmd[0][pmd[1]])
    pte_table = kernel.tables[table_page]
    down_write(pte_lock(kernel, table_page), kernel.current.comm)
    for index, pte in enumerate(pte_table):
        bits = pte & PTE_FLAGS_LOW
        # Neither empty nor present: swapped out, or a marker. The collapse tries to read it in.
        if not bits & present and pte:
            unmapped += 1
            if is_khugepaged and unmapped > max_ptes_swap:
                result = ScanResult.EXCEED_SWAP_PTE
                count_vm_event(kernel, "thp_scan_exceed_swap_pte")
                break
            if bits & _PAGE_SWP_UFFD_WP:
                result = ScanResult.PTE_UFFD_WP
                break
            continue
        if not pte or (page := (pte >> 12 & PFN_BITS) - start_pfn) == zero_page:
            none_or_zero += 1
            if not userfaultfd_armed and (not is_khugepaged or none_or_zero <= max_ptes_none):
                continue
            result = ScanResult.EXCEED_NONE_PTE
            count_vm_event(kernel, "thp_scan_exceed_none_pte")
            break
        if bits & _PAGE_UFFD_WP:
            result = ScanResult.PTE_UFFD_WP
            break
        # Asked only to 6.17: one writable entry showed that the window is not read-only.
        if bits & _PAGE_RW:
            writable = True
        folio, flags = page, page_flags[page]
        if flags & PG_tail:
            folio = mem_map.compound_head[page]
            flags = page_flags[folio]
        if not flags & PG_anon:
            result = ScanResult.PAGE_ANON
            break
        if is_khugepaged and not flags & PG_swapbacked and is_clean_lazyfree(kernel, folio, pte):
            result = ScanResult.PAGE_LAZYFREE
            break
        expected = mapcount[folio]
        if expected != 1 or flags & large_or_cached:
            # Not a small page with one mapping: the longer sums.
            expected = folio_expected_ref_count(mem_map, folio)
            if folio_maybe_mapped_shared(kernel, page):
                shared += 1
                if is_khugepaged and shared > max_ptes_shared:
                    result = ScanResult.EXCEED_SHARED_PTE
                    count_vm_event(kernel, "thp_scan_exceed_share_pte")
                    break
        # One node only: nothing to weigh up (hpage_collapse_scan_abort).
        node_load += 1
        # Another task has it in hand: isolate could not take it off the LRU.
        if not flags & PG_lru:
            result = ScanResult.PAGE_LRU
            break
        if flags & PG_locked:
            result = ScanResult.PAGE_LOCK
            break
        if refcount[folio] != expected:
            # A user besides the page tables, such as direct I/O, holds the page: it must not move.
            result = ScanResult.PAGE_COUNT
            break
        if is_khugepaged and (bits & _PAGE_ACCESSED or flags & young):
            referenced += 1
    else:
        result = _verdict_of_a_whole_scan(kernel, cc, writable, referenced, unmapped)
    cc.node_load[0] = node_load
    cc.ptes_read = index + 1
    up_write(pte_lock(kernel, table_page))

    mmap_locked = True
    if result is ScanResult.SUCCEED:
        result = collapse_huge_page(mm, start_addr, referenced, unmapped, cc)
        mmap_locked = False  # collapse_huge_page drops it at once and returns without it
    trace_mm_khugepaged_scan_pmd(mm, start_addr, folio, writable, referenced, none_or_zero, result, unmapped)
    return result, mmap_locked


def trace_mm_khugepaged_scan_pmd(
    mm: Mm,
    address: int,
    folio: int | None,
    writable: bool,
    referenced: int,
    none_or_zero: int,
    status: ScanResult,
    unmapped: int,
) -> None:
    """One window was looked at: the last thing in an attempt, also after a collapse."""
    kernel = mm.kernel
    if kernel.profile.trace_names_only_culprit and status not in _STOPPED_BY_A_PAGE:
        folio = None
    trace(
        kernel,
        "mm_khugepaged_scan_pmd",
        mm=mm,
        address=address,
        scan_pfn=scan_pfn(kernel, folio),
        writable=writable,
        referenced=referenced,
        none_or_zero=none_or_zero,
        status=status,
        unmapped=unmapped,
    )


def _verdict_of_a_whole_scan(
    kernel: Kernel, cc: CollapseControl, writable: bool, referenced: int, unmapped: int
) -> ScanResult:
    """No entry ruled the window out: is it in use, and (to 6.17) writable at all?"""
    if kernel.profile.needs_writable_pte and not writable:
        return ScanResult.PAGE_RO
    # Reading swapped-out pages back is only worth it for a window that is mostly in use.
    half = kernel.geometry.HPAGE_PMD_NR // 2
    if cc.is_khugepaged and (not referenced or (unmapped and referenced < half)):
        return ScanResult.LACK_REFERENCED_PAGE
    return ScanResult.SUCCEED


def khugepaged_scan_mm_slot(kernel: Kernel, pages: int, cc: CollapseControl) -> tuple[int, ScanResult]:
    """Continue in the current address space until ``pages`` units are spent, or a collapse was tried.

    A unit for the visit, one for each VMA passed over, 512 for each window, whatever its result.
    The budget (``pages``: unsigned int) is checked only after a window, so a visit overshoots by up to one.

    Returns the units spent and the last window's result.
    Locks expected: khugepaged_mm_lock. Takes mmap_lock for reading, if free. Drops khugepaged_mm_lock
    meanwhile.
    """
    scan = kernel.khugepaged
    progress = 0
    result = ScanResult.FAIL
    if scan.scan_mm_slot is None:
        scan.scan_mm_slot = scan.mm_head[0]
        scan.scan_address = 0
    slot, laps = scan.scan_mm_slot, scan.full_scans
    # The slot stays without the lock: only khugepaged removes the one under the cursor.
    mm = slot.mm
    up_write(scan.mm_lock)

    # khugepaged never waits for a process: a busy mmap_lock ends the visit.
    walk_ended = True
    if down_read_trylock(mm.mmap_lock):
        progress += 1
        progress, result, walk_ended, mmap_locked = _scan_vmas(mm, pages, progress, cc)
        if mmap_locked:
            up_read(mm.mmap_lock)

    down_write(scan.mm_lock, kernel.current.comm)
    disabled = kernel.profile.disabled_is_left_at_once and hpage_collapse_test_exit_or_disable(mm)
    if mm.mm_users == 0 or walk_ended or disabled:
        _advance_cursor(kernel, slot)
        collect_mm_slot(kernel, slot)
    lap_ended = scan.full_scans != laps
    trace(kernel, "mm_khugepaged_scan", mm=mm, progress=progress, full_scan_finished=lap_ended)
    return progress, result


def _scan_vmas(mm: Mm, pages: int, progress: int, cc: CollapseControl) -> tuple[int, ScanResult, bool, bool]:
    """The VMAs from the cursor on: units so far, last result, no VMA left?, mmap_lock still held?"""
    kernel, scan = mm.kernel, mm.kernel.khugepaged
    size = kernel.geometry.HPAGE_PMD_SIZE
    result = ScanResult.FAIL
    if hpage_collapse_test_exit_or_disable(mm):
        return progress, result, True, True
    for vma in mm.vmas:
        if vma.vm_end <= scan.scan_address:
            continue
        if hpage_collapse_test_exit_or_disable(mm):
            return progress + 1, result, False, True
        if not thp_vma_allowable_order(vma, vma.vm_flags, TvaType.KHUGEPAGED):
            progress += 1
            continue
        hstart = -(-vma.vm_start // size) * size
        hend = vma.vm_end // size * size
        if scan.scan_address > hend:
            progress += 1
            continue
        scan.scan_address = max(scan.scan_address, hstart)
        while scan.scan_address < hend:
            if hpage_collapse_test_exit_or_disable(mm):
                return progress, result, False, True
            scan_window = scan_pmd if vma_is_anonymous(vma) else khugepaged_scan_file
            result, mmap_locked = scan_window(mm, vma, scan.scan_address, cc)
            if result is ScanResult.SUCCEED:
                scan.pages_collapsed += 1
            scan.scan_address += size
            progress += window_cost(kernel, cc)
            if not mmap_locked:
                return progress, result, False, False
            if progress >= pages:
                return progress, result, False, True
    return progress, result, True, True


def window_cost(kernel: Kernel, cc: CollapseControl) -> int:
    """Units for one window: 512 whatever came out; since 7.x what was read, at least 1."""
    if kernel.profile.window_costs_what_was_read:
        return max(cc.ptes_read, 1)
    return kernel.geometry.HPAGE_PMD_NR


def _advance_cursor(kernel: Kernel, slot: MmSlot) -> None:
    """To the next address space, or off the list's end: a full scan.

    Locks expected: khugepaged_mm_lock.
    """
    scan = kernel.khugepaged
    position = scan.mm_head.index(slot)
    if position + 1 < len(scan.mm_head):
        scan.scan_mm_slot = scan.mm_head[position + 1]
        scan.scan_address = 0
    else:
        scan.scan_mm_slot = None
        scan.full_scans += 1


def khugepaged_has_work(kernel: Kernel) -> bool:
    """True if an address space is registered and THP is on. Locks expected: none."""
    return bool(kernel.khugepaged.mm_head) and hugepage_pmd_enabled(kernel)


def khugepaged_do_scan(kernel: Kernel, thread: Kthread, cc: CollapseControl) -> Sleeping:
    """One pass: visit address spaces until ``pages_to_scan`` units are spent, or once round the list.

    After a failed allocation it sleeps ``alloc_sleep_millisecs`` once; a second failure ends the pass.
    Locks expected: none. Takes khugepaged_mm_lock.
    """
    scan = kernel.khugepaged
    pages = kernel.knobs.pages_to_scan
    progress = 0
    pass_through_head = 0
    wait = True
    scan.passes += 1
    scan.progress_of_pass = 0
    while not thread.should_stop:
        down_write(scan.mm_lock, kernel.current.comm)
        if scan.scan_mm_slot is None:
            pass_through_head += 1
        result = ScanResult.SUCCEED
        # The second time at the head of the list means that the pass has seen every address space.
        if khugepaged_has_work(kernel) and pass_through_head < 2:
            spent, result = khugepaged_scan_mm_slot(kernel, pages - progress, cc)
            progress += spent
            scan.progress_of_pass = progress
        else:
            progress = pages
        up_write(scan.mm_lock)
        if progress >= pages:
            break
        if result is ScanResult.ALLOC_HUGE_PAGE_FAIL:
            if not wait:
                break
            wait = False
            yield from khugepaged_alloc_sleep(kernel, thread)


def khugepaged_alloc_sleep(kernel: Kernel, thread: Kthread) -> Sleeping:
    """No huge page was available: sleep ``alloc_sleep_millisecs``, or until the wait queue is woken."""
    scan = kernel.khugepaged
    wakeups = scan.wakeups
    deadline = kernel.clock.now + kernel.knobs.alloc_sleep_millisecs * NSEC_PER_MSEC
    yield Wait(
        "khugepaged_alloc_sleep",
        lambda: thread.should_stop or scan.wakeups != wakeups or kernel.clock.now >= deadline,
        deadline,
    )


def _should_wakeup(kernel: Kernel, thread: Kthread) -> bool:
    return thread.should_stop or kernel.clock.now >= kernel.khugepaged.sleep_expire


def khugepaged_wait_work(kernel: Kernel, thread: Kthread) -> Sleeping:
    """Between two passes: ``scan_sleep_millisecs`` if there is work, else until an mm registers.

    With a sleep of 0 the kernel scans on at once. A pass costs no virtual time here, so the model's
    daemon sleeps one millisecond instead: time passes and other tasks run.
    """
    scan = kernel.khugepaged
    if khugepaged_has_work(kernel):
        sleep = max(kernel.knobs.scan_sleep_millisecs, 1)
        scan.sleep_expire = kernel.clock.now + sleep * NSEC_PER_MSEC
        yield Wait("khugepaged_wait", lambda: _should_wakeup(kernel, thread), scan.sleep_expire)
    elif hugepage_pmd_enabled(kernel):
        yield Wait("khugepaged_wait", lambda: thread.should_stop or bool(scan.mm_head))


def khugepaged(kernel: Kernel) -> Sleeping:
    """The thread's body; at its end it forgets its place. Locks expected: none. Takes khugepaged_mm_lock."""
    scan = kernel.khugepaged
    thread = scan.thread
    assert thread is not None
    while not thread.should_stop:
        yield from khugepaged_do_scan(kernel, thread, scan.collapse_control)
        if not thread.should_stop:
            yield from khugepaged_wait_work(kernel, thread)
    down_write(scan.mm_lock, kernel.current.comm)
    slot, scan.scan_mm_slot = scan.scan_mm_slot, None
    if slot is not None:
        collect_mm_slot(kernel, slot)
    up_write(scan.mm_lock)
