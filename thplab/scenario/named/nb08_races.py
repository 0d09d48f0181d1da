"""Lesson 8, races: what others do while a window is being collapsed, and what then becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thplab.scenario.build import experiment
from thplab.scenario.data import Scenario

#: Kind of race -> what the other task does, and in words.
RACES: dict[str, tuple[Mapping[str, Any], str]] = {
    "pin": ({"op": "pin", "pages": [[511, 512]]}, "Somebody pins the last page"),
    "munmap": ({"op": "munmap", "pages": [[0, 256]]}, "Half of the window is unmapped"),
    "mprotect": (
        {"op": "mprotect", "prot": "r", "pages": [[0, 256]]},
        "Half of the window becomes read-only",
    ),
    "swapout": ({"op": "swapout", "pages": [[100, 101]]}, "Reclaim takes page 100"),
    "fork": ({"op": "fork"}, "The process forks"),
    "exit": ({"op": "exit"}, "The process exits"),
    "fault_fills_hole": ({"op": "write", "pages": [[7, 8]]}, "The process writes to the one hole"),
    "dontneed": (
        {"op": "advise", "advice": "dontneed", "pages": [[0, 512]]},
        "The process throws the window's pages away",
    ),
}

#: The gaps at which races happen, in the order of a collapse -> when that is.
WHERE = {
    "after_alloc": "while the huge page is allocated",
    "recheck": "under the read lock, before the second look at the PMD",
    "before_swapin": "when swapped pages are about to be read in",
    "write_locked": "when the write lock is taken",
    "before_fence": "just before the PMD is cleared",
    "after_fence": "when the PMD is clear",
    "before_copy": "when all pages are isolated",
    "before_free": "when the copy is complete",
}


def _race(name: str, story: str, at: str, op: Mapping[str, Any], window: str, proc: str = "a") -> Scenario:
    step = {"type": "khugepaged", "intruders": [{"at": at, "proc": proc, "op": op}]}
    return experiment(window, name=name, story=story, then=[step])


def _window(kind: str, gap: str) -> str:
    """512 pages in use; with swapped ones where they are read in, with a hole for the task that fills it."""
    swapped, hole = gap == "before_swapin", kind == "fault_fills_hole"
    begin = "7x young, 1x none, 56x young" if hole else "64x young"
    return f"{begin}, 384x young, 64x swap" if swapped else f"{begin}, 448x young"


_MATRIX = tuple(
    _race(f"S08.race.{kind}.{gap}", f"{story} {when}.", gap, op, _window(kind, gap))
    for kind, (op, story) in RACES.items()
    for gap, when in WHERE.items()
)

_FULL = "512x young"
_ALL = [[0, 512]]
_LOST = {"op": "advise", "advice": "dontneed", "pages": _ALL}

#: Status that only a race can produce -> where, what the other task does, and in words.
OUTCOMES: dict[str, tuple[str, Mapping[str, Any], str]] = {
    "page_pmd_mapped": (
        "after_alloc",
        {"op": "collapse"},
        "Another thread says MADV_COLLAPSE and is faster: the window is huge already.",
    ),
    "pmd_none": ("after_alloc", _LOST, "All pages are thrown away, and with them their table."),
    "no_process_for_page": ("after_alloc", {"op": "exit"}, "The process exits during the allocation."),
    "vma_check_failed": (
        "after_alloc",
        {"op": "advise", "advice": "nohugepage"},
        "The program changes its mind: MADV_NOHUGEPAGE.",
    ),
    "not_suitable_address_range": (
        "after_alloc",
        {"op": "munmap", "pages": [[0, 1]]},
        "One page is unmapped: the window no longer lies in a VMA.",
    ),
    "vma_null": ("after_alloc", {"op": "munmap"}, "Everything is unmapped: there is no VMA any more."),
    "pte_non_present": (
        "write_locked",
        {"op": "swapout", "pages": [[300, 301]]},
        "A page is swapped out after the last look at swap entries.",
    ),
    "not_suitable_page_count": (
        "write_locked",
        {"op": "pin", "pages": [[0, 1]]},
        "A page is pinned without any lock, until the PMD is cleared.",
    ),
    "exceed_shared_pte": ("before_write_lock", {"op": "fork"}, "A fork makes all pages shared."),
    "page_not_in_lru": (
        "before_scan",
        {"op": "isolate_page", "pages": [[30, 31]]},
        "Somebody has taken a page off the LRU when the scan comes to it.",
    ),
    "page_locked": (
        "before_scan",
        {"op": "lock_page", "pages": [[30, 31]]},
        "Somebody holds a page's lock when the scan comes to it.",
    ),
}

_BY_OUTCOME = tuple(
    _race(f"S08.outcome.{status}", story, at, op, _FULL) for status, (at, op, story) in OUTCOMES.items()
)

SCENARIOS = (*_MATRIX, *_BY_OUTCOME)
