"""Linux 6.12: mTHP sizes at fault time, and still the rule of one writable PTE."""

from __future__ import annotations

from dataclasses import replace

from thplab.kernels.profile import KernelFrame
from thplab.kernels.scan_result import ScanResult as S
from thplab.kernels.v6_18 import FRAMES_6_18, GOES_ON, LINUX_6_18, RESULTS_6_18

_position = RESULTS_6_18.index(S.LACK_REFERENCED_PAGE)

_FRAMES_6_12 = {
    **FRAMES_6_18,
    "khugepaged_scan_mm_slot": (KernelFrame("khugepaged_scan_mm_slot", {"cc": "cc", "pages": "pages"}),),
    "scan_pmd": (
        KernelFrame(
            "hpage_collapse_scan_pmd", {"mm": "mm", "vma": "vma", "address": "start_addr", "cc": "cc"}
        ),
    ),
}

LINUX_6_12 = replace(
    LINUX_6_18,
    name="6.12",
    results=(*RESULTS_6_18[:_position], S.PAGE_RO, *RESULTS_6_18[_position:]),
    frames_of=_FRAMES_6_12,
    goes_on=GOES_ON | {S.PAGE_RO},
    needs_writable_pte=True,
    trace_has_writable=True,
    frees_empty_table=False,
    huge_zero_page_is_replaced=False,
    shared_test="first page",
    has_guard_pages=False,
    dontneed_takes_vma_lock=False,
    prctl_has_except_advised=False,
    claims_before_stealing=False,
    least_score_mark=5,
    score_marks_narrow=False,
)
