"""Linux 7.3: one result for an absent table, a budget by what was read, lazyfree pages refused.

Its collapse into sizes below 2 MiB is not modelled.
"""

from __future__ import annotations

from dataclasses import replace

from thplab.kernels.profile import KernelFrame
from thplab.kernels.scan_result import ScanResult as S
from thplab.kernels.v6_18 import FRAMES_6_18, GOES_ON, LINUX_6_18, RESULTS_6_18, RETRY_6_18

#: The numbers of the last two are not known; nothing prints them.
_RESULTS_7_3 = (
    *(
        S.NO_PTE_TABLE if result is S.PMD_NULL else result
        for result in RESULTS_6_18
        if result is not S.PMD_NONE
    ),
    S.PAGE_DIRTY_OR_WRITEBACK,
    S.PAGE_LAZYFREE,
)

_COUNTS = {"referenced": "referenced", "unmapped": "unmapped"}

_FRAMES_7_3 = {
    **FRAMES_6_18,
    "khugepaged_scan_mm_slot": (KernelFrame("collapse_scan_mm_slot", {"cc": "cc", "progress_max": "pages"}),),
    "scan_pmd": (
        KernelFrame("collapse_scan_pmd", {"mm": "mm", "vma": "vma", "start_addr": "start_addr", "cc": "cc"}),
        KernelFrame("collapse_single_pmd", {"addr": "start_addr", "vma": "vma", "cc": "cc"}),
    ),
    "collapse_huge_page": (
        KernelFrame(
            "collapse_huge_page",
            {
                "mm": "mm",
                "start_addr": "address",
                "referenced": "referenced",
                "unmapped": "unmapped",
                "cc": "cc",
            },
        ),
        KernelFrame(
            "mthp_collapse",
            {
                "mm": "mm",
                "address": "address",
                "referenced": "referenced",
                "unmapped": "unmapped",
                "cc": "cc",
            },
        ),
    ),
}

LINUX_7_3 = replace(
    LINUX_6_18,
    name="7.3",
    results=_RESULTS_7_3,
    frames_of=_FRAMES_7_3,
    retry=RETRY_6_18 | {S.PAGE_HAS_PRIVATE, S.PAGE_DIRTY_OR_WRITEBACK},
    goes_on=GOES_ON - {S.PMD_NULL} | {S.NO_PTE_TABLE, S.PAGE_LAZYFREE},
    without_pmd_table=S.NO_PTE_TABLE,
    without_pte_table=S.NO_PTE_TABLE,
    refuses_lazyfree=True,
    window_costs_what_was_read=True,
    disabled_is_left_at_once=True,
    no_whole_window_is_an_error=False,
    daemon_runs_for_any_size=True,
    advice_is_set_before_registration=True,
    lru_gen_enabled=True,
    lru_gen_marks_fresh_pages=True,
    trace_has_order=True,
    trace_names_only_culprit=True,
    trace_has_visits=True,
    collapses_into_smaller_sizes=True,
    boosted_round_may_fail=False,
)
