"""Published numbers whose trend the model shows, beside those of test_numbers; and that none is forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.test_numbers import ADDRESS, WINDOW, rss
from thplab.access import random_order, run_pattern
from thplab.experiments.comb import comb34
from thplab.ledger import Meter
from thplab.machine import Machine, Process
from thplab.mm.proc.task_mmu import huge_pages
from thplab.mm.tlb import Tlb

PAGE = 4096
#: Results of other systems: nothing in them is said about a mechanism that the model has.
CONTEXT = {11: "savings of an allocator in user space", 18: "explicit huge pages in a database"}


def populated(pages: tuple[int, ...], **knobs: int) -> Process:
    """A process with so many pages written in each window. MADV_HUGEPAGE then wakes khugepaged for a pass."""
    machine = Machine(memory_pages=(2 * len(pages) + 8) * 512)
    machine.set_knobs([(f"khugepaged/{name}", value) for name, value in knobs.items()])
    process = machine.process("app")
    process.mmap(ADDRESS, len(pages) * WINDOW)
    with machine.daemons_held_back():
        for window, count in enumerate(pages):
            for page in range(count):
                process.write(ADDRESS + window * WINDOW + page * PAGE, 1)
    return process


def huge(process: Process) -> int:
    return sum(huge_pages(vma)[0] for vma in process.mm.vmas)


def longest_wait(defrag: str) -> int:
    """ns of the slowest of 512 touches where no block is free; in the end the window is huge."""
    machine, _ = comb34()
    machine.set_knobs([("defrag", defrag), ("khugepaged/scan_sleep_millisecs", 3_600_000)])
    process = machine.process("app")
    process.mmap(ADDRESS, WINDOW)
    waits = []
    with machine.daemons_held_back(), Meter(machine):
        process.madvise(ADDRESS, WINDOW, "hugepage")
        for page in range(512):
            before = machine.kernel.clock.now
            process.write(ADDRESS + page * PAGE, 1)
            waits.append(machine.kernel.clock.now - before)
    machine.wake_khugepaged()
    assert huge(process) == 1
    return max(waits)


def test_N4_the_longest_wait_is_shorter_where_a_daemon_builds_the_huge_page():
    """shape: a fault that compacts, takes and clears a huge page is the tail; small pages first have none."""
    assert longest_wait("always") > 10 * longest_wait("never")


def test_N8_the_order_of_use_beats_the_order_of_addresses():
    """shape: two huge pages where the accesses go save more walks than two at the lowest addresses."""
    walks = {}
    for order in ("addresses", "use"):
        process = populated((512,) * 8, pages_to_scan=514)
        if order == "addresses":
            process.madvise(ADDRESS, 8 * WINDOW, "hugepage")
        else:
            process.madvise(ADDRESS + 6 * WINDOW, 2 * WINDOW, "collapse")
        assert huge(process) == 2
        used = random_order(ADDRESS + 6 * WINDOW, 2 * WINDOW, 2000, seed=1)
        walks[order] = run_pattern(process, Tlb(64, 4), used).walks
    assert walks["use"] == 2  # one for each huge page
    assert walks["addresses"] > 1000


@pytest.mark.parametrize("threshold", [1, 64, 256, 512])
def test_N9_from_how_many_pages_on_a_window_is_made_huge(threshold):
    """shape: with max_ptes_none = 512 - n exactly the windows of n pages or more are; n = 1, 64, 256, 512."""
    pages = (1, 63, 64, 65, 255, 256, 512)
    process = populated(pages, max_ptes_none=512 - threshold)
    process.madvise(ADDRESS, len(pages) * WINDOW, "hugepage")
    assert huge(process) == sum(count >= threshold for count in pages)
    assert rss(process.machine) == sum(512 if count >= threshold else count for count in pages)


def test_every_number_has_a_test():
    """N1 to N22, each in some test by its name, or named above as context."""
    files = Path(__file__).parents[1].rglob("test_*.py")
    names = {int(number) for file in files for number in re.findall(r"def test_N(\d+)_", file.read_text())}
    assert names | set(CONTEXT) == set(range(1, 23))
    assert not names & set(CONTEXT)
