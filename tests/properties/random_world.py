"""A machine with processes on which anything may happen, and what must hold all the time."""

from __future__ import annotations

from contextlib import suppress
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from tests.invariants import check, tables_and_pages, tokens
from thplab.kernels import ScanResult
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import VM_LOCKED
from thplab.mm.include.vm_event_item import EVENTS
from thplab.mm.khugepaged import collapse as collapse_module
from thplab.mm.khugepaged import scan as khugepaged_module

PAGE = 4096
GROWING = [name for name in EVENTS if not name.startswith("nr_")]
WINDOWS = 6
NAMES = ("a", "b")
MOST_PROCESSES = 4
INTRUSIONS = ("pin", "munmap", "dontneed", "clear_refs", "nohugepage", "exit", "pageout")
ADVICE = (
    "hugepage",
    "nohugepage",
    "mergeable",
    "dontneed",
    "collapse",
    "cold",
    "pageout",
    "populate_write",
    "populate_read",
)


class RandomWorld(RuleBasedStateMachine):
    """One or two processes on a machine with small tables; ``expected`` is what each page holds."""

    operations = 0  # of all runs
    sizes = (8, 16)
    memory = (4, 30)  # in huge pages

    def __init__(self):
        super().__init__()
        self.processes, self.expected, self.pins, self.held = {}, {}, [], {}
        self.counters = dict.fromkeys(GROWING, 0)
        self.intruder = None
        self.lazyfree = set()  # contents that reclaim may drop
        self.forks = 0
        self.patches = [
            mock.patch.object(collapse_module, "alloc_charge_folio", self._alloc_charge_folio()),
            mock.patch.object(khugepaged_module, "collapse_huge_page", self._collapse_huge_page()),
            mock.patch.object(collapse_module, "__collapse_huge_page_swapin", self._swapin()),
        ]
        for patch in self.patches:
            patch.start()

    def teardown(self):
        for patch in self.patches:
            patch.stop()

    @initialize(data=st.data())
    def boot(self, data):
        """Draw the machine."""
        self.entries = data.draw(st.sampled_from(self.sizes), "entries")
        huge_pages = data.draw(st.integers(*self.memory), "huge pages of memory")
        start = data.draw(st.integers(0, 3 * self.entries), "start_pfn")
        kernel = data.draw(st.sampled_from(["6.18", "6.1", "6.12", "7.3"]), "kernel")
        self.machine = Machine(
            kernel,
            memory_pages=huge_pages * self.entries + 3,
            start_pfn=start,
            entries=self.entries,
            swap_pages=data.draw(st.sampled_from([0, 5, 200]), "swap"),
        )
        self.size = self.entries * PAGE
        # The middle of the region is a border between two PMD tables.
        self.base = 2 * self.entries * self.size - WINDOWS // 2 * self.size
        self.pages = WINDOWS * self.entries
        for name in NAMES[: data.draw(st.integers(1, 2), "processes")]:
            self._start(name)

    def _start(self, name):
        try:
            self.processes[name] = self.machine.process(name)
        except MemoryError:
            return
        self.expected[name] = {}
        self.processes[name].mmap(self.base, WINDOWS * self.size)

    # what is drawn -----------------------------------------------------------------------

    def _one(self, data):
        name = data.draw(st.sampled_from(sorted(self.processes)), "process")
        return name, self.processes[name], self.expected[name]

    def _page(self, data):
        return data.draw(st.integers(0, self.pages - 1), "page")

    def _range(self, data):
        """Pages: sometimes whole windows, sometimes any."""
        if data.draw(st.booleans(), "whole windows"):
            first = data.draw(st.integers(0, WINDOWS - 1), "window")
            end = data.draw(st.integers(first + 1, WINDOWS), "end window")
            return first * self.entries, end * self.entries
        first = data.draw(st.integers(0, self.pages - 1), "first")
        return first, data.draw(st.integers(first + 1, self.pages), "end")

    def _at(self, page):
        return self.base + page * PAGE

    def _span(self, first, end):
        return self._at(first), (end - first) * PAGE

    def _discard(self, process, expected, first, end):
        """MADV_DONTNEED works through the VMAs and stops at the first that is locked."""
        start = self._at(first)
        locked = (v for v in process.mm.vmas if v.vm_flags & VM_LOCKED and v.vm_end > start)
        stop = min((max(vma.vm_start, start) for vma in locked), default=self._at(end))
        self._forget(expected, first, min(end, (stop - self.base) // PAGE))

    @staticmethod
    def _forget(expected, first, end):
        for page in range(first, end):
            expected.pop(page, None)

    def _write(self, process, expected, page, token):
        """Noted before it is done: khugepaged and an intruder may run before the call returns."""
        before = expected.get(page)
        expected[page] = token
        try:
            process.write(self._at(page), token)
        except (KernelError, MemoryError):
            if expected.get(page) != token:
                return
            if before is None:
                del expected[page]
            else:
                expected[page] = before

    def _lose(self, process, expected, first, end, advice):
        if advice == "free":
            self.lazyfree |= {expected.get(page, 0) for page in range(first, end)}
        with suppress(KernelError, MemoryError):
            process.madvise(*self._span(first, end), advice)
        found = tokens(process)
        for page in range(first, end):
            expected[page] = found.get(self._at(page), 0)

    def _may_hold(self, expected, page, token):
        """What was written, or nothing any more if reclaim may have dropped it after MADV_FREE."""
        written = expected.get(page, 0)
        return token == written or (token == 0 and written in self.lazyfree)

    def _intrude(self):
        if self.intruder is None or self.intruder[0] not in self.processes:
            return
        (name, what, first, end), self.intruder = self.intruder, None
        process, expected = self.processes[name], self.expected[name]
        with mock.patch.object(Machine, "run_ready"), suppress(KernelError, MemoryError):
            if what == "pin":
                self.pins.append((process, process.pin(self._at(first))))
            elif what == "clear_refs":
                process.clear_refs()
            elif what == "exit" and process.machine.kernel.current is not process.mm.task:
                process.exit()
                del self.processes[name], self.expected[name]
            elif what == "munmap":
                process.munmap(*self._span(first, end))
                self._forget(expected, first, end)
            elif what in ("dontneed", "nohugepage", "pageout"):
                if what == "dontneed":
                    self._discard(process, expected, first, end)
                process.madvise(*self._span(first, end), what)

    # what a refused collapse must leave alone ---------------------------------------------

    def _alloc_charge_folio(self):
        original = collapse_module.alloc_charge_folio

        def alloc_charge_folio(mm, cc):
            self._intrude()
            self.photograph, self.rss = tables_and_pages(mm.kernel), mm.rss
            self.moved = self._moved()
            return original(mm, cc)

        return alloc_charge_folio

    def _moved(self):
        """What compaction and reclaim have done: an allocation may do both."""
        names = ("pgmigrate", "pgs", "pswp", "compact", "thp_split", "thp_underused")
        return [self.machine.vmstat(name) for name in EVENTS if name.startswith(names)]

    def _swapin(self):
        original = collapse_module.__dict__["__collapse_huge_page_swapin"]

        def swapin(vma, *args):
            result = original(vma, *args)
            self.photograph, self.rss = tables_and_pages(vma.mm.kernel), vma.mm.rss  # what was read stays
            del self.photograph["free"]  # the folio for the collapse is allocated by now
            return result

        return swapin

    def _collapse_huge_page(self):
        original = khugepaged_module.collapse_huge_page

        def collapse_huge_page(mm, *args):
            result = original(mm, *args)
            # The allocation may have moved or reclaimed pages; nothing else may have changed.
            moved = self._moved() != self.moved
            if result is ScanResult.SUCCEED:
                if self.rss is None or moved:
                    return result
                filled = next(e for e in reversed(self.machine.trace) if e.name.endswith("_isolate"))
                assert mm.rss - self.rss == int(filled.value("none_or_zero")), "RSS grew by other than holes"
            elif not moved:
                now = tables_and_pages(mm.kernel)
                assert {key: now[key] for key in self.photograph} == self.photograph, f"{result} changed it"
            return result

        return collapse_huge_page

    # what always holds ----------------------------------------------------------------------

    @invariant()
    def whole(self):
        """Frames, lists, counts, locks."""
        check(self.machine, [page for _, page in self.pins], self.held)

    @invariant()
    def reads_back(self):
        """Every page holds what was written to it."""
        for name, process in self.processes.items():
            expected = self.expected[name]
            found = tokens(process)
            held = ((n, found.get(self._at(n), 0)) for n in range(self.pages))
            wrong = [n for n, token in held if not self._may_hold(expected, n, token)]
            assert not wrong, f"{name}: pages {wrong} do not hold what was written"

    @invariant()
    def counters_only_grow(self):
        """Event counters never fall."""
        now = {name: self.machine.vmstat(name) for name in GROWING}
        fell = [name for name in GROWING if now[name] < self.counters[name]]
        assert not fell, f"{fell} fell"
        self.counters = now
        RandomWorld.operations += 1
