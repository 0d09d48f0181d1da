"""Calls that would only make noise in a recording: readers of bits, lists, bookkeeping."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from thplab.mm import ksm, kthread, mmu, trace, vma, vmstat
from thplab.mm import swap as lru
from thplab.mm import swapfile as swap
from thplab.mm.huge_memory import deferred as deferred_split
from thplab.mm.huge_memory import policy as huge_mm
from thplab.mm.include import geometry, gfp, mm_types, mmzone, page, pgtable, sched, state, trace_events
from thplab.mm.include import kernel as root
from thplab.mm.include import list as lists
from thplab.mm.khugepaged import collapse, enter
from thplab.mm.khugepaged import pages as collapse_pages
from thplab.mm.khugepaged import scan as khugepaged
from thplab.mm.madvise import pages as madvise_pages
from thplab.mm.page_alloc import alloc as page_alloc
from thplab.mm.page_alloc import buddy, pcp, watermark
from thplab.mm.proc import task_mmu as proc
from thplab.mm.rmap import mapcount as rmap
from thplab.mm.vmscan import isolate

#: All functions of these.
_MODULES = (
    buddy, geometry, gfp, isolate, kthread, lists, lru, mmzone, page, pcp, proc, sched, state, trace,
    trace_events, vmstat, watermark,
)  # fmt: skip
_FILES = {module.__file__ for module in _MODULES}

#: And these.
_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    collapse.hpage_collapse_test_exit_or_disable,
    collapse_pages._isolate_folio, collapse_pages.release_pte_folio,
    deferred_split.deferred_list, deferred_split.folio_queued_for_split,
    deferred_split.folio_unqueue_deferred_split,
    huge_mm._sysfs_allows, enter.hugepage_pmd_enabled,
    khugepaged._should_wakeup, khugepaged.khugepaged_has_work,
    ksm._can_merge, madvise_pages._isolate_folio, vma._can_merge,
    mm_types.find_vma, mm_types.linear_page_index, mm_types.vma_is_anonymous, mm_types.vma_lookup,
    mmu._set_accessed, mmu.translate,
    page_alloc._free_pages_prepare, page_alloc.folio_put, page_alloc.prep_new_page, page_alloc.wmark_pages,
    page_alloc.zonelist,
    pgtable._index, pgtable.entry_pfn, pgtable.folio_pte_batch, pgtable.level_shifts, pgtable.mk_huge_pmd,
    pgtable.mk_pmd_table, pgtable.mk_pte, pgtable.mm_find_pmd, pgtable.pmd_bad, pgtable.pmd_lock,
    pgtable.pmd_page_of, pgtable.pmd_present, pgtable.pmd_table_page, pgtable.pmd_trans_huge,
    pgtable.pte_index, pgtable.pte_lock, pgtable.pte_present, pgtable.set_pte_at,
    rmap._change_large_mapcount, rmap._counter_of, rmap._note_partially_mapped,
    rmap.folio_maybe_mapped_shared, rmap.folio_remove_rmap_ptes, rmap.page_mapcount,
    swap.folio_free_swap, swap.free_folio_and_swap_cache,
    root.Kernel.zero_pfn.fget,  # type: ignore[attr-defined]
    khugepaged.trace_mm_khugepaged_scan_pmd,
)  # fmt: skip
_CODES = {function.__code__ for function in _FUNCTIONS}


def is_quiet(code: CodeType) -> bool:
    """True for a function whose calls are not recorded; lambdas and comprehensions are always quiet."""
    return code.co_filename in _FILES or code.co_name.startswith("<") or code in _CODES
