"""A small machine (tables of 8 entries) and what happens on it: recordings of a few hundred moments."""

from __future__ import annotations

from thplab.machine import Machine, Process
from thplab.mm.include.errors import KernelError
from thplab.recording import Recorder, Recording, snapshot_bytes

#: One window: 8 pages of 4 KiB.
WINDOW = 8 << 12
ADDRESS = 64 * WINDOW


def machine(kernel: str = "6.18", **knobs: object) -> tuple[Machine, Process]:
    """A machine with one process that has two windows mapped."""
    small = Machine(kernel, memory_pages=128, start_pfn=0x200, entries=8, swap_pages=32)
    for name, value in knobs.items():
        small.write_sysfs(f"khugepaged/{name}", value)
    app = small.process("app")
    app.mmap(ADDRESS, 2 * WINDOW)
    return small, app


def advise(app: Process) -> None:
    """Register the process: khugepaged, that had nobody to look at, begins at once."""
    app.madvise(ADDRESS, 2 * WINDOW, "hugepage")


def touch(app: Process, first: int, count: int) -> None:
    """Write to ``count`` pages of the region."""
    for page in range(first, first + count):
        app.write(ADDRESS + (page << 12), 100 + page)


def act(small: Machine, app: Process, action: int) -> None:
    """One of several things that a process or khugepaged can do; what is refused is refused."""
    try:
        if action < 5:
            touch(app, 3 * action, 3)
        elif action == 5:
            small.wake_khugepaged()
        elif action == 6:
            app.madvise(ADDRESS, WINDOW, "collapse")
        elif action == 7:
            app.madvise(ADDRESS, WINDOW, "dontneed")
        elif action == 8:
            app.munmap(ADDRESS + WINDOW, WINDOW)
        elif action == 9:
            advise(app)
        elif action == 10:
            app.clear_refs()
        elif action == 11:
            app.madvise(ADDRESS, 3 << 12, "pageout")
        else:
            app.madvise(ADDRESS + (4 << 12), 1 << 12, "guard_install")
    except KernelError:
        pass


def record(actions: list[int], depth: str = "lines") -> tuple[Recording, list[tuple[int, bytes]]]:
    """Carry the actions out; the recording, and (changes so far, bytes of the machine) after each."""
    small, app = machine()
    recorder = Recorder(small.kernel, depth)
    replay: list[tuple[int, bytes]] = []
    with recorder:
        for action in actions:
            act(small, app, action)
            replay.append((len(recorder.journal.cell), snapshot_bytes(small.kernel)))
    return recorder.recording, replay


def collapse(kernel: str = "6.18", depth: str = "lines", pages: int = 8, **knobs: object) -> Recording:
    """One pass of khugepaged over a window of which ``pages`` were written."""
    small, app = machine(kernel, **knobs)
    touch(app, 0, pages)
    recorder = Recorder(small.kernel, depth, focus=(app.mm, ADDRESS))
    with recorder:
        advise(app)
    return recorder.recording
