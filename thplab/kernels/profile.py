"""What one kernel version calls things and does differently: a profile.

The model never asks for a version. It asks its profile for a named fact
(``needs_writable_pte``), and a view asks it for the names that a reader of that kernel would
grep for.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field

from thplab.kernels.scan_result import ScanResult

__all__ = ["KernelFrame", "Profile"]


@dataclass(frozen=True, slots=True)
class KernelFrame:
    """One frame as this kernel's debugger shows it.

    ``args`` maps the kernel's parameter name to the name of the model's variable it is read
    from, in the order in which gdb prints them.
    """

    name: str
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """Names and facts of one kernel version (x86-64).

    ``frames_of`` maps a model function, or ``caller>function`` where it matters who called,
    to the chain of kernel frames it stands for, innermost first. An empty chain: this kernel
    has no such frame. ``retry`` and ``busy`` are the results for which MADV_COLLAPSE answers
    EAGAIN and EBUSY; ``goes_on`` those after which it looks at the next window all the same;
    ``without_pmd_table`` and ``without_pte_table`` what a window without a table is called.

    The other facts: ``needs_writable_pte``: a window without one writable PTE is refused;
    ``frees_empty_table``: MADV_DONTNEED over a whole table frees it; ``huge_zero_page_is_replaced``: a
    write to the huge zero page makes a huge page; ``huge_page_is_copied_whole``: at a write after fork, as
    before 5.8 (no profile has it: for what-if questions); ``reclaim_splits_without_leaf``: a huge page
    that no PMD maps is split before it is swapped out, else only one that is partially mapped;
    ``shared_test``: how a large folio's sharing is told
    (page, first page, account); ``swapin_makes_writable``: also at a read; ``split_maps_zero_page``: a
    split folio's pages of zeros become the zero page; ``has_underused_shrinker``: reclaim splits huge
    pages that are full of zeros; ``write_upgrade_needs_dirty``: for mprotect to
    make a PTE writable at once; ``dontneed_takes_vma_lock``: not
    mmap_lock; ``has_mthp``: sizes below 2 MiB at fault; ``refuses_lazyfree``:
    khugepaged stops at a clean MADV_FREE page; ``window_costs_what_was_read``: else 512 units each;
    ``no_whole_window_is_an_error``: of MADV_COLLAPSE; ``daemon_runs_for_any_size``: else the 2 MiB size
    must be on; ``advice_is_set_before_registration``: MADV_HUGEPAGE looks at the VMA when its flags are
    changed; ``lru_gen_enabled``: the distribution's default; ``lru_gen_marks_fresh_pages``: as
    referenced; ``trace_has_order``, ``trace_names_only_culprit`` (scan_pfn is -1 unless a page stopped
    the scan), ``trace_has_visits`` (mm_khugepaged_scan): the trace lines.
    """

    name: str
    results: tuple[ScanResult, ...]
    frames_of: Mapping[str, tuple[KernelFrame, ...]]
    retry: frozenset[ScanResult]
    busy: frozenset[ScanResult]
    goes_on: frozenset[ScanResult]
    needs_writable_pte: bool
    trace_has_writable: bool
    frees_empty_table: bool
    huge_zero_page_is_replaced: bool
    huge_page_is_copied_whole: bool
    reclaim_splits_without_leaf: bool
    vma_locked_before_pmd_check: bool
    shared_test: str
    has_vma_lock: bool
    dontneed_takes_vma_lock: bool
    swapin_makes_writable: bool
    split_maps_zero_page: bool
    has_underused_shrinker: bool
    write_upgrade_needs_dirty: bool
    has_guard_pages: bool
    prctl_has_except_advised: bool
    shmem_has_size_controls: bool
    collapse_file_maps_itself: bool
    trace_has_collapse_file: bool
    advice_is_set_before_registration: bool
    has_mthp: bool
    without_pmd_table: ScanResult
    without_pte_table: ScanResult
    refuses_lazyfree: bool
    window_costs_what_was_read: bool
    no_whole_window_is_an_error: bool
    daemon_runs_for_any_size: bool
    lru_gen_enabled: bool
    lru_gen_marks_fresh_pages: bool
    trace_has_order: bool
    trace_names_only_culprit: bool
    trace_has_visits: bool
    collapses_into_smaller_sizes: bool
    proactive_counts_as_daemon: bool
    trace_proactive_wakeup: bool
    trace_has_nr_split: bool
    least_score_mark: int
    score_marks_narrow: bool
    reclaim_walks_again: bool

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
