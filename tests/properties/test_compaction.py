"""Whatever is mapped, freed, pinned, forked and compacted: no page is lost, every page reads back."""

from __future__ import annotations

import random
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from tests.invariants import check, tokens
from tests.sampling import check_drawn, draws
from thplab.machine import Machine
from thplab.mm.compaction.compact import ASYNC, SYNC_FULL, SYNC_LIGHT, try_to_compact_pages
from thplab.mm.include.errors import KernelError
from thplab.mm.include.gfp import GFP_TRANSHUGE
from thplab.mm.include.mmzone import Memory
from thplab.mm.page_alloc.alloc import __free_pages as free_pages
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.readahead import read_page

PAGE = 4096
BASE = 0x100000
KINDS = (
    *("write", "dontneed", "fork", "exit", "pin", "unpin", "cache", "advise"),
    *("compact", "direct", "proactive", "fault", "collapse"),
)
STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, 1 << 16), st.integers(1, 40))


class Run:
    """One machine with small tables, and what each process must read."""

    def __init__(self, entries: int, blocks: int, pcp: int, grouped: bool) -> None:
        memory = Memory(pcp=pcp, group_by_mobility=grouped, watermarks=False, kernel_pages=64 * entries)
        self.machine = Machine(
            memory_pages=blocks * entries, start_pfn=0x1000, entries=entries, memory=memory
        )
        self.pages = blocks * entries
        self.expected: dict[str, dict[int, int]] = {}
        self.processes: dict[str, object] = {}
        self.pins: list[tuple[object, int]] = []
        self._start("p0")

    def _start(self, name: str) -> None:
        process = self.machine.process(name)
        process.mmap(BASE, self.pages * PAGE)
        self.processes[name], self.expected[name] = process, {}

    def step(self, what: str, where: int, count: int) -> None:
        names = sorted(self.processes)
        name = names[where % len(names)]
        process, expected = self.processes[name], self.expected[name]
        first = where % self.pages
        count = min(count, self.pages - first)
        with suppress(MemoryError, KernelError):
            getattr(self, what)(name, process, expected, first, count)

    def write(self, name, process, expected, first, count) -> None:
        for page in range(first, first + count):
            process.write(BASE + page * PAGE, page * 7 + first + 1)
            expected[page] = page * 7 + first + 1

    def dontneed(self, name, process, expected, first, count) -> None:
        process.madvise(BASE + first * PAGE, count * PAGE, "dontneed")
        for page in range(first, first + count):
            expected.pop(page, None)

    def fork(self, name, process, expected, first, count) -> None:
        if len(self.processes) < 3:
            child = f"p{len(self.machine.kernel.mms) + first}"
            if child not in self.processes:
                self.processes[child] = process.fork(child)
                self.expected[child] = dict(expected)

    def exit(self, name, process, expected, first, count) -> None:
        if len(self.processes) > 1:
            process.exit()
            del self.processes[name], self.expected[name]

    def pin(self, name, process, expected, first, count) -> None:
        if first in expected:
            self.pins.append((process, process.pin(BASE + first * PAGE)))

    def unpin(self, name, process, expected, first, count) -> None:
        if self.pins:
            _, page = self.pins.pop()
            folio_put(self.machine.kernel, self.machine.kernel.mem_map.compound_head[page])

    def cache(self, name, process, expected, first, count) -> None:
        for _ in range(count):
            read_page(self.machine.kernel)

    def advise(self, name, process, expected, first, count) -> None:
        process.madvise(BASE, self.pages * PAGE, "hugepage")

    def compact(self, name, process, expected, first, count) -> None:
        self.machine.write_sysctl("compact_memory", 1)

    def direct(self, name, process, expected, first, count) -> None:
        order = self.machine.kernel.geometry.HPAGE_PMD_ORDER
        priority = (ASYNC, SYNC_LIGHT, SYNC_FULL)[count % 3]
        _, page = try_to_compact_pages(self.machine.kernel, GFP_TRANSHUGE, order, priority)
        if page is not None:
            free_pages(self.machine.kernel, page, order)

    def proactive(self, name, process, expected, first, count) -> None:
        self.machine.write_sysctl("compaction_proactiveness", min(100, count * 3))

    def fault(self, name, process, expected, first, count) -> None:
        size = self.machine.kernel.geometry.HPAGE_PMD_NR
        first = first // size * size
        process.write(BASE + first * PAGE, first + 3)
        expected[first] = first + 3

    def collapse(self, name, process, expected, first, count) -> None:
        size = self.machine.kernel.geometry.HPAGE_PMD_SIZE
        start = (BASE + first * PAGE) // size * size
        process.madvise(max(start, BASE), size, "collapse")

    def verify(self) -> None:
        check(self.machine, pins=[page for _, page in self.pins])
        for name, process in self.processes.items():
            found = tokens(process)
            for page, token in self.expected[name].items():
                assert found.get(BASE + page * PAGE, 0) == token, (name, page)


@given(
    entries=st.sampled_from([8, 16, 32]),
    blocks=st.integers(6, 16),
    pcp=st.sampled_from([0, 0, 64]),
    grouped=st.booleans(),
    steps=st.lists(STEP, min_size=5, max_size=40),
)
def no_page_is_lost(entries, blocks, pcp, grouped, steps):
    """Frames are conserved, free blocks aligned and disjoint, contents read back after every step."""
    run = Run(entries, blocks, pcp, grouped)
    for step in steps:
        run.step(*step)
        run.verify()


@draws(60)
def test_no_page_is_lost(examples):
    """Whatever is done in whatever order?"""
    check_drawn(no_page_is_lost, examples)


def test_a_long_run():
    """Two thousand random steps on one machine."""
    rng = random.Random(11)
    run = Run(16, 20, 0, True)
    for number in range(2000):
        run.step(rng.choice(KINDS), rng.randrange(1 << 16), rng.randint(1, 40))
        if number % 50 == 0:
            run.verify()
    run.verify()
