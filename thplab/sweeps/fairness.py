"""Fairness: how long a small process waits while khugepaged works through a large one before it.

khugepaged finishes one address space before it goes to the next, eight windows and then a nap of ten
seconds at the defaults; so what B waits grows with the size of A, whatever B needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from thplab.mm.include.sched import NSEC_PER_MSEC
from thplab.scenario import Scenario, ScenarioRun
from thplab.sweeps.arguments import check_kernel, number, numbers
from thplab.sweeps.rows import Rows
from thplab.sweeps.run import sweep

SIZES = (8, 32, 128, 512, 2048)

_WINDOW = 512
_FRAMES_PER_WINDOW = 514
_MIB_PER_WINDOW = 2
#: 32 GiB.
_MOST_WINDOWS = 1 << 14


@dataclass(frozen=True, slots=True)
class FairnessRow:
    """Sizes of A and B in MiB; ``first_pass``: the pass in which B's first window became huge, from 1 on.

    ``wait_s``: the time from the first pass until then; a pass itself takes none.
    """

    a_mib: int
    b_mib: int
    first_pass: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class _Point:
    a_windows: int
    b_windows: int
    pages_to_scan: int
    sleep_ms: int
    kernel: str


def fairness_sweep(
    sizes: Sequence[int] = SIZES,
    *,
    b_windows: int = 8,
    pages_to_scan: int = 4096,
    scan_sleep_millisecs: int = 10_000,
    kernel: str = "6.18",
    executor: Executor | None = None,
) -> Rows[FairnessRow]:
    """A row for each size of A, in windows of 2 MiB (4096 are 8 GiB and take a minute).

    Raises ValueError for a process without windows, and what the kernel says to its knobs.
    """
    check_kernel(kernel)
    numbers("sizes", sizes, 1, _MOST_WINDOWS)
    number("b_windows", b_windows, 1, _MOST_WINDOWS)
    number("pages_to_scan", pages_to_scan, 1, (1 << 32) - 1)
    number("scan_sleep_millisecs", scan_sleep_millisecs, 0, (1 << 32) - 1)
    points = [_Point(size, b_windows, pages_to_scan, scan_sleep_millisecs, kernel) for size in sizes]
    return sweep(_wait, points, executor=executor, title="fairness")


def _wait(point: _Point) -> list[FairnessRow]:
    run = ScenarioRun(_two(point), point.kernel)
    machine = run.machine
    scan, first, start = machine.kernel.khugepaged, len(machine.trace), machine.kernel.clock.now
    passes = scan.passes
    run.store({"scan_sleep_millisecs": point.sleep_ms})  # the write wakes the daemon: the first pass
    while not any(
        event.mm == "b" and event.value("status") == "succeeded" for event in machine.trace[first:]
    ):
        first = len(machine.trace)
        machine.run_for(max(point.sleep_ms, 1))
    waited = (machine.kernel.clock.now - start) / NSEC_PER_MSEC / 1000
    sizes = (point.a_windows * _MIB_PER_WINDOW, point.b_windows * _MIB_PER_WINDOW)
    return [FairnessRow(*sizes, scan.passes - passes, waited)]


def _two(point: _Point) -> Scenario:
    """A before B on khugepaged's list, each with one page touched in each window."""
    return Scenario.from_data({
        "name": "fairness",
        "settings": {"pages_to_scan": point.pages_to_scan},
        "machine": {"memory_pages": (point.a_windows + point.b_windows + 16) * _FRAMES_PER_WINDOW},
        "procs": [
            {"name": "a", "ops": _one_page_each(point.a_windows)},
            {"name": "b", "ops": _one_page_each(point.b_windows)},
        ],
        "steps": [{"type": "none"}],
    })  # fmt: skip


def _one_page_each(windows: int) -> list[dict[str, Any]]:
    touched = [[_WINDOW * number, _WINDOW * number + 1] for number in range(windows)]
    return [
        {"op": "mmap", "start": 0, "pages": _WINDOW * windows},
        {"op": "write", "pages": touched},
        {"op": "advise", "advice": "hugepage"},
    ]
