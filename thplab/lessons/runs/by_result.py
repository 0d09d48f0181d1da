"""The gallery of lesson 7: a scenario for each result of enum scan_result that the model can reach.

The window in question is the first one of the first process. Those that only a race brings about have the
other task's op at a gap of the collapse.
"""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.scenario.data import Scenario
from thplab.scenario.named import NAMED

#: result -> its scenario; where kernels differ, each shows it under those that have the result
BY_RESULT: dict[ScanResult, Scenario] = {
    ScanResult.FAIL: NAMED["S07.result.failed"],
    ScanResult.SUCCEED: NAMED["S07.none_412"],
    ScanResult.PMD_NULL: NAMED["S07.result.pmd_null"],
    ScanResult.PMD_NONE: NAMED["S07.result.pmd_none"],
    ScanResult.NO_PTE_TABLE: NAMED["S07.result.pmd_none"],
    ScanResult.PMD_MAPPED: NAMED["S07.huge"],
    ScanResult.EXCEED_NONE_PTE: NAMED["S07.none_411"],
    ScanResult.EXCEED_SWAP_PTE: NAMED["S07.swap65"],
    ScanResult.EXCEED_SHARED_PTE: NAMED["S07.shared257"],
    ScanResult.PTE_NON_PRESENT: NAMED["S08.outcome.pte_non_present"],
    ScanResult.PTE_UFFD_WP: NAMED["S07.uffd"],
    ScanResult.PTE_MAPPED_HUGEPAGE: NAMED["S07.result.pte_mapped_hugepage"],
    ScanResult.PAGE_RO: NAMED["S07.ro"],
    ScanResult.LACK_REFERENCED_PAGE: NAMED["S07.old"],
    ScanResult.PAGE_LAZYFREE: NAMED["S07.lazy"],
    ScanResult.PAGE_COUNT: NAMED["S07.pin"],
    ScanResult.PAGE_LRU: NAMED["S08.outcome.page_not_in_lru"],
    ScanResult.PAGE_LOCK: NAMED["S08.outcome.page_locked"],
    ScanResult.PAGE_ANON: NAMED["S07.result.page_not_anon"],
    ScanResult.ANY_PROCESS: NAMED["S08.outcome.no_process_for_page"],
    ScanResult.VMA_NULL: NAMED["S08.outcome.vma_null"],
    ScanResult.VMA_CHECK: NAMED["S08.outcome.vma_check_failed"],
    ScanResult.ADDRESS_RANGE: NAMED["S08.outcome.not_suitable_address_range"],
    ScanResult.DEL_PAGE_LRU: NAMED["S07.result.could_not_delete_page_from_lru"],
    ScanResult.ALLOC_HUGE_PAGE_FAIL: NAMED["S06.nofree"],
    ScanResult.CGROUP_CHARGE_FAIL: NAMED["S08.memcgfull"],
}

_FILE_ON_DISK = "only for files of a file system on disk, which the model does not have"

#: result -> why no scenario here leads to it
NOT_REACHED: dict[ScanResult, str] = {
    ScanResult.PAGE_NULL: "an entry that maps no ordinary page (a device's memory): the model maps none",
    ScanResult.SCAN_ABORT: "several memory nodes and node reclaim are needed; the model has one node",
    ScanResult.PAGE_COMPOUND: "a large page of another size in a file: the model's shared memory has none",
    ScanResult.TRUNCATED: "the file becomes shorter meanwhile: the model's files keep their length",
    ScanResult.PAGE_HAS_PRIVATE: _FILE_ON_DISK,
    ScanResult.STORE_FAILED: "no memory for a node of the page cache: the model's cache needs none",
    ScanResult.COPY_MC: "memory that breaks while it is copied (a machine check)",
    ScanResult.PAGE_FILLED: "another processor fills a hole of a file meanwhile: there is one processor here",
    ScanResult.PAGE_DIRTY_OR_WRITEBACK: _FILE_ON_DISK,
}
