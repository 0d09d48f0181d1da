"""Operations in any order: what programs, daemons and reclaim may do to a random world."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.random_world import ADVICE, INTRUSIONS, MOST_PROCESSES, NAMES, WINDOWS, RandomWorld
from thplab.mm.include.errors import KernelError
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import __free_pages as free_pages
from thplab.mm.shrinker import shrink_slab
from thplab.mm.vmscan.shrink_anon import shrink_anon_lists


class RandomRun(RandomWorld):
    """One or two processes on a machine with small tables; ``expected`` is what each page holds."""

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

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), token=st.integers(1, (1 << 32) - 1), count=st.integers(1, 40))
    def write(self, data, token, count):
        """Write some pages in a row."""
        _, process, expected = self._one(data)
        first = self._page(data)
        for page in range(first, min(first + count, self.pages)):
            self._write(process, expected, page, token)

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), token=st.integers(1, 1 << 20), advise=st.booleans(), holes=st.integers(0, 3))
    def fill(self, data, token, advise, holes):
        """Write whole windows but for a few holes, and advise them: food for khugepaged."""
        _, process, expected = self._one(data)
        first = data.draw(st.integers(0, WINDOWS - 1), "window")
        end = data.draw(st.integers(first + 1, WINDOWS), "end window")
        for page in range(first * self.entries, end * self.entries):
            if page % self.entries >= holes:
                self._write(process, expected, page, token + page)
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
                held = {page: expected.get(page, 0)}  # before it: who comes between changes that
                assert self._may_hold(held, page, process.read(self._at(page)))
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


class RandomRunOf512(RandomRun):
    """The same with tables of 512 entries."""

    sizes = (512,)
    memory = (4, 14)
