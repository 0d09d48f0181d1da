"""The places of a collapse where the world may change: between two lock regions, and within them.

A gap is the call or the return of a function of the model in a certain caller, found from outside as a kernel
probe finds one: while a scenario has intruders, the function's name leads everywhere to a wrapper that lets
them act, if that caller calls, and then continues with the function itself. The model knows nothing of it,
and afterwards all is as before.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from thplab import mm, phases, points
from thplab.phases import Phase
from thplab.points import Function, Point


@dataclass(frozen=True, slots=True)
class Gap:
    """``phase``: the one that is about to begin or under way; ``held``: locks of who collapses."""

    phase: Phase
    point: Point
    held: str
    says: str


#: Anonymous windows and those of files ask for memory at different places.
_COLLAPSING = (points.COLLAPSE, points.COLLAPSE_FILE)
_MOVING = "mmap_lock W, VMA W, anon_vma W"
_ISOLATED = "mmap_lock W, VMA W, page locks"

#: name -> where it is, in the order of a collapse
GAPS: dict[str, Gap] = {
    "before_scan": Gap(phases.SCAN, points.SCAN.called_by(points.SCAN_VMAS, points.MADVISE), "mmap_lock R",
                       "about to look at the window"),
    "before_alloc": Gap(phases.GET_MEMORY, points.ALLOCATE.called_by(*_COLLAPSING), "nothing",
                        "the scan said yes, mmap_lock is dropped"),
    "after_alloc": Gap(phases.GET_MEMORY, points.ALLOCATE.returns_to(*_COLLAPSING), "nothing",
                       "the huge page is there"),
    "recheck": Gap(phases.READING, points.FIND_PMD.called_by(points.RECHECK), "mmap_lock R",
                   "the VMA was looked up again, not yet the PMD"),
    "before_swapin": Gap(phases.SWAP_IN, points.SWAP_IN.called_by(points.RECHECK), "mmap_lock R",
                         "swapped pages are to be read in"),
    "before_write_lock": Gap(phases.WRITING, points.RECHECK.returns_to(points.COLLAPSE), "nothing",
                             "between the read lock and the write lock"),
    "write_locked": Gap(phases.WRITING, points.COLLAPSE_LOCKED.called_by(points.COLLAPSE), "mmap_lock W",
                        "the write lock is taken, nothing looked at"),
    "before_fence": Gap(phases.FENCE, points.FENCE.called_by(points.COLLAPSE_LOCKED), _MOVING,
                        "the PMD still points"),
    "after_fence": Gap(phases.ISOLATE, points.FENCE.returns_to(points.COLLAPSE_LOCKED), _MOVING,
                       "the PMD is clear"),
    "before_copy": Gap(phases.COPY, points.COPY.called_by(points.MOVE), _ISOLATED, "512 pages are isolated"),
    "before_free": Gap(phases.FREE, points.FREE.called_by(points.COPY), _ISOLATED, "the copy is complete"),
    "before_publish": Gap(phases.PUBLISH, points.PUBLISH.called_by(points.MOVE), "mmap_lock W, VMA W",
                          "the old pages are freed"),
}  # fmt: skip


def bindings(function: Function) -> tuple[tuple[ModuleType, str], ...]:
    """The modules of the model that have ``function``, each with the name that it has there."""
    modules = [module for name, module in sys.modules.items() if name.startswith(mm.__name__)]
    return tuple(
        (module, name) for module in modules for name, value in vars(module).items() if value is function
    )


#: Looked up before anything is replaced: a wrapper in place of the function would not be found.
_BINDINGS = {name: bindings(gap.point.function) for name, gap in GAPS.items()}


@contextmanager
def probed(gaps: dict[str, Callable[[], None]]) -> Iterator[None]:
    """Call ``gaps[name]`` whenever that gap is reached, as long as the block lasts."""
    before: list[tuple[ModuleType, str, Function]] = []
    try:
        for name, handler in gaps.items():
            for module, bound in _BINDINGS[name]:
                function = getattr(module, bound)
                before.append((module, bound, function))
                setattr(module, bound, _with_probe(function, GAPS[name].point, handler))
        yield
    finally:
        for module, bound, function in reversed(before):
            setattr(module, bound, function)


def _with_probe(function: Function, point: Point, handler: Callable[[], None]) -> Function:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        here = _calls_from(point)
        if here and not point.at_return:
            handler()
        result = function(*args, **kwargs)
        if here and point.at_return:
            handler()
        return result

    return wrapper


def _calls_from(point: Point) -> bool:
    """Does one of the point's callers call? A function may have several probes, one around another."""
    frame = sys._getframe(2)
    while frame.f_code.co_filename == __file__ and frame.f_back is not None:
        frame = frame.f_back
    return any(frame.f_code is caller.code for caller in point.callers)
