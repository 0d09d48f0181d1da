"""On and off the LRU, and how a folio becomes active."""

from __future__ import annotations

import pytest

from tests.mm.lab import ADDRESS, app, page_at, set_flag
from thplab.mm.include.page import PG_active, PG_isolated, PG_lru, PG_referenced, PG_unevictable
from thplab.mm.swap import folio_mark_accessed
from thplab.mm.vmscan.isolate import folio_isolate_lru, folio_putback_lru

BITS = PG_active | PG_referenced


@pytest.mark.parametrize(
    ("before", "after"), [(0, PG_referenced), (PG_referenced, PG_active), (PG_active, BITS), (BITS, BITS)]
)
def test_mark_accessed(before, after):
    """Which marks has a folio after the kernel used it once more?"""
    process = app()
    process.write(ADDRESS, 1)
    page, mem_map = page_at(process), process.mm.kernel.mem_map
    set_flag(process, before)
    folio_mark_accessed(process.mm.kernel, page)
    assert mem_map.flags[page] & BITS == after


def test_locked_pages_never_become_active():
    """And one of locked memory?"""
    process = app()
    process.mlock(ADDRESS, 4096)
    page, mem_map = page_at(process), process.mm.kernel.mem_map
    assert mem_map.flags[page] & PG_unevictable
    for _ in range(3):
        folio_mark_accessed(process.mm.kernel, page)
    assert mem_map.flags[page] & BITS == PG_referenced


def test_isolation_takes_a_reference_and_gives_it_back():
    """What does isolation change, can it be done twice, is all as before afterwards?"""
    process = app()
    process.write(ADDRESS, 1)
    kernel, page = process.mm.kernel, page_at(process)
    before = kernel.mem_map.flags[page], kernel.mem_map.refcount[page]
    assert folio_isolate_lru(kernel, page)
    assert kernel.mem_map.flags[page] & (PG_lru | PG_isolated) == PG_isolated
    assert kernel.mem_map.refcount[page] == 2
    assert process.machine.vmstat("nr_isolated_anon") == 1
    assert not folio_isolate_lru(kernel, page)
    folio_putback_lru(kernel, page)
    assert (kernel.mem_map.flags[page], kernel.mem_map.refcount[page]) == before
    assert process.machine.vmstat("nr_isolated_anon") == 0
