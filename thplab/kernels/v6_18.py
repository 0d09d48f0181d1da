"""Linux 6.18: the default profile."""

from __future__ import annotations

from thplab.kernels.profile import KernelFrame, Profile
from thplab.kernels.scan_result import ScanResult as S

#: ``enum scan_result`` in order: the position is the number.
RESULTS_6_18 = (
    S.FAIL, S.SUCCEED, S.PMD_NULL, S.PMD_NONE, S.PMD_MAPPED, S.EXCEED_NONE_PTE, S.EXCEED_SWAP_PTE,
    S.EXCEED_SHARED_PTE, S.PTE_NON_PRESENT, S.PTE_UFFD_WP, S.PTE_MAPPED_HUGEPAGE,
    S.LACK_REFERENCED_PAGE, S.PAGE_NULL, S.SCAN_ABORT, S.PAGE_COUNT, S.PAGE_LRU, S.PAGE_LOCK,
    S.PAGE_ANON, S.PAGE_COMPOUND, S.ANY_PROCESS, S.VMA_NULL, S.VMA_CHECK, S.ADDRESS_RANGE,
    S.DEL_PAGE_LRU, S.ALLOC_HUGE_PAGE_FAIL, S.CGROUP_CHARGE_FAIL, S.TRUNCATED, S.PAGE_HAS_PRIVATE,
    S.STORE_FAILED, S.COPY_MC, S.PAGE_FILLED,
)  # fmt: skip

RETRY_6_18 = frozenset({S.PAGE_COUNT, S.PAGE_LRU, S.PAGE_LOCK, S.DEL_PAGE_LRU, S.PAGE_FILLED})

#: After these MADV_COLLAPSE looks at the next window; any other failure ends the call.
GOES_ON = frozenset(
    {S.PMD_NULL, S.PTE_NON_PRESENT, S.PTE_UFFD_WP, S.LACK_REFERENCED_PAGE, S.PAGE_NULL, S.PAGE_COUNT,
     S.PAGE_LOCK, S.PAGE_COMPOUND, S.PAGE_LRU, S.DEL_PAGE_LRU}
)  # fmt: skip


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


FRAMES_6_18 = {
    "khugepaged": (KernelFrame("khugepaged"),),
    "khugepaged_do_scan": (KernelFrame("khugepaged_do_scan", _same("cc")),),
    "khugepaged_scan_mm_slot": (KernelFrame("khugepaged_scan_mm_slot", _same("pages", "cc")),),
    "scan_pmd": (KernelFrame("hpage_collapse_scan_pmd", _same("mm", "vma", "start_addr", "cc")),),
    "collapse_huge_page": (
        KernelFrame("collapse_huge_page", _same("mm", "address", "referenced", "unmapped", "cc")),
    ),
    "alloc_charge_folio": (KernelFrame("alloc_charge_folio", _same("mm", "cc")),),
    "__folio_alloc": (KernelFrame("__folio_alloc_noprof", _same("gfp", "order")),),
    "page_rmappable_folio": (KernelFrame("page_rmappable_folio", _same("page")),),
    "handle_mm_fault": (KernelFrame("handle_mm_fault", _same("address")),),
    "__handle_mm_fault": (KernelFrame("__handle_mm_fault", _same("vma", "address")),),
}

LINUX_6_18 = Profile(
    name="6.18",
    results=RESULTS_6_18,
    frames_of=FRAMES_6_18,
    retry=RETRY_6_18,
    busy=frozenset({S.CGROUP_CHARGE_FAIL, S.EXCEED_NONE_PTE}),
    goes_on=GOES_ON,
)
