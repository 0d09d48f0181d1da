"""How much the shrinkers scan, and who calls them."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.huge_memory.test_deferred import huge, queue
from tests.mm.lab import ADDRESS, PAGE, WINDOW
from thplab.mm.readahead import read_page
from thplab.mm.shrinker import shrink_slab


def partial(folios: int):
    """A process with so many partially mapped huge pages."""
    process = huge(windows=folios)
    for window in range(folios):
        process.madvise(ADDRESS + window * WINDOW, PAGE, "dontneed")
    return process


@pytest.mark.parametrize(("folios", "priority", "left", "deferred"), [
    (1, 12, 1, 0),  # 1 / 4096 of one is nothing
    (1, 1, 1, 0),
    (1, 0, 0, 0),  # twice what there is
    (4, 2, 4, 2),  # twice a quarter: less than all, so it is put on account
    (4, 1, 0, 0),  # twice a half: all
    (5, 1, 5, 4),  # twice two: one short of all
])  # fmt: skip
def test_the_share_grows_with_the_pressure(folios, priority, left, deferred):
    """How many of the folios that wait are split at each priority, what is put off?"""
    process = partial(folios)
    shrink_slab(process.mm.kernel, priority)
    assert len(queue(process.machine)) == left
    assert process.mm.kernel.node.shrinker_nr_deferred == deferred
    check(process.machine)


def test_what_was_put_off_adds_up():
    """Are 5 folios split at the second call with priority 1, when 4 / 2 from the first come on top?"""
    process = partial(5)
    for _ in range(2):
        shrink_slab(process.mm.kernel, 1)
    assert queue(process.machine) == []
    assert process.machine.vmstat("thp_split_page") == 5


@pytest.mark.parametrize(("number", "pages", "folios"), [(1, 0, 1), (2, 3, 0), (3, 0, 0), (4, 3, 1)])
def test_drop_caches(number, pages, folios):
    """What do 1, 2, 3 and 4 in drop_caches drop: clean pages of files, and folios that wait?"""
    process = partial(1)
    machine = process.machine
    for _ in range(3):
        read_page(machine.kernel)
    machine.write_sysctl("drop_caches", number)
    assert machine.vmstat("nr_file_pages") == pages
    assert len(queue(machine)) == folios
    assert [machine.vmstat("drop_pagecache"), machine.vmstat("drop_slab")] == [not pages, not folios]
