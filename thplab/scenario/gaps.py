"""The places of a collapse where the world may change: between two lock regions, and within them.

A gap is the call or the return of a named function of the model, found from outside as a kernel probe finds
one: while a scenario has intruders, the function's name in its module leads to a wrapper that lets them
act and then goes on with the function itself. The model knows nothing of it, and afterwards all is as before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from thplab.mm.khugepaged import collapse, collapse_file, madvise_collapse
from thplab.mm.khugepaged import pages as collapse_pages
from thplab.mm.khugepaged import scan as khugepaged

__all__ = ["GAPS", "INTRUDER_OPS", "Gap", "probed"]

#: Ops of an intruder that need mmap_lock for writing, and those that need no lock.
WRITERS = ("munmap", "mprotect", "mmap", "fork", "clear_refs", "exit")
LOCKLESS = ("unpin", "lock_page", "unlock_page", "isolate_page", "putback_page", "set")

#: The ops that an intruder can do.
INTRUDER_OPS = (*WRITERS, *LOCKLESS, "advise", "write", "read", "pin", "swapout", "collapse")


@dataclass(frozen=True, slots=True)
class Gap:
    """``phase``: of the collapse, as lesson 8 counts; ``held``: the locks of the one who collapses."""

    phase: int
    modules: tuple[ModuleType, ...]
    function: str
    at_return: bool
    held: str
    says: str


#: Anonymous windows and those of files ask for memory at different places.
_ALLOCATING = (collapse, collapse_file)

#: name -> where it is, in the order of a collapse
GAPS: dict[str, Gap] = {
    "before_scan": Gap(
        0, (khugepaged, madvise_collapse), "scan_pmd", False, "mmap_lock R", "about to look at the window"
    ),
    "before_alloc": Gap(
        1, _ALLOCATING, "alloc_charge_folio", False, "nothing", "the scan said yes, mmap_lock is dropped"
    ),
    "after_alloc": Gap(1, _ALLOCATING, "alloc_charge_folio", True, "nothing", "the huge page is there"),
    "recheck": Gap(
        2,
        (collapse,),
        "find_pmd_or_thp_or_none",
        False,
        "mmap_lock R",
        "the VMA was looked up again, not yet the PMD",
    ),
    "before_swapin": Gap(
        3, (collapse,), "__collapse_huge_page_swapin", False, "mmap_lock R", "swapped pages are to be read in"
    ),
    "before_write_lock": Gap(
        3, (collapse,), "_recheck_for_reading", True, "nothing", "between the read lock and the write lock"
    ),
    "write_locked": Gap(
        4, (collapse,), "_collapse_locked", False, "mmap_lock W", "the write lock is taken, nothing looked at"
    ),
    "before_fence": Gap(
        5, (collapse,), "pmdp_collapse_flush", False, "mmap_lock W, VMA W, anon_vma W", "the PMD still points"
    ),
    "after_fence": Gap(
        6, (collapse,), "pmdp_collapse_flush", True, "mmap_lock W, VMA W, anon_vma W", "the PMD is clear"
    ),
    "before_copy": Gap(
        7,
        (collapse_pages,),
        "__collapse_huge_page_copy",
        False,
        "mmap_lock W, VMA W, page locks",
        "512 pages are isolated",
    ),
    "before_free": Gap(
        8,
        (collapse_pages,),
        "__collapse_huge_page_copy_succeeded",
        False,
        "mmap_lock W, VMA W, page locks",
        "the copy is complete",
    ),
    "before_publish": Gap(
        9, (collapse,), "_publish_huge_pmd", False, "mmap_lock W, VMA W", "the old pages are freed"
    ),
}


@contextmanager
def probed(gaps: dict[str, Callable[[], None]]) -> Iterator[None]:
    """Call ``gaps[name]`` whenever that gap is reached, as long as the block lasts."""
    before = [
        (module, GAPS[name].function, getattr(module, GAPS[name].function))
        for name in gaps
        for module in GAPS[name].modules
    ]
    try:
        for name, handler in gaps.items():
            for module in GAPS[name].modules:
                function = getattr(module, GAPS[name].function)
                setattr(module, GAPS[name].function, _with_probe(function, handler, GAPS[name].at_return))
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)


def _with_probe(
    function: Callable[..., Any], handler: Callable[[], None], at_return: bool
) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not at_return:
            handler()
        result = function(*args, **kwargs)
        if at_return:
            handler()
        return result

    return wrapper
