"""Moving pages: contents, mappings and counts go along; who is held stays."""

from __future__ import annotations

import pytest

from tests.invariants import check, peek
from tests.mm.lab import ADDRESS, PAGE, page_at, pte
from thplab.experiments.comb import comb34
from thplab.machine import Machine
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE
from thplab.mm.include.page import PG_anon_exclusive, page_to_pfn
from thplab.mm.include.swapops import (
    is_migration_entry,
    make_migration_entry,
    migration_entry_pfn,
    remove_migration_entry,
)
from thplab.mm.migrate import migrate_folio, remove_migration_ptes
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.rmap.unmap import try_to_migrate
from thplab.mm.vmscan.isolate import folio_isolate_lru, folio_putback_lru


def one_page(**how):
    process = Machine(**how).process("app")
    process.mmap(ADDRESS, 4 * PAGE)
    process.write(ADDRESS, 77)
    return process


def move(process, page):
    """Isolate a page and move it to a new one; whether it moved, and the new page."""
    kernel = process.mm.kernel
    target = alloc_pages(kernel, GFP_HIGHUSER_MOVABLE, 0)
    assert folio_isolate_lru(kernel, page)
    return migrate_folio(kernel, page, target), target


@pytest.mark.parametrize("bits", [0x067, 0x865, 0x025, 0x847, 0x807, 0x005])
def test_an_entry_comes_back_as_it_was(bits):
    """Writable, young, dirty, soft-dirty: does the new entry have the bits of the old one?"""
    old = 0x123456 << 12 | bits | 1 << 63
    entry = make_migration_entry(old)
    assert is_migration_entry(entry)
    assert not entry & 0x181  # not present, not PROT_NONE, no leaf
    assert migration_entry_pfn(entry) == 0x123456
    assert remove_migration_entry(entry, old, 0x654321) == 0x654321 << 12 | bits | 1 << 63
    assert (entry >> 59 == 26) == bool(bits & 2)


def test_a_page_moves():
    """Does the address read the same from another frame, with the same bits in its entry?"""
    process = one_page()
    kernel = process.mm.kernel
    page, before = page_at(process), pte(process)
    moved, target = move(process, page)
    assert moved
    assert page_at(process) == target
    assert pte(process) & 0xFFF == before & 0xFFF
    assert peek(process, ADDRESS) == 77
    mem_map = kernel.mem_map
    assert (mem_map.mapcount[page], mem_map.refcount[page]) == (0, 1)  # the isolation's
    assert (mem_map.mapcount[target], mem_map.refcount[target]) == (1, 2)  # mapping, allocation
    assert mem_map.flags[target] & PG_anon_exclusive


def test_a_page_of_two_processes_moves_for_both():
    """Shared after fork: both entries point at the new frame, read-only as before."""
    process = one_page()
    child = process.fork("child")
    page = page_at(process)
    assert page_at(child) == page
    moved, target = move(process, page)
    assert moved
    assert page_at(process) == page_at(child) == target
    assert process.mm.kernel.mem_map.mapcount[target] == 2
    assert (peek(process, ADDRESS), peek(child, ADDRESS)) == (77, 77)
    assert not pte(process) & 2


def test_a_pinned_page_stays():
    """One reference too many: the page is mapped as before."""
    process = one_page()
    kernel = process.mm.kernel
    page = process.pin(ADDRESS)
    before = pte(process)
    moved, target = move(process, page)
    assert not moved
    assert pte(process) == before
    folio_putback_lru(kernel, page)
    folio_put(kernel, target)
    check(process.machine, pins=[page])


def test_while_it_moves_nobody_can_reach_it():
    """Between unmap and remap the entry is a migration entry that names the frame."""
    process = one_page()
    kernel = process.mm.kernel
    page, before = page_at(process), pte(process)
    assert folio_isolate_lru(kernel, page)
    taken = try_to_migrate(kernel, page)
    assert is_migration_entry(pte(process))
    assert migration_entry_pfn(pte(process)) == page_to_pfn(kernel.mem_map, page)
    assert kernel.mem_map.mapcount[page] == 0
    remove_migration_ptes(kernel, page, taken)
    assert pte(process) == before
    folio_putback_lru(kernel, page)
    check(process.machine)


def test_old_and_young_pages_stay_what_they_are():
    """Are the accessed marks the same after all pages of a comb have moved?"""
    machine, process = comb34()
    process.clear_refs()
    machine.write_sysctl("compact_memory", 1)
    marks = {entry & 0x20 for table in machine.kernel.tables.values() for entry in table if entry & 0x800}
    assert marks == {0}
    check(machine)


def test_a_thp_is_never_moved():
    """A huge page lies in the way of both scanners: it is left alone."""
    machine, _ = comb34()
    process = machine.process("app")
    process.mmap(0x7F0000000000, 2 << 20)
    process.madvise(0x7F0000000000, 2 << 20, "hugepage")
    process.write(0x7F0000000000, 5)
    entry = machine.vmstat("thp_fault_alloc")
    before = process.pin(0x7F0000000000)
    process.unpin(before)
    machine.write_sysctl("compact_memory", 1)
    after = process.pin(0x7F0000000000)
    process.unpin(after)
    assert (entry, before) == (1, after)
    check(machine)


def test_the_charge_goes_along():
    """A page of a memory cgroup stays charged when it moves, and is uncharged when it is freed."""
    process = Machine().process("app")
    memcg = process.machine.cgroup("group")
    process.enter_cgroup(memcg)
    process.mmap(ADDRESS, 4 * PAGE)
    process.write(ADDRESS, 77)
    assert memcg.usage == 1
    page = page_at(process)
    moved, target = move(process, page)
    assert moved
    kernel = process.mm.kernel
    folio_put(kernel, page)
    folio_put(kernel, target)
    assert memcg.usage == 1
    process.munmap(ADDRESS, 4 * PAGE)
    assert memcg.usage == 0
