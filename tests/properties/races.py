"""Random runs with shared memory, and with intruders at every gap of a collapse."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from types import SimpleNamespace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.invariants import tables_and_pages, vma_of
from tests.properties.random_run import RandomRun
from tests.properties.random_world import MOST_PROCESSES, WINDOWS
from thplab.mm.exit import begin_exit, exit_mm
from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import Waiter, wait_for
from thplab.mm.include.mm_types import VM_SHARED
from thplab.mm.kthread import running
from thplab.mm.vmscan.isolate import folio_isolate_lru
from thplab.mm.vmscan.shrink_folio import reclaim_pages
from thplab.scenario.gaps import GAPS, probed
from thplab.scenario.locks import first_to_wait_for
from thplab.scenario.observe import folio_at
from thplab.scenario.spec import INTRUDER_OPS

__all__ = ["RACES", "Memory", "RandomRaces", "RandomRacesOf512"]

RACES = ("pin", "munmap", "mprotect", "fork", "exit", "write", "clear_refs", "swapout")
RACE_ADVICE = ("dontneed", "nohugepage", "pageout")
#: From the fence on the PMD is clear: no time to photograph what a refused collapse must restore.
BEHIND_THE_FENCE = ("after_fence", "before_copy", "before_free", "before_publish")


class Memory(dict):
    """What each page of a process must hold. Pages of shared memory lead to a file's contents.

    ``links``: page -> (contents of the file, page of the file); ``is_shared``: asks the process's VMAs.
    """

    def __init__(self, is_shared, links=(), pages=()):
        super().__init__(pages)
        self.is_shared, self.links = is_shared, dict(links)

    def get(self, page, default=None):
        """What the page must hold."""
        if page in self.links:
            contents, index = self.links[page]
            return contents.get(index, default)
        return super().get(page, default)

    def __setitem__(self, page, token):
        """A write."""
        if page in self.links:
            contents, index = self.links[page]
            contents[index] = token
        else:
            super().__setitem__(page, token)

    def __delitem__(self, page):
        """The write was refused, and nothing had been written before."""
        if page in self.links:
            contents, index = self.links[page]
            del contents[index]
        else:
            super().__delitem__(page)

    def pop(self, page, default=None):
        """The page was unmapped or thrown away; shared memory that is still mapped keeps its contents."""
        if page in self.links:
            if self.is_shared(page):
                return default
            del self.links[page]
        return super().pop(page, default)


class RandomRaces(RandomRun):
    """The same machine; ``told``: how often which intruder acted, and when."""

    told: dict[str, int] = {}  # noqa: RUF012  # one table for all runs, for soak.py

    def _start(self, name):
        super()._start(name)
        if name in self.processes:
            self.expected[name] = Memory(partial(self._is_shared, self.processes[name]))

    def _is_shared(self, process, page):
        vma = vma_of(process.mm, self._at(page))
        return vma is not None and bool(vma.vm_flags & VM_SHARED)

    # shared memory ------------------------------------------------------------------------

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), memfd=st.booleans())
    def mmap_shared(self, data, memfd):
        """Map shared memory, or a memfd from some page on."""
        _, process, expected = self._one(data)
        first, end = self._range(data)
        offset = data.draw(st.integers(0, 3) | st.just(self.entries), "offset") if memfd else 0
        start, length = self._span(first, end)
        if memfd:
            file = process.memfd_create("x", length + offset * 4096)
            process.mmap(start, length, shared=True, file=file, pgoff=offset)
            process.close(file)
        else:
            process.mmap(start, length, shared=True)
        self._forget(expected, first, end)
        contents = {}
        for page in range(first, end):
            expected.pop(page)
            expected.links[page] = contents, page - first + offset

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def mmap_private_view(self, data):
        """Map a file privately twice: what one writes the other does not see."""
        _, process, expected = self._one(data)
        first, end = self._range(data)
        start, length = self._span(first, end)
        file = process.memfd_create("y", length)
        process.mmap(start, length, file=file)
        process.close(file)
        self._forget(expected, first, end)

    @precondition(lambda self: self.processes and len(self.processes) < MOST_PROCESSES)
    @rule(data=st.data())
    def fork(self, data):
        """A child, which begins with what its parent has, and shares what is shared."""
        _, process, _ = self._one(data)
        with suppress(MemoryError):
            self._fork(process)

    def _fork(self, process):
        name, self.forks = f"kid {self.forks + 1}", self.forks + 1
        parent = self.expected[process.mm.name]
        child = process.fork(name)
        self.processes[name] = child
        self.expected[name] = Memory(partial(self._is_shared, child), parent.links, dict(parent))

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), advice=st.sampled_from(["free", "guard_install", "guard_remove"]))
    def lose(self, data, advice):
        """As with private memory; guard pages in shared memory hide what others still see."""
        _, process, expected = self._one(data)
        first, end = self._range(data)
        if any(page in expected.links for page in range(first, end)):
            return
        self._lose(process, expected, first, end, advice)

    @rule(data=st.data())
    def shmem_knob(self, data):
        """Turn a knob of shared memory."""
        path, words = data.draw(
            st.sampled_from(
                [
                    ("shmem_enabled", ("always", "within_size", "advise", "never", "deny", "force")),
                    (
                        "hugepages-2048kB/shmem_enabled",
                        ("always", "inherit", "within_size", "advise", "never"),
                    ),
                ]
            ),
            "knob",
        )
        with suppress(KernelError):  # 6.1 has no sizes
            self.machine.write_sysfs(path, data.draw(st.sampled_from(words), "word"))

    # races --------------------------------------------------------------------------------

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), gap=st.sampled_from(list(GAPS)), what=st.sampled_from((*RACES, *RACE_ADVICE)))
    def race_with_khugepaged(self, data, gap, what):
        """The first time that khugepaged comes to the gap, somebody acts there, or waits."""
        self._race(data, gap, what, collapse=False)

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), gap=st.sampled_from(list(GAPS)), what=st.sampled_from((*RACES, *RACE_ADVICE)))
    def race_with_madv_collapse(self, data, gap, what):
        """The first time that MADV_COLLAPSE comes to the gap, somebody acts there, or waits."""
        self._race(data, gap, what, collapse=True)

    def _race(self, data, gap, what, *, collapse):
        _, process, _ = self._one(data)
        window = first, end = self._make_food(data, process)
        half = first + self.entries // 2
        meant = data.draw(st.sampled_from([window, (first, half), (half, end), None]), "meant")
        intruder = data.draw(st.sampled_from([process.mm.name, *sorted(self.processes)]), "intruder")
        waiting = [(intruder, what, *(meant or self._range(data)))]

        def reached():
            while waiting:
                self._arrive(gap, *waiting.pop())

        with probed({gap: reached}):
            if collapse:
                with suppress(KernelError):
                    process.madvise(*self._span(*window), "collapse")
            else:
                self.machine.wake_khugepaged()

    def _make_food(self, data, process):
        """A fresh window, written but for a few holes, perhaps with swapped pages; the daemon knows of it."""
        first = data.draw(st.integers(0, WINDOWS - 1), "window") * self.entries
        window, expected = (first, first + self.entries), self.expected[process.mm.name]
        token, holes = data.draw(st.integers(1, 99)), data.draw(st.integers(0, 2))
        swapped = data.draw(st.sampled_from([0, 0, 1, 2]), "swapped")
        with self.machine.daemons_held_back(), suppress(KernelError, MemoryError):
            process.mmap(*self._span(*window))
            self._forget(expected, *window)
            for page in range(first + holes, first + self.entries):
                process.write(self._at(page), token + page)
                expected[page] = token + page
            process.madvise(*self._span(first + holes, first + holes + swapped), "pageout")
            process.madvise(*self._span(*window), "hugepage")
        return window

    def _arrive(self, gap, name, what, first, end):
        process = self.processes.get(name)
        if process is None or (what == "exit" and self.machine.kernel.current is process.mm.task):
            return
        if what in ("pin", "write"):
            end = first + 1
        op = {"op": "advise", "advice": what} if what in RACE_ADVICE else {"op": what}
        pages = SimpleNamespace(process=process, address=self._at, pages=lambda op: iter(range(first, end)))
        act = partial(self._act, gap, name, process, what, first, end)
        missing = first_to_wait_for(pages, INTRUDER_OPS[op["op"]].lock, op)
        if what == "exit":
            begin_exit(process.mm)
            del self.processes[name], self.expected[name]
        if missing is None:
            act()
            self._tell(f"{what} at once")
        else:
            lock, write = missing
            self._tell(f"{what} after waiting")
            wait_for(lock, Waiter(name, what, partial(act, waited=True), write=write))

    def _tell(self, what):
        self.told[what] = self.told.get(what, 0) + 1

    def _act(self, gap, name, process, what, first, end, *, waited=False):
        kernel = self.machine.kernel
        with self.machine.daemons_held_back(), suppress(KernelError, MemoryError):
            if what == "exit":
                with running(kernel, process.mm.task):
                    exit_mm(process.mm)
            elif name in self.processes:
                self._do(name, process, what, first, end)
        self.rss = None
        if waited or gap not in BEHIND_THE_FENCE:
            self.photograph = tables_and_pages(kernel)
            del self.photograph["free"]
        else:
            self.photograph = {}

    def _do(self, name, process, what, first, end):
        expected, span = self.expected[name], self._span(first, end)
        if what == "pin":
            self.pins.append((process, process.pin(span[0])))
        elif what == "write":
            process.write(span[0], 7)
            expected[first] = 7
        elif what == "clear_refs":
            process.clear_refs()
        elif what == "mprotect":
            process.mprotect(*span, "r")
        elif what == "munmap":
            process.munmap(*span)
            self._forget(expected, first, end)
        elif what == "fork" and len(self.processes) < MOST_PROCESSES:
            self._fork(process)
        elif what == "swapout":
            kernel = self.machine.kernel
            folios = {folio_at(process, self._at(page)) for page in range(first, end)} - {None}
            reclaim_pages(kernel, [folio for folio in sorted(folios) if folio_isolate_lru(kernel, folio)])
        elif what == "dontneed":
            self._discard(process, expected, first, end)
            process.madvise(*span, what)
        elif what in RACE_ADVICE:
            process.madvise(*span, what)


class RandomRacesOf512(RandomRaces):
    """The same with tables of 512 entries."""

    sizes = (512,)
    memory = (4, 14)
