"""Linux 6.1: the generation of the note's backtrace (which was made on a 6.2-rc)."""

from __future__ import annotations

from dataclasses import replace

from thplab.kernels.profile import KernelFrame
from thplab.kernels.scan_result import ScanResult as S
from thplab.kernels.v6_18 import FRAMES_6_18, GOES_ON, LINUX_6_18, RESULTS_6_18, RETRY_6_18

_position = RESULTS_6_18.index(S.LACK_REFERENCED_PAGE)
_RESULTS_6_1 = tuple(
    result
    for result in (*RESULTS_6_18[:_position], S.PAGE_RO, *RESULTS_6_18[_position:])
    if result not in {S.COPY_MC, S.PAGE_FILLED}  # both came with 6.4
)

_FRAMES_6_1 = {
    **FRAMES_6_18,
    "khugepaged_scan_mm_slot": (KernelFrame("khugepaged_scan_mm_slot", {"cc": "cc", "pages": "pages"}),),
    "scan_pmd": (
        KernelFrame(
            "hpage_collapse_scan_pmd", {"mm": "mm", "vma": "vma", "address": "start_addr", "cc": "cc"}
        ),
    ),
    "alloc_charge_folio": (KernelFrame("alloc_charge_hpage", {"mm": "mm", "cc": "cc"}),),
    "alloc_charge_folio>__folio_alloc": (
        KernelFrame("hpage_collapse_alloc_page", {"nmask": "nodemask", "node": "node", "gfp": "gfp"}),
    ),
    "__folio_alloc": (KernelFrame("__folio_alloc", {"gfp": "gfp", "order": "order"}),),
    "page_rmappable_folio": (KernelFrame("prep_transhuge_page", {"page": "page"}),),
}

LINUX_6_1 = replace(
    LINUX_6_18,
    name="6.1",
    results=_RESULTS_6_1,
    frames_of=_FRAMES_6_1,
    retry=RETRY_6_18 - {S.PAGE_FILLED},  # 6.1.y stable: PAGE_COUNT is among them
    busy=frozenset({S.CGROUP_CHARGE_FAIL}),
    goes_on=GOES_ON | {S.PAGE_RO},
    needs_writable_pte=True,
    trace_has_writable=True,
    frees_empty_table=False,
    huge_zero_page_is_replaced=False,
    reclaim_splits_without_leaf=True,
    vma_locked_before_pmd_check=False,
    shared_test="page",
    has_vma_lock=False,
    dontneed_takes_vma_lock=False,
    swapin_makes_writable=False,
    split_maps_zero_page=False,
    has_underused_shrinker=False,
    write_upgrade_needs_dirty=True,
    has_guard_pages=False,
    disabled_counts_as_exit=False,
    prctl_has_except_advised=False,
    shmem_has_size_controls=False,
    collapse_file_maps_itself=True,
    trace_has_collapse_file=False,
    has_mthp=False,
    proactive_counts_as_daemon=False,
    trace_proactive_wakeup=False,
    reclaim_walks_again=False,
    trace_has_nr_split=False,
    any_page_marks_its_block=False,
    first_block_may_be_short=False,
    search_marks_its_block=True,
    claims_before_stealing=False,
    fallback_moves_free_pages=True,
    least_score_mark=5,
    score_marks_narrow=False,
)
