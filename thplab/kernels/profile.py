"""What one kernel version calls things and does differently: a profile.

The model never asks for a version. It asks its profile for a named fact
(``needs_writable_pte``), and a view asks it for the names that a reader of that kernel would
grep for.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from thplab.kernels.scan_result import ScanResult


@dataclass(frozen=True, slots=True)
class KernelFrame:
    """One frame as this kernel's debugger shows it.

    ``args`` maps the kernel's parameter name to the name of the model's variable it is read
    from, in the order in which gdb prints them.
    """

    name: str
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """``says``: what is so where the fact holds; ``shown_by``: a named scenario that runs differently.

    ``recorded``: a lane that was recorded on two kernels, and what differs there, a counter or a trace event.
    Neither: nothing that a scenario can observe depends on it (names, order of locks).
    """

    says: str
    shown_by: str = ""
    recorded: tuple[str, str] | None = None


def _fact(default: Any, says: str, shown_by: str = "", recorded: tuple[str, str] | None = None) -> Any:
    """A named fact of a profile; ``default``: what it is in 6.18."""
    return field(default=default, metadata={"fact": Fact(says, shown_by, recorded)})


@dataclass(frozen=True, slots=True)
class Profile:
    """Names and facts of one kernel version (x86-64).

    ``frames_of`` maps a model function, or ``caller>function`` where it matters who called,
    to the chain of kernel frames it stands for, innermost first. An empty chain: this kernel
    has no such frame. ``retry`` and ``busy`` are the results for which MADV_COLLAPSE answers
    EAGAIN and EBUSY; ``goes_on`` those after which it looks at the next window all the same.

    The rest are named facts, each with its value in 6.18 and what it means.
    """

    name: str
    results: tuple[ScanResult, ...]
    frames_of: Mapping[str, tuple[KernelFrame, ...]]
    retry: frozenset[ScanResult]
    busy: frozenset[ScanResult]
    goes_on: frozenset[ScanResult]
    needs_writable_pte: bool = _fact(
        False, "a window without a single writable entry is refused (no_writable_page)", "S07.ro"
    )
    trace_has_writable: bool = _fact(
        False, "the scan's and the isolation's trace lines have a field `writable`"
    )
    frees_empty_table: bool = _fact(
        True,
        "MADV_DONTNEED over a whole window frees the empty page table: the next fault can be huge",
        "S13.empty_table",
    )
    huge_zero_page_is_replaced: bool = _fact(
        True,
        "a write to the huge zero page gives a real huge page; before, it was split into zero pages",
        "S13.huge_zero",
    )
    huge_page_is_copied_whole: bool = _fact(
        False,
        "a write to a huge page that parent and child share copies all 2 MiB, as before 5.8; since then the "
        "PMD is split and one base page copied",
    )
    reclaim_splits_without_leaf: bool = _fact(
        False,
        "a huge page that is mapped by entries of page tables only is split before it goes to swap; later "
        "kernels split it only if a part of it is mapped no more",
    )
    vma_locked_before_pmd_check: bool = _fact(
        True, "a collapse locks the VMA before it looks at the PMD again, not after"
    )
    shared_test: str = _fact(
        "account",
        "who decides that a page of a large folio is shared: that page, a guess from the folio's first page, "
        "or an account of who maps the folio",
    )
    has_vma_lock: bool = _fact(
        True, "a fault may run under the lock of its VMA alone, and a collapse takes that lock too"
    )
    dontneed_takes_vma_lock: bool = _fact(
        True,
        "MADV_DONTNEED needs the lock of its VMA only, so it can come between a collapse and its second look",
        "S08.race.dontneed.write_locked",
    )
    swapin_makes_writable: bool = _fact(
        True,
        "a page that was read back from swap and that nobody else uses is mapped writable, also after a read",
    )
    split_maps_zero_page: bool = _fact(
        True,
        "where a huge page is split, parts that hold nothing but zeroes are replaced by the zero page",
        "S13.split_zero",
    )
    has_underused_shrinker: bool = _fact(
        True,
        "when memory is short, huge pages with more than max_ptes_none pages of zeros are split; the file "
        "shrink_underused switches that off",
    )
    write_upgrade_needs_dirty: bool = _fact(
        False, "mprotect makes an entry writable at once only if its page is dirty"
    )
    has_guard_pages: bool = _fact(
        True, "MADV_GUARD_INSTALL exists: a marker in place of a page, which counts as swapped", "S13.guard"
    )
    prctl_has_except_advised: bool = _fact(
        True, "prctl(PR_SET_THP_DISABLE) can leave advised memory out", "S13.except_advised"
    )
    disabled_counts_as_exit: bool = _fact(
        True,
        "khugepaged and a collapse leave a process with PR_SET_THP_DISABLE as they leave one that exits "
        "(no_process_for_page); before, each of its mappings refused, and cost a unit",
        "S13.disabled",
    )
    disabled_is_left_at_once: bool = _fact(
        False,
        "khugepaged's cursor goes on at once from a process that was found so after a dropped lock, not with "
        "the next visit",
    )
    shmem_has_size_controls: bool = _fact(
        True, "shared memory has a control of its own for each size of huge page"
    )
    collapse_file_maps_itself: bool = _fact(
        False,
        "collapsing shared memory maps the huge page; later MADV_COLLAPSE does that in a step of its own",
        "S13.shmem",
    )
    trace_has_collapse_file: bool = _fact(
        True, "there is a trace event mm_khugepaged_collapse_file", "S13.shmem"
    )
    advice_is_set_before_registration: bool = _fact(
        False,
        "the first MADV_HUGEPAGE registers a process with shared memory; before, the second one did",
        "S13.shmem_once",
    )
    has_mthp: bool = _fact(True, "sizes of huge page below 2 MiB can be had at a fault", "S13.sizes")
    without_pmd_table: ScanResult = _fact(
        ScanResult.PMD_NULL, "the result for a window without a PMD table", "S13.no_pmd_table"
    )
    without_pte_table: ScanResult = _fact(
        ScanResult.PMD_NONE, "the result for a window without a page table", "S07.notable"
    )
    refuses_lazyfree: bool = _fact(
        False, "khugepaged stops at a clean page that was given back by MADV_FREE (page_lazyfree)", "S07.lazy"
    )
    window_costs_what_was_read: bool = _fact(
        False, "a window costs khugepaged as many units as entries were read, not always 512", "S13.budget"
    )
    no_whole_window_is_an_error: bool = _fact(
        True,
        "MADV_COLLAPSE of a range inside one window, over no border, is EINVAL, not 0",
        "S13.inside_window",
    )
    daemon_runs_for_any_size: bool = _fact(
        False,
        "khugepaged runs while `enabled` says so, even if the 2 MiB size is switched off",
        "S13.size_off",
    )
    lru_gen_enabled: bool = _fact(
        False, "the multi-generational LRU is on (a choice of who built the recorded kernel)"
    )
    lru_gen_marks_fresh_pages: bool = _fact(
        False,
        "with it, a fresh page counts as referenced until something clears that, whoever maps it",
        "S13.fresh_child",
    )
    trace_has_order: bool = _fact(False, "the trace lines of a collapse name the order")
    trace_names_only_culprit: bool = _fact(
        False, "the scan's trace line names a page only if that page stopped the scan"
    )
    trace_has_visits: bool = _fact(
        False, "there is a trace event mm_khugepaged_scan after each visit of an address space"
    )
    collapses_into_smaller_sizes: bool = _fact(
        False, "khugepaged collapses into every size that is enabled; the model refuses such runs"
    )
    proactive_counts_as_daemon: bool = _fact(
        True,
        "proactive compaction counts among kcompactd's own counters",
        recorded=("G20", "compact_daemon_migrate_scanned"),
    )
    trace_proactive_wakeup: bool = _fact(
        True,
        "a proactive wakeup of kcompactd has a trace line",
        recorded=("G20", "mm_compaction_wakeup_kcompactd"),
    )
    trace_has_nr_split: bool = _fact(True, "the trace line mm_migrate_pages has a field `nr_split`")
    boosted_round_may_fail: bool = _fact(
        True, "a round of kswapd for raised marks alone that frees nothing counts among its failures"
    )
    claims_before_stealing: bool = _fact(
        True,
        "a request whose type has no free page tries to claim a whole pageblock first, and takes the "
        "smallest block of another type last; before, one search took the largest, except for movable pages",
    )
    fallback_moves_free_pages: bool = _fact(
        False,
        "such a request puts all free pages of the pageblock on the lists of its own type, even where the "
        "pageblock keeps its type",
    )
    any_page_marks_its_block: bool = _fact(
        True,
        "compaction marks a block with the first page that it isolates; before, only if that was the block's "
        "first page, and otherwise not at all",
    )
    first_block_may_be_short: bool = _fact(
        True, "compaction marks the first block of a zone also where the zone begins in its middle"
    )
    search_marks_its_block: bool = _fact(
        False, "the block that the fast search of the migrate scanner finds is marked, and so passed by"
    )
    least_score_mark: int = _fact(
        0, "the lowest mark of the fragmentation score that proactive compaction aims at"
    )
    score_marks_narrow: bool = _fact(
        True, "the upper mark of that score lies at most half the lower one above it, not 10"
    )
    reclaim_walks_again: bool = _fact(
        True,
        "direct reclaim that frees nothing makes a second round and counts it in `allocstall_*`",
        recorded=("L", "allocstall_movable"),
    )

    def number(self, result: ScanResult) -> int:
        """The value of ``result`` in this kernel's ``enum scan_result``.

        Raises ValueError if this kernel has no such result.
        """
        return self.results.index(result)

    def errno(self, result: ScanResult) -> int:
        """What MADV_COLLAPSE returns when ``result`` was the last failure (madvise_collapse_errno)."""
        if result is ScanResult.ALLOC_HUGE_PAGE_FAIL:
            return errno.ENOMEM
        if result in self.busy:
            return errno.EBUSY
        return errno.EAGAIN if result in self.retry else errno.EINVAL

    def frames(self, function: str, caller: str | None, params: tuple[str, ...]) -> tuple[KernelFrame, ...]:
        """The kernel frames that the model's ``function``, called by ``caller``, stands for.

        A function this profile does not know stands for itself with all its parameters; a helper of
        ours, whose name begins with one underscore, for nothing.
        """
        chain = self.frames_of.get(f"{caller}>{function}", self.frames_of.get(function))
        if chain is None and function.startswith("_") and not function.startswith("__"):
            return ()
        if chain is None:
            return (KernelFrame(function, {name: name for name in params}),)
        return chain


#: field of Profile -> what it means; docs/kernels.md is generated from this and from the profiles
FACTS: dict[str, Fact] = {each.name: each.metadata["fact"] for each in fields(Profile) if each.metadata}
