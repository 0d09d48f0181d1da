"""Processes that map shared memory."""

from __future__ import annotations

from tests.invariants import read_back
from tests.mm.lab import ADDRESS, WINDOW, advise, fill
from thplab.machine import Machine, Process

SCAN_FILE, COLLAPSE_FILE = "mm_khugepaged_scan_file", "mm_khugepaged_collapse_file"


def shared(pages: int = 512, *, name: str = "app", machine: Machine | None = None, **how: object) -> Process:
    """A process with one window of shared memory, ``pages`` of it written."""
    process = (machine or Machine(**how)).process(name)  # type: ignore[arg-type]
    process.mmap(ADDRESS, WINDOW, shared=True)
    fill(process, 0, pages)
    return process


def registered(pages: int = 512, **how: object) -> Process:
    """The same under shmem_enabled=advise, advised twice: the second advice registers.

    The daemon has not looked yet.
    """
    return register(shared(pages, **how))


def register(process: Process, windows: float = 1) -> Process:
    """Advise twice under shmem_enabled=advise; the daemon runs with the next system call."""
    process.machine.set_knobs([("shmem_enabled", "advise")])
    advise(process, windows)
    advise(process, windows)
    return process


def results(process: Process) -> list[tuple[str, str]]:
    """(event, result) of the file events."""
    return [
        (e.name, e.value("result")) for e in process.machine.trace if e.name in (SCAN_FILE, COLLAPSE_FILE)
    ]


def reads_back(process: Process, pages: int = 512) -> bool:
    """Do the pages hold what fill wrote, and the others nothing?"""
    return read_back(process, ADDRESS, 512) == [n + 1 if n < pages else 0 for n in range(512)]
