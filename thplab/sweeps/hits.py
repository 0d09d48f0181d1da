"""TLB hits against the working set: where small pages fall off, and how much later huge ones do."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from thplab.access import random_order, run_pattern, strided
from thplab.machine import Machine
from thplab.mm.tlb import Tlb
from thplab.sweeps.arguments import check_kernel, number, numbers
from thplab.sweeps.rows import Rows
from thplab.sweeps.run import sweep

_KIB, _MIB = 1 << 10, 1 << 20
#: Bytes. The small pages end at 4 MiB, where the last ones miss: more would only take longer.
SMALL_SETS = tuple(size * _KIB for size in (64, 128, 256, 512, 1024, 4096))
HUGE_SETS = tuple(size * _MIB for size in (2, 8, 32, 128, 256, 512))

_REGION = 0x100000000000
_PAGE, _WINDOW = 4 * _KIB, 2 * _MIB
_FRAMES_BESIDE = 2048
#: 64 GiB.
_MOST_BYTES = 1 << 36


@dataclass(frozen=True, slots=True)
class HitRow:
    """``hit_rate`` of random accesses to so many bytes, and entries read from page tables per access."""

    page: str
    working_set: int
    entries: int
    hit_rate: float
    references: float


@dataclass(frozen=True, slots=True)
class _Point:
    huge: bool
    working_set: int
    entries: int
    ways: int
    accesses: int
    kernel: str
    seed: int


def hit_sweep(
    small: Sequence[int] = SMALL_SETS,
    huge: Sequence[int] = HUGE_SETS,
    *,
    entries: int = 64,
    ways: int = 4,
    accesses: int = 4000,
    kernel: str = "6.18",
    seed: int = 1,
    executor: Executor | None = None,
) -> Rows[HitRow]:
    """A row for each working set (bytes) of small pages, then for each of huge pages.

    The pages are touched once before anything is counted. Raises ValueError for a working set that is not
    a whole number of pages, or a TLB that cannot be.
    """
    check_kernel(kernel, seed)
    numbers("small", small, _PAGE, _MOST_BYTES, least=0)
    numbers("huge", huge, _WINDOW, _MOST_BYTES, least=0)
    number("accesses", accesses, 1, 10_000_000)
    points = [
        _Point(is_huge, size, entries, ways, accesses, kernel, seed)
        for is_huge, sizes in ((False, small), (True, huge))
        for size in sizes
    ]
    for point in points:
        unit = _WINDOW if point.huge else _PAGE
        if point.working_set < unit or point.working_set % unit:
            raise ValueError(f"working set {point.working_set}: allowed are multiples of {unit}")
    return sweep(_hits, points, executor=executor, title="TLB hits")


def _hits(point: _Point) -> list[HitRow]:
    machine = Machine(point.kernel, memory_pages=point.working_set // _PAGE + _FRAMES_BESIDE)
    process = machine.process("app")
    length = -(-point.working_set // _WINDOW) * _WINDOW
    process.mmap(_REGION, length)
    process.madvise(_REGION, length, "hugepage" if point.huge else "nohugepage")
    tlb = Tlb(point.entries, point.ways)
    every = _WINDOW if point.huge else _PAGE
    run_pattern(process, tlb, strided(_REGION, point.working_set, every), write=True)
    report = run_pattern(
        process, tlb, random_order(_REGION, point.working_set, point.accesses, seed=point.seed)
    )
    name = "2 MiB" if point.huge else "4 KiB"
    per_access = report.references / report.accesses
    return [HitRow(name, point.working_set, point.entries, report.hit_rate, per_access)]
