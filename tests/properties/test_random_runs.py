"""Any sequence of operations leaves the machine whole, and every page reads what was written."""

from __future__ import annotations

from contextlib import suppress
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.invariants import check, free_list, tables_and_pages, tokens
from thplab.kernels import ScanResult
from thplab.machine import Machine
from thplab.mm import collapse as collapse_module
from thplab.mm import khugepaged as khugepaged_module
from thplab.mm.errors import KernelError
from thplab.mm.mm_types import VM_LOCKED
from thplab.mm.page_alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc import __free_pages as free_pages
from thplab.mm.shrink_anon import shrink_anon_lists
from thplab.mm.shrinker import shrink_slab
from thplab.mm.vmstat import EVENTS

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


class RandomRun(RuleBasedStateMachine):
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

    # operations --------------------------------------------------------------------------

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), prot=st.sampled_from(["rw", "rw", "rw", "r", "none"]))
    def mmap(self, data, prot):
        """Map anew: what was there is gone."""
        _, process, expected = self._one(data)
        first, end = self._range(data)
        process.mmap(*self._span(first, end), prot)
        self._forget(expected, first, end)

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def munmap(self, data):
        """Unmap."""
        _, process, expected = self._one(data)
        first, end = self._range(data)
        process.munmap(*self._span(first, end))
        self._forget(expected, first, end)

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

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), token=st.integers(1, (1 << 32) - 1), count=st.integers(1, 40))
    def write(self, data, token, count):
        """Write some pages in a row."""
        _, process, expected = self._one(data)
        first = self._page(data)
        for page in range(first, min(first + count, self.pages)):
            try:
                process.write(self._at(page), token)
            except (KernelError, MemoryError):
                continue
            expected[page] = token

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), token=st.integers(1, 1 << 20), advise=st.booleans(), holes=st.integers(0, 3))
    def fill(self, data, token, advise, holes):
        """Write whole windows but for a few holes, and advise them: food for khugepaged."""
        _, process, expected = self._one(data)
        first = data.draw(st.integers(0, WINDOWS - 1), "window")
        end = data.draw(st.integers(first + 1, WINDOWS), "end window")
        for page in range(first * self.entries, end * self.entries):
            if page % self.entries >= holes:
                try:
                    process.write(self._at(page), token + page)
                except (KernelError, MemoryError):
                    continue
                expected[page] = token + page
        if advise:
            with suppress(KernelError):
                process.madvise(*self._span(first * self.entries, end * self.entries), "hugepage")

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), count=st.integers(1, 20))
    def read(self, data, count):
        """Read some pages in a row."""
        _, process, expected = self._one(data)
        first = self._page(data)
        for page in range(first, min(first + count, self.pages)):
            try:
                assert self._may_hold(expected, page, process.read(self._at(page)))
            except (KernelError, MemoryError):
                continue

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), advice=st.sampled_from(ADVICE))
    def madvise(self, data, advice):
        """Any advice of which only dontneed changes what memory holds."""
        _, process, expected = self._one(data)
        first, end = self._range(data)
        try:
            process.madvise(*self._span(first, end), advice)
        except KernelError as error:
            self.refused = error  # a hole, or a window that could not be collapsed: the rest is done
        except MemoryError:
            assert advice.startswith("populate")
        if advice == "dontneed":
            self._discard(process, expected, first, end)

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), advice=st.sampled_from(["free", "guard_install", "guard_remove"]))
    def lose(self, data, advice):
        """Advice after which memory may read 0; nothing else is known of it until it is written again."""
        _, process, expected = self._one(data)
        first, end = self._range(data)
        self._lose(process, expected, first, end, advice)

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

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), prot=st.sampled_from(["rw", "rw", "r", "none"]))
    def mprotect(self, data, prot):
        """Change the protection."""
        _, process, _ = self._one(data)
        with suppress(KernelError, MemoryError):
            process.mprotect(*self._span(*self._range(data)), prot)

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), protect=st.booleans())
    def userfaultfd(self, data, protect):
        """Register memory for write protection, and protect it or lift that."""
        _, process, _ = self._one(data)
        first, end = self._range(data)
        with suppress(KernelError):
            process.uffd_register(*self._span(first, end))
            process.uffd_writeprotect(*self._span(first, end), protect=protect)

    @rule()
    def ksmd(self):
        """Merge what is equal in mergeable memory."""
        self.machine.run_ksmd()

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), room=st.integers(0, 40))
    def cgroup(self, data, room):
        """Put a process into a group of its own, with little room or without a limit."""
        _, process, _ = self._one(data)
        if process.mm.memcg is None:
            process.enter_cgroup(self.machine.cgroup(process.mm.name))
        process.mm.memcg.max = process.mm.memcg.usage + room if room < 30 else None

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def mlock(self, data):
        """Lock memory."""
        _, process, _ = self._one(data)
        with suppress(KernelError, MemoryError):
            process.mlock(*self._span(*self._range(data)))

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def pin(self, data):
        """Take an extra reference."""
        _, process, _ = self._one(data)
        with suppress(KernelError, MemoryError):
            self.pins.append((process, process.pin(self._at(self._page(data)))))

    @precondition(lambda self: self.pins)
    @rule(data=st.data())
    def unpin(self, data):
        """Give one back."""
        process, page = self.pins.pop(data.draw(st.integers(0, len(self.pins) - 1), "pin"))
        process.unpin(page)

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def clear_refs(self, data):
        """Make all pages old."""
        self._one(data)[1].clear_refs()

    @rule()
    def wake(self):
        """One pass of khugepaged."""
        self.machine.wake_khugepaged()

    @rule(seconds=st.integers(1, 200))
    def run_for(self, seconds):
        """Let time pass."""
        self.machine.run_for(seconds * 1000)

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def exit(self, data):
        """End a process and start a new one of that name."""
        name, process, _ = self._one(data)
        process.exit()
        del self.processes[name], self.expected[name]
        if name in NAMES:
            self._start(name)

    @precondition(lambda self: self.processes and len(self.processes) < MOST_PROCESSES)
    @rule(data=st.data())
    def fork(self, data):
        """A child, which begins with what its parent has."""
        _, process, expected = self._one(data)
        self.forks += 1
        name = f"kid {self.forks}"
        with suppress(MemoryError):
            self.processes[name] = process.fork(name)
            self.expected[name] = dict(expected)

    @rule(data=st.data())
    def knob(self, data):
        """Turn a knob."""
        limit = st.integers(0, self.entries - 1)
        path, values = data.draw(
            st.sampled_from(
                [
                    ("enabled", st.sampled_from(["always", "madvise", "never"])),
                    ("shrink_underused", st.sampled_from([0, 1])),
                    ("use_zero_page", st.sampled_from([0, 1])),
                    ("hugepages-2048kB/enabled", st.sampled_from(["inherit", "always", "never"])),
                    ("khugepaged/max_ptes_none", limit),
                    ("khugepaged/max_ptes_shared", limit),
                    ("khugepaged/max_ptes_swap", limit),
                    ("hugepages-16kB/enabled", st.sampled_from(["inherit", "always", "never"])),
                    ("khugepaged/pages_to_scan", st.integers(1, 20 * self.entries)),
                ]
            ),
            "knob",
        )
        with suppress(KernelError):  # 6.1 has no sizes
            self.machine.write_sysfs(path, data.draw(values, "value"))

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def hole(self, data):
        """Give a few pages of one window back: a huge page there is partially mapped afterwards."""
        _, process, expected = self._one(data)
        first = self._page(data)
        end = min(first + data.draw(st.integers(1, 3), "pages"), self.pages)
        with suppress(KernelError):  # what is not mapped is passed over, and said at the end
            process.madvise(*self._span(first, end), "dontneed")
        self._discard(process, expected, first, end)

    @rule(priority=st.integers(0, 3))
    def shrink(self, priority):
        """Memory is short: the shrinkers give back what they can."""
        shrink_slab(self.machine.kernel, priority)

    @rule(priority=st.integers(0, 12), wanted=st.integers(1, 60))
    def reclaim(self, priority, wanted):
        """Memory is short: kswapd looks for pages that were not used lately."""
        shrink_anon_lists(self.machine.kernel, wanted, priority, "direct")

    @rule(order=st.integers(0, 3))
    def eat(self, order):
        """Somebody else takes memory."""
        page = alloc_pages(self.machine.kernel, 0, order)
        if page is not None:
            self.held[page] = order

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data):
        """And returns it."""
        page = data.draw(st.sampled_from(sorted(self.held)), "page")
        self.machine.kernel.mem_map.refcount[page] = 0
        free_pages(self.machine.kernel, page, self.held.pop(page))

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), what=st.sampled_from(INTRUSIONS), collapse=st.booleans())
    def disturb(self, data, what, collapse):
        """The next time a huge page is allocated for a collapse, this happens meanwhile."""
        name = data.draw(st.sampled_from(sorted(self.processes)), "process")
        self.intruder = (name, what, *self._range(data))
        if collapse:
            with suppress(KernelError):
                self.processes[name].madvise(*self._span(0, self.pages), "collapse")
        else:
            self.machine.wake_khugepaged()

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
        RandomRun.operations += 1


class RandomRunOf512(RandomRun):
    """The same with tables of 512 entries."""

    sizes = (512,)
    memory = (4, 14)


def run(machine, examples, steps):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_small_tables():
    """Do all rules hold after any sequence, with tables of 8 and 16 entries?"""
    run(RandomRun, 60, 40)


def test_tables_of_512():
    """And with those of x86-64?"""
    run(RandomRunOf512, 8, 15)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    start=st.integers(0, 5000),
    pages=st.integers(64, 600),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 1 << 16)), max_size=60),
)
def test_buddy_allocator(start, pages, steps):
    """Are free blocks aligned, disjoint, maximal, and all frames accounted for, after any sequence?"""
    machine = Machine(entries=32, memory_pages=pages, start_pfn=start)
    held = {}
    for allocate, order, which in steps:
        if allocate:
            largest = max((o for _, o in free_list(machine.kernel)), default=-1)
            page = alloc_pages(machine.kernel, 0, order)
            assert (page is None) == (largest < order)
            if page is not None:
                assert (page + start) % (1 << order) == 0
                held[page] = order
        elif held:
            page = sorted(held)[which % len(held)]
            machine.kernel.mem_map.refcount[page] = 0
            free_pages(machine.kernel, page, held.pop(page))
        check(machine, held=held)
    for page in list(held):
        machine.kernel.mem_map.refcount[page] = 0
        free_pages(machine.kernel, page, held.pop(page))
    fresh = Machine(entries=32, memory_pages=pages, start_pfn=start)
    assert sorted(free_list(machine.kernel)) == sorted(free_list(fresh.kernel))


@pytest.mark.parametrize("spoil", ["leak", "refcount", "rss", "mapcount", "torn list", "lock", "counter"])
def test_the_rules_notice(spoil):
    """Does the checker notice each kind of damage?"""
    machine = Machine()
    process = machine.process("app")
    process.mmap(0x200000, 2 << 20)
    process.write(0x200000, 1)
    check(machine)
    kernel = machine.kernel
    page = next(p for p in range(kernel.mem_map.nr_frames) if kernel.mem_map.mapcount[p])
    if spoil == "leak":
        alloc_pages(kernel, 0, 3)
    elif spoil == "torn list":
        kernel.mem_map.lru_next[free_list(kernel)[0][0]] = page
    elif spoil == "lock":
        process.mm.mmap_lock.readers = 1
    elif spoil == "counter":
        kernel.vmstat[EVENTS.index("nr_anon_pages")] += 1
    elif spoil == "rss":
        process.mm.rss += 1
    else:
        getattr(kernel.mem_map, spoil)[page] += 1
    with pytest.raises(AssertionError):
        check(machine)
