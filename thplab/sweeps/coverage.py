"""Coverage against bloat: how max_ptes_none trades memory for huge pages, at several occupancies.

Each page of each window is touched with the same chance. khugepaged then collapses what the limit
allows: the more holes it may fill, the more accesses fall into huge pages, and the more memory is
spent on pages that nobody touched.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from thplab.machine import Machine, Process
from thplab.sweeps.arguments import check_kernel, number, numbers
from thplab.sweeps.columns import huge_windows
from thplab.sweeps.rows import Rows
from thplab.sweeps.run import sweep

OCCUPANCIES = (1.0, 0.98, 0.9, 0.5, 0.2, 0.05)
LIMITS = (0, 64, 128, 255, 409, 411, 412, 511)

_REGION = 0x100000000000
_PAGE = 4096
_WINDOW = 512
_MIB = 256  # pages
_HOUR_MS = 3_600_000
#: 32 GiB, and as much again for the huge pages.
_MOST_WINDOWS = 1 << 14


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """``coverage``: share of the touched pages that lie in huge pages; ``bloat_mib``: what RSS gained."""

    occupancy: float
    max_ptes_none: int
    windows: int
    huge: int
    coverage: float
    bloat_mib: float
    rss_mib: float
    seed: int


@dataclass(frozen=True, slots=True)
class _Point:
    occupancy: float
    limits: tuple[int, ...]
    windows: int
    exact: bool
    kernel: str
    seed: int


def coverage_sweep(
    occupancies: Sequence[float] = OCCUPANCIES,
    limits: Sequence[int] = LIMITS,
    *,
    windows: int = 64,
    exact: bool = False,
    kernel: str = "6.18",
    seed: int = 1,
    executor: Executor | None = None,
) -> Rows[CoverageRow]:
    """A row for each occupancy and limit (of max_ptes_none); limits in ascending order.

    ``occupancies``: chance of a page to be touched, 0 to 1; ``exact``: that share of each window, to the
    page, instead of a chance. ``windows``: of 2 MiB; 512 are 1 GiB and take some minutes.
    Raises ValueError for an occupancy, a limit or a number of windows that there cannot be.
    """
    check_kernel(kernel, seed)
    numbers("occupancies", occupancies, 0, 1, whole=False)
    numbers("limits", limits, 0, _WINDOW - 1)
    number("windows", windows, 1, _MOST_WINDOWS)
    points = [_Point(p, tuple(sorted(limits)), windows, exact, kernel, seed) for p in occupancies]
    return sweep(_coverage, points, executor=executor, title="coverage")


def touched_pages(occupancy: float, windows: int, *, exact: bool, seed: int) -> list[list[int]]:
    """Which pages of each window are touched."""
    draw = random.Random(f"{seed} {occupancy}")
    if exact:
        return [sorted(draw.sample(range(_WINDOW), round(occupancy * _WINDOW))) for _ in range(windows)]
    return [[page for page in range(_WINDOW) if draw.random() < occupancy] for _ in range(windows)]


def _coverage(point: _Point) -> list[CoverageRow]:
    """One machine for all limits: what a low limit collapses, a higher one would have collapsed, too."""
    touched = touched_pages(point.occupancy, point.windows, exact=point.exact, seed=point.seed)
    machine = Machine(point.kernel, memory_pages=(2 * point.windows + 8) * _WINDOW)
    machine.set_knobs([
        ("khugepaged/scan_sleep_millisecs", _HOUR_MS), ("khugepaged/pages_to_scan", 1 << 30),
        ("khugepaged/max_ptes_none", point.limits[0]),
    ])  # fmt: skip
    process = machine.process("app")
    process.mmap(_REGION, point.windows * _WINDOW * _PAGE)
    for window, pages in enumerate(touched):
        for page in pages:
            process.write(_REGION + (window * _WINDOW + page) * _PAGE, 1)
    before = process.mm.rss
    process.madvise(_REGION, point.windows * _WINDOW * _PAGE, "hugepage")
    counts = np.array([len(pages) for pages in touched])
    return [_row(point, limit, machine, process, counts, before) for limit in point.limits]


def _row(
    point: _Point, limit: int, machine: Machine, process: Process, counts: np.ndarray, before: int
) -> CoverageRow:
    machine.set_knobs([("khugepaged/max_ptes_none", limit)])
    machine.wake_khugepaged()
    huge = huge_windows(process, _REGION, point.windows)
    total = int(counts.sum())
    rss = process.mm.rss
    return CoverageRow(
        point.occupancy,
        limit,
        point.windows,
        int(huge.sum()),
        int(counts[huge].sum()) / total if total else 0.0,
        (rss - before) / _MIB,
        rss / _MIB,
        point.seed,
    )
