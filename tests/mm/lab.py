"""Small machines and processes for the tests, and ways to look at them and to interfere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

from tests.invariants import deposited, page_of
from thplab.machine import Machine, Process
from thplab.mm.include.lock import Lock
from thplab.mm.include.pgtable import mm_find_pmd
from thplab.mm.include.state import Column
from thplab.mm.kthread import running
from thplab.mm.madvise.syscall import do_madvise
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import free_blocks

ADDRESS = 0x7FDA81800000
PAGE = 4096
WINDOW = 2 << 20
NX = 1 << 63
SCAN = "mm_khugepaged_scan_pmd"
ISOLATE = "mm_collapse_huge_page_isolate"
COLLAPSE = "mm_collapse_huge_page"


def app(windows: float = 1, machine: Machine | None = None, name: str = "app", **how: Any) -> Process:
    """A process with ``windows`` * 2 MiB mapped at ADDRESS and nothing touched."""
    process = (machine or Machine(**how)).process(name)
    process.mmap(ADDRESS, int(windows * WINDOW))
    return process


def fill(process: Process, first: int = 0, end: int = 512, at: int = ADDRESS) -> None:
    """Write page ``n`` with token n + 1."""
    for number in range(first, end):
        process.write(at + number * PAGE, number + 1)


def advise(process: Process, windows: float = 1, at: int = ADDRESS) -> None:
    """MADV_HUGEPAGE without letting the daemon run that it wakes."""
    with running(process.mm.kernel, process.mm.task):
        do_madvise(process.mm, at, int(windows * WINDOW), "hugepage")


def written(windows: float = 1, pages: int = 512, **how: Any) -> Process:
    """A process that has written the first ``pages`` pages of each window; khugepaged does not know it."""
    process = app(windows, **how)
    for number in range(int(windows)):
        fill(process, 0, pages, ADDRESS + number * WINDOW)
    return process


def ready(windows: float = 1, pages: int = 512, **how: Any) -> Process:
    """The same, and registered, but the daemon has not looked yet: it does with the next system call."""
    process = written(windows, pages, **how)
    advise(process, windows)
    return process


def knob(machine: Machine, **values: object) -> None:
    """Set knobs of khugepaged/ by name without letting anything run."""
    machine.set_knobs([(f"khugepaged/{name}", value) for name, value in values.items()])


def pmd(process: Process, address: int = ADDRESS) -> int | None:
    """The PMD entry; None if there is no PMD table."""
    ref = mm_find_pmd(process.mm, address)
    return None if ref is None else int(ref[0][ref[1]])


def table(process: Process, address: int = ADDRESS) -> Column:
    """The PTE table of a window."""
    entry = pmd(process, address)
    assert entry is not None
    assert entry & 0x81 == 1, f"PMD {entry:#x} points at no table"
    found: Column = process.mm.kernel.tables[page_of(process.mm.kernel, entry)]
    return found


def pte(process: Process, address: int = ADDRESS) -> int:
    """One PTE."""
    return int(table(process, address)[address >> 12 & 511])


def page_at(process: Process, address: int = ADDRESS) -> int:
    """Index of the frame that a PTE maps."""
    return page_of(process.mm.kernel, pte(process, address))


def nr_deposited(process: Process, address: int = ADDRESS) -> int:
    """How many tables are kept beside the PMD table of ``address``."""
    kernel, shift = process.mm.kernel, 39
    page = process.mm.pgd
    for _ in range(2):
        page = page_of(kernel, kernel.tables[page][address >> shift & 511])
        shift -= 9
    return len(deposited(kernel, page))


def set_flag(process: Process, flag: int, address: int = ADDRESS, *, on: bool = True) -> None:
    """Set or clear a PG_ bit of the page at ``address``."""
    flags = process.mm.kernel.mem_map.flags
    page = page_at(process, address)
    flags[page] = flags[page] | flag if on else flags[page] & ~flag


def statuses(machine: Machine, event: str = SCAN) -> list[str]:
    """The status of each event of one kind, in order."""
    return [each.value("status") for each in machine.trace if each.name == event]


def lines(machine: Machine) -> list[tuple[str, str]]:
    """(event, status) of all events about huge pages, in order; those of compaction are left out."""
    events = [each for each in machine.trace if "huge" in each.name]
    return [(each.name, each.value("status")) for each in events]


def eat(machine: Machine, order: int, keep: int = 0) -> dict[int, int]:
    """Take all free blocks of at least ``order`` but ``keep``; page -> order of what was taken."""
    held = {}
    kernel = machine.kernel

    def there() -> int:
        return sum(
            len(free_blocks(kernel, o)) << (o - order)
            for o in range(order, kernel.geometry.MAX_PAGE_ORDER + 1)
        )

    while there() > keep:
        page = alloc_pages(kernel, 0, order)
        assert page is not None
        held[page] = order
    return held


def intrude(action: Callable[[], object]) -> None:
    """Do ``action`` from inside a pass: its system calls must not try to run the daemon."""
    with mock.patch.object(Machine, "run_ready"):
        action()


def before(
    monkeypatch: Any, module: Any, function: str, action: Callable[[], object], times: int = 1
) -> None:
    """The next ``times`` times that ``module.function`` is called, do ``action`` first."""
    original = getattr(module, function)
    left = [times]

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if left[0]:
            left[0] -= 1
            intrude(action)
        return original(*args, **kwargs)

    monkeypatch.setattr(module, function, wrapper)


def after(monkeypatch: Any, module: Any, function: str, action: Callable[[], object]) -> None:
    """The next time that ``module.function`` has returned, do ``action``."""
    original = getattr(module, function)
    left = [1]

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if left[0]:
            left[0] -= 1
            intrude(action)
        return result

    monkeypatch.setattr(module, function, wrapper)


def record_locks(monkeypatch: Any) -> list[str]:
    """From now on each lock taken and released, as "+R name", "-R name", "+W name", "-W name"."""
    log: list[str] = []
    plain = Lock.__setattr__

    def setattr_(self: Lock, field: str, value: Any) -> None:
        old = getattr(self, field, None)
        plain(self, field, value)
        if field == "writer" and old != value:
            log.append(f"{'-' if value is None else '+'}W {self.name}")
        elif field == "readers" and old is not None:
            log.append(f"{'+' if value > old else '-'}R {self.name}")

    monkeypatch.setattr(Lock, "__setattr__", setattr_)
    return log
