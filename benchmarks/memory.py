"""The allocator and compaction: pairs of allocate and free, a full pass over a comb, boot of 64 GiB."""

from __future__ import annotations

from time import perf_counter_ns, process_time_ns

from benchmarks.report import Figure
from thplab.machine import Machine
from thplab.mm.include.gfp import GFP_COMP, GFP_HIGHUSER_MOVABLE
from thplab.mm.include.mmzone import Memory
from thplab.mm.include.state import Column
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import folio_put
from thplab.scenario.fragment import fragment

_PAIRS = 5_000
_COMB = 1 << 16  # frames: a quarter of 1 GiB, whose time is four times as long
_GIB64 = (64 << 30) // 4096


def _pairs(order: int) -> list[float]:
    """Pairs of allocate and free in a second, ten times."""
    kernel = Machine(memory_pages=16384, start_pfn=0x100000, memory=Memory(pcp=0)).kernel
    rates = []
    for _ in range(10):
        begin = perf_counter_ns()
        for _ in range(_PAIRS if not order else _PAIRS // 25):
            page = alloc_pages(kernel, GFP_HIGHUSER_MOVABLE | GFP_COMP, order)
            assert page is not None
            folio_put(kernel, page)
        count = _PAIRS if not order else _PAIRS // 25
        rates.append(count * 1e9 / (perf_counter_ns() - begin))
    return rates


def _compact() -> float:
    """Seconds of processor time to compact 1 GiB of which every fourth page is used."""
    memory = Memory(zones=(("Normal", _COMB),), watermarks=False, pcp=0, kernel_pages=2048)
    machine = Machine(memory_pages=_COMB, start_pfn=0x100000, memory=memory)
    fragment(machine, {group * 4 + group * 7 % 4 for group in range(_COMB // 4)})
    begin = process_time_ns()
    machine.write_sysctl("compact_memory", 1)
    return 4 * (process_time_ns() - begin) / 1e9


def _boot() -> tuple[float, float]:
    """Seconds of processor time, and MiB of all columns, for a machine of 64 GiB."""
    begin = process_time_ns()
    machine = Machine(memory_pages=_GIB64 - 1, start_pfn=1, memory=Memory())
    seconds = (process_time_ns() - begin) / 1e9
    mem_map = machine.kernel.mem_map
    columns = [getattr(mem_map, name) for name in type(mem_map).__slots__]
    size = sum(len(c) * c.itemsize for c in columns if isinstance(c, Column))
    return seconds, size / (1 << 20)


def figures() -> list[Figure]:
    """Rates, and the two aims: 1 GiB in under 2 s, 64 GiB in under 1 s and 600 MiB."""
    boots = [_boot() for _ in range(3)]
    return [
        Figure("pairs of order 0", "/s", _pairs(0), "allocate and free one page, 5000 times"),
        Figure("pairs of order 9", "/s", _pairs(9), "allocate and free a huge page, 200 times"),
        Figure("compaction of 1 GiB", "s", [_compact()], "a comb of 256 MiB, times four", aim=2),
        Figure("boot of 64 GiB", "s", [s for s, _ in boots], "processor time of Machine(...)", aim=1),
        Figure("memory of 64 GiB", "MiB", [m for _, m in boots], "bytes of all columns of mem_map", aim=600),
    ]
