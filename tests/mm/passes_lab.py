"""Passes of khugepaged, counted."""

from __future__ import annotations

from tests.mm.lab import ADDRESS, SCAN, WINDOW, advise, app, fill
from thplab.machine import Machine

SECOND = 1_000_000_000


def passes(machine: Machine, number: int = 1) -> list[int]:
    """Make passes; how many windows each of them looked at."""
    counts = []
    for _ in range(number):
        start = len(machine.trace)
        machine.wake_khugepaged()
        counts.append(len([event for event in machine.trace[start:] if event.name == SCAN]))
    return counts


def windows(machine: Machine, start: int = 0) -> list[tuple[str, int]]:
    """(mm, window) of each scan from event ``start`` on."""
    return [(e.mm, (e.address - ADDRESS) // WINDOW) for e in machine.trace[start:] if e.name == SCAN]


def units(machine: Machine) -> int:
    return machine.kernel.khugepaged.progress_of_pass


def scan_of(machine: Machine):
    return machine.kernel.khugepaged


def processes(machine: Machine, names: str, count: int = 1, pages: int = 1) -> list:
    """Registered processes of ``count`` windows, each with its first ``pages`` pages written."""
    made = [app(count, machine, name) for name in names]
    for process in made:
        for number in range(count):
            fill(process, 0, pages, ADDRESS + number * WINDOW)
    for process in made:  # only now: from the first registration on the daemon has something to do
        advise(process, count)
    return made
