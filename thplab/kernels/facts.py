"""What the named facts of a profile mean, in words, and which scenario shows each.

``docs/kernels.md`` is generated from this and from the profiles themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FACTS", "Fact"]


@dataclass(frozen=True, slots=True)
class Fact:
    """``says``: what is so where the fact holds; ``shown_by``: a named scenario that runs differently.

    ``recorded``: a lane that was recorded on two kernels, and what differs there, a counter or a trace event.
    Neither: nothing that a scenario can observe depends on it (names, order of locks).
    """

    says: str
    shown_by: str = ""
    recorded: tuple[str, str] | None = None


#: field of Profile -> what it means
FACTS: dict[str, Fact] = {
    "needs_writable_pte": Fact(
        "a window without a single writable entry is refused (no_writable_page)", "S07.ro"
    ),
    "trace_has_writable": Fact("the scan's and the isolation's trace lines have a field `writable`"),
    "frees_empty_table": Fact(
        "MADV_DONTNEED over a whole window frees the empty page table: the next fault can be huge",
        "S13.empty_table",
    ),
    "huge_zero_page_is_replaced": Fact(
        "a write to the huge zero page gives a real huge page; before, it was split into zero pages",
        "S13.huge_zero",
    ),
    "vma_locked_before_pmd_check": Fact(
        "a collapse locks the VMA before it looks at the PMD again, not after"
    ),
    "has_vma_lock": Fact(
        "a fault may run under the lock of its VMA alone, and a collapse takes that lock too"
    ),
    "dontneed_takes_vma_lock": Fact(
        "MADV_DONTNEED needs the lock of its VMA only, so it can come between a collapse and its second look",
        "S08.race.dontneed.write_locked",
    ),
    "shared_test": Fact(
        "who decides that a page of a large folio is shared: that page, a guess from the folio's first page, "
        "or an account of who maps the folio"
    ),
    "swapin_makes_writable": Fact(
        "a page that was read back from swap and that nobody else uses is mapped writable, also after a read"
    ),
    "split_maps_zero_page": Fact(
        "where a huge page is split, parts that hold nothing but zeroes are replaced by the zero page",
        "S13.split_zero",
    ),
    "huge_page_is_copied_whole": Fact(
        "a write to a huge page that parent and child share copies all 2 MiB, as before 5.8; since then the "
        "PMD is split and one base page copied"
    ),
    "reclaim_splits_without_leaf": Fact(
        "a huge page that is mapped by entries of page tables only is split before it goes to swap; later "
        "kernels split it only if a part of it is mapped no more"
    ),
    "has_underused_shrinker": Fact(
        "when memory is short, huge pages with more than max_ptes_none pages of zeros are split; the file "
        "shrink_underused switches that off"
    ),
    "write_upgrade_needs_dirty": Fact("mprotect makes an entry writable at once only if its page is dirty"),
    "has_guard_pages": Fact(
        "MADV_GUARD_INSTALL exists: a marker in place of a page, which counts as swapped", "S13.guard"
    ),
    "prctl_has_except_advised": Fact(
        "prctl(PR_SET_THP_DISABLE) can leave advised memory out", "S13.except_advised"
    ),
    "shmem_has_size_controls": Fact("shared memory has a control of its own for each size of huge page"),
    "collapse_file_maps_itself": Fact(
        "collapsing shared memory maps the huge page; later MADV_COLLAPSE does that in a step of its own",
        "S13.shmem",
    ),
    "trace_has_collapse_file": Fact("there is a trace event mm_khugepaged_collapse_file", "S13.shmem"),
    "advice_is_set_before_registration": Fact(
        "the first MADV_HUGEPAGE registers a process with shared memory; before, the second one did",
        "S13.shmem_once",
    ),
    "has_mthp": Fact("sizes of huge page below 2 MiB can be had at a fault", "S13.sizes"),
    "without_pmd_table": Fact("the result for a window without a PMD table", "S13.no_pmd_table"),
    "without_pte_table": Fact("the result for a window without a page table", "S07.notable"),
    "refuses_lazyfree": Fact(
        "khugepaged stops at a clean page that was given back by MADV_FREE (page_lazyfree)", "S07.lazy"
    ),
    "window_costs_what_was_read": Fact(
        "a window costs khugepaged as many units as entries were read, not always 512", "S13.budget"
    ),
    "no_whole_window_is_an_error": Fact(
        "MADV_COLLAPSE of a range inside one window, over no border, is EINVAL, not 0", "S13.inside_window"
    ),
    "daemon_runs_for_any_size": Fact(
        "khugepaged runs while `enabled` says so, even if the 2 MiB size is switched off", "S13.size_off"
    ),
    "lru_gen_enabled": Fact("the multi-generational LRU is on (a choice of who built the recorded kernel)"),
    "lru_gen_marks_fresh_pages": Fact(
        "with it, a fresh page counts as referenced until something clears that, whoever maps it",
        "S13.fresh_child",
    ),
    "trace_has_order": Fact("the trace lines of a collapse name the order"),
    "trace_names_only_culprit": Fact("the scan's trace line names a page only if that page stopped the scan"),
    "trace_has_visits": Fact(
        "there is a trace event mm_khugepaged_scan after each visit of an address space"
    ),
    "proactive_counts_as_daemon": Fact(
        "proactive compaction counts among kcompactd's own counters",
        recorded=("G20", "compact_daemon_migrate_scanned"),
    ),
    "trace_proactive_wakeup": Fact(
        "a proactive wakeup of kcompactd has a trace line",
        recorded=("G20", "mm_compaction_wakeup_kcompactd"),
    ),
    "trace_has_nr_split": Fact("the trace line mm_migrate_pages has a field `nr_split`"),
    "least_score_mark": Fact("the lowest mark of the fragmentation score that proactive compaction aims at"),
    "score_marks_narrow": Fact(
        "the upper mark of that score lies at most half the lower one above it, not 10"
    ),
    "reclaim_walks_again": Fact(
        "direct reclaim that frees nothing makes a second round and counts it in `allocstall_*`",
        recorded=("L", "allocstall_movable"),
    ),
    "collapses_into_smaller_sizes": Fact(
        "khugepaged collapses into every size that is enabled; the model refuses such runs"
    ),
}
