"""Lesson 7, the gallery: a scenario for each result of enum scan_result that the model can reach.

The window in question is the first one of the first process. Those that only a race brings about have the
other task's op at a gap of the collapse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from thplab.kernels import ScanResult
from thplab.scenario.build import experiment
from thplab.scenario.data import Scenario
from thplab.scenario.named import nb06, nb07, nb08, nb08_races

__all__ = ["BY_RESULT", "NOT_REACHED", "SCENARIOS"]

_Op = Mapping[str, Any]
_FULL = "512x young"
_WINDOW = [[0, 512]]
_SHARED: _Op = {"op": "mmap", "start": 0, "pages": 512, "kind": "shared"}
_HUGEPAGE = {"op": "advise", "advice": "hugepage"}
#: The last window below a border of 1 GiB: the next one has another PMD table.
_BELOW_A_BORDER = 0x100040000000 - (2 << 20)


def _race(name: str, story: str, at: str, ops: Sequence[_Op], **settings: Any) -> Scenario:
    intruders = [{"at": at, "proc": "a", "op": op} for op in ops]
    step = {"type": "khugepaged", "intruders": intruders}
    return experiment(_FULL, name=name, story=story, then=[step], **settings)


def _shared(name: str, story: str, *ops: _Op, **action: Any) -> Scenario:
    """Shared memory, which a fault does not make huge and khugepaged may."""
    made: list[_Op] = [_SHARED, {"op": "write"}, {"op": "set", "key": "shmem_enabled", "value": "advise"}]
    step: dict[str, Any] = {"type": "khugepaged", **action}
    return Scenario.from_data(
        {
            "name": name,
            "story": story,
            "settings": {"shmem_enabled": "advise"},
            "setup_settings": {"shmem_enabled": "never"},
            "ops": [*made, _HUGEPAGE, _HUGEPAGE, *ops],
            "action": step,
        }
    )


SCENARIOS = (
    _race(
        "S07.result.failed",
        "While no lock is held, the window is unmapped, mapped again and written: the PMD points to "
        "another table.",
        "before_write_lock",
        (
            {"op": "munmap", "pages": _WINDOW},
            {"op": "mmap", "start": 0, "pages": 512},
            {"op": "mmap", "start": 1024, "pages": 512},
            {"op": "write", "pages": [[1024, 1025]]},
            {"op": "write", "pages": [[0, 1]]},
            _HUGEPAGE,
        ),
    ),
    experiment(
        "512x none",
        "1x young, 511x none",
        name="S07.result.pmd_null",
        story="Nothing was touched in the whole 1 GiB around the window: there is no PMD table.",
        machine={"region": _BELOW_A_BORDER},
    ),
    experiment(
        "512x none",
        "1x young, 511x none",
        name="S07.result.pmd_none",
        story="Nothing was touched in the window: its PMD entry is empty.",
    ),
    _race(
        "S07.result.page_not_anon",
        "During the allocation the window is unmapped, and shared memory is mapped in its place.",
        "after_alloc",
        ({"op": "munmap", "pages": _WINDOW}, _SHARED, _HUGEPAGE),
        shmem_enabled="advise",
    ),
    _shared(
        "S07.result.pte_mapped_hugepage",
        "Shared memory that MADV_COLLAPSE has made huge: the page cache holds one huge page.",
        {"op": "collapse"},
    ),
    _shared(
        "S07.result.could_not_delete_page_from_lru",
        "Shared memory: somebody takes a page off the LRU list after the scan has seen it there.",
        intruders=[{"at": "after_alloc", "proc": "a", "op": {"op": "isolate_page", "pages": [[30, 31]]}}],
    ),
)

_NAMED = {
    each.name: each
    for each in (*SCENARIOS, *nb06.SCENARIOS, *nb07.SCENARIOS, *nb08.SCENARIOS, *nb08_races.SCENARIOS)
}

#: result -> its scenario; where kernels differ, each shows it under those that have the result
BY_RESULT: dict[ScanResult, Scenario] = {
    ScanResult.FAIL: _NAMED["S07.result.failed"],
    ScanResult.SUCCEED: _NAMED["S07.none_412"],
    ScanResult.PMD_NULL: _NAMED["S07.result.pmd_null"],
    ScanResult.PMD_NONE: _NAMED["S07.result.pmd_none"],
    ScanResult.NO_PTE_TABLE: _NAMED["S07.result.pmd_none"],
    ScanResult.PMD_MAPPED: _NAMED["S07.huge"],
    ScanResult.EXCEED_NONE_PTE: _NAMED["S07.none_411"],
    ScanResult.EXCEED_SWAP_PTE: _NAMED["S07.swap65"],
    ScanResult.EXCEED_SHARED_PTE: _NAMED["S07.shared257"],
    ScanResult.PTE_NON_PRESENT: _NAMED["S08.outcome.pte_non_present"],
    ScanResult.PTE_UFFD_WP: _NAMED["S07.uffd"],
    ScanResult.PTE_MAPPED_HUGEPAGE: _NAMED["S07.result.pte_mapped_hugepage"],
    ScanResult.PAGE_RO: _NAMED["S07.ro"],
    ScanResult.LACK_REFERENCED_PAGE: _NAMED["S07.old"],
    ScanResult.PAGE_LAZYFREE: _NAMED["S07.lazy"],
    ScanResult.PAGE_COUNT: _NAMED["S07.pin"],
    ScanResult.PAGE_LRU: _NAMED["S08.outcome.page_not_in_lru"],
    ScanResult.PAGE_LOCK: _NAMED["S08.outcome.page_locked"],
    ScanResult.PAGE_ANON: _NAMED["S07.result.page_not_anon"],
    ScanResult.ANY_PROCESS: _NAMED["S08.outcome.no_process_for_page"],
    ScanResult.VMA_NULL: _NAMED["S08.outcome.vma_null"],
    ScanResult.VMA_CHECK: _NAMED["S08.outcome.vma_check_failed"],
    ScanResult.ADDRESS_RANGE: _NAMED["S08.outcome.not_suitable_address_range"],
    ScanResult.DEL_PAGE_LRU: _NAMED["S07.result.could_not_delete_page_from_lru"],
    ScanResult.ALLOC_HUGE_PAGE_FAIL: _NAMED["S06.nofree"],
    ScanResult.CGROUP_CHARGE_FAIL: _NAMED["S08.memcgfull"],
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
