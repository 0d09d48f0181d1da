"""khugepaged at work: recorded runs predicted, whole processes collapsed, 64 GiB in 4096 passes."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter_ns, process_time_ns
from typing import Any

from tqdm import tqdm

from benchmarks.report import Figure
from tests.conformance.captures import rows
from thplab.machine import Machine
from thplab.mm.include.mmzone import Memory
from thplab.scenario.predict import predict_lines

__all__ = ["collapse", "figures", "lines_of", "sixty_four_gib"]

#: Sizes whose cost for each window is compared, in windows: 1 GiB and 8 GiB.
_SIZES = (512, 4096)
_SECONDS = 1e9


def lines_of(file: str) -> Iterator[bytes]:
    """The recorded runs of a file as ``thplab predict`` reads them."""
    for row in rows(file):
        yield json.dumps({"scenario": row.scenario, "before": row.observed["before"]}).encode()


def _bar(title: str, total: int) -> Any:
    return tqdm(desc=title, total=total, leave=False, disable=None)


def _predict() -> float:
    """Seconds of processor time for all runs of random-A."""
    lines = list(lines_of("random-A"))
    begin = process_time_ns()
    with _bar("predict", len(lines)) as bar:
        for answer in predict_lines(lines):
            assert "error" not in answer, answer
            bar.update()
    return (process_time_ns() - begin) / _SECONDS


def _peak_mib() -> float:
    """The most memory that this process has had: ru_maxrss is in KiB, on macOS in bytes."""
    unit = 1 << (20 if sys.platform == "darwin" else 10)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def collapse(windows: int) -> tuple[float, float]:
    """Milliseconds of processor time for each window, and MiB that the machine took for each GiB.

    Every page of every window is written first, which is not counted in the time.
    """
    before = _peak_mib()
    # Zones and grouping as at boot: in a slice, page tables stand between the data and no block comes free.
    machine = Machine(memory_pages=(windows + 64) * 520, start_pfn=0x100000, memory=Memory())
    size = machine.kernel.geometry.HPAGE_PMD_SIZE
    machine.set_knobs([("enabled", "madvise"), ("khugepaged/scan_sleep_millisecs", 0)])
    app = machine.process("app")
    app.mmap(size, windows * size)
    with _bar(f"writing {windows} windows", windows) as bar:
        for number in range(1, windows + 1):
            for page in range(number * size, (number + 1) * size, 4096):
                app.write(page, number)
            bar.update()
    app.madvise(size, windows * size, "hugepage")
    scan = machine.kernel.khugepaged
    begin = process_time_ns()
    with _bar(f"collapsing {windows} windows", windows) as bar:
        while scan.pages_collapsed < windows:
            machine.run_for(1)
            assert not machine.vmstat("thp_collapse_alloc_failed"), "no block is free: this would not end"
            bar.update(scan.pages_collapsed - bar.n)
    spent = (process_time_ns() - begin) / 1e6
    return spent / windows, (_peak_mib() - before) / (windows * size / (1 << 30))


def sixty_four_gib(windows: int = 32768) -> float:
    """Seconds from the madvise of ``windows`` windows with a page each to the last collapse, naps skipped."""
    machine = Machine(memory_pages=(windows + 600) * 65, entries=64)
    size = machine.kernel.geometry.HPAGE_PMD_SIZE
    tenant = machine.process("tenant")
    tenant.mmap(size, windows * size)
    for number in range(1, windows + 1):
        tenant.write(number * size, number)
    begin = perf_counter_ns()
    tenant.madvise(size, windows * size, "hugepage")
    with _bar("passes over 64 GiB", windows) as bar:
        while machine.kernel.khugepaged.pages_collapsed < windows:
            machine.run_for(10_000)
            bar.update(machine.kernel.khugepaged.pages_collapsed - bar.n)
    return (perf_counter_ns() - begin) / _SECONDS


def figures() -> list[Figure]:
    """Of one run each: they are long."""
    found = [Figure("predict, 600 recorded runs", "s", [_predict()], "random-A, processor time", aim=30)]
    costs = []
    for windows in _SIZES:
        # A process of its own: its peak of memory is that of this machine.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            cost, memory = alone.submit(collapse, windows).result()
        costs.append(cost)
        gib = f"{windows * 2 // 1024} GiB"
        found += [
            Figure(f"{gib} collapsed, for each GiB", "ms", [cost * 512], "processor time; all pages written"),
            Figure(f"  memory of {gib}, for each GiB", "MiB", [memory], "peak of the process less start"),
        ]
    how = "cost of a window in 8 GiB / in 1 GiB"
    return [
        *found,
        Figure("  is it flat?", "times", [costs[-1] / costs[0]], how, aim=1.2),
        Figure("64 GiB in 4096 passes", "s", [sixty_four_gib()], "tables of 64, a page in each", aim=60),
    ]
