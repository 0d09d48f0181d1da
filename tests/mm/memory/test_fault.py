"""Faults on base pages."""

from __future__ import annotations

import errno
from contextlib import nullcontext

import pytest

from tests.invariants import check, peek
from tests.mm.lab import ADDRESS, NX, PAGE, WINDOW, app, eat, page_at, pmd, pte, record_locks, set_flag, table
from thplab.machine import Machine
from thplab.mm.include.errors import KernelBug, KernelError
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.page import PG_anon, PG_anon_exclusive, PG_lru


def flags(entry: int) -> int:
    return entry & 0xFFF


def test_write_fault():
    """What does a first write change?"""
    process = app()
    process.write(ADDRESS + 3 * PAGE, 77)
    mem_map, page = process.mm.kernel.mem_map, page_at(process, ADDRESS + 3 * PAGE)
    assert flags(pte(process, ADDRESS + 3 * PAGE)) == 0x867
    assert process.mm.rss == 1
    assert (mem_map.refcount[page], mem_map.mapcount[page], mem_map.contents[page]) == (1, 1, 77)
    assert mem_map.flags[page] & PG_anon
    assert mem_map.flags[page] & PG_lru
    assert process.mm.vmas[0].anon_vma is not None
    assert process.mm.pgtables == 4
    assert process.machine.vmstat("pgfault") == 1
    check(process.machine)


def test_new_page_is_zero():
    """What does a page read before its first write, and after a write to its neighbour?"""
    process = app()
    process.write(ADDRESS, 77)
    process.madvise(ADDRESS, PAGE, "dontneed")
    process.write(ADDRESS + PAGE, 1)
    assert process.read(ADDRESS) == 0
    process.write(ADDRESS + 2 * PAGE, 5)
    assert [process.read(ADDRESS + n * PAGE) for n in range(4)] == [0, 1, 5, 0]


def test_read_fault_maps_the_zero_page():
    """What does a first read change?"""
    process = app()
    free = process.machine.vmstat("nr_free_pages")
    assert process.read(ADDRESS) == 0
    assert process.read(ADDRESS + PAGE) == 0
    assert page_at(process) == page_at(process, ADDRESS + PAGE) == process.mm.kernel.zero_page
    assert (flags(pte(process)), pte(process) >> 63) == (0x225, 1)
    assert process.mm.rss == 0
    assert process.mm.vmas[0].anon_vma is None
    assert process.machine.vmstat("nr_free_pages") == free - 3  # the tables
    check(process.machine)


def test_write_after_read_leaves_the_zero_page():
    """Does the first write to a zero page get a page of its own?"""
    process = app()
    process.read(ADDRESS)
    process.read(ADDRESS + PAGE)
    process.write(ADDRESS, 9)
    assert (process.read(ADDRESS), process.read(ADDRESS + PAGE)) == (9, 0)
    assert flags(pte(process)) == 0x867
    assert process.mm.rss == 1
    assert process.mm.kernel.mem_map.contents[process.mm.kernel.zero_page] == 0
    check(process.machine)


def test_a_write_marks_what_a_read_does_not():
    """Which marks does the processor set on an entry that allows the access?"""
    process = app()
    process.write(ADDRESS, 1)
    entries, index = table(process), 0
    for act, before, after in (
        (process.read, 0x007, 0x027),
        (lambda a: process.write(a, 2), 0x007, 0x867),
        (process.read, 0x867, 0x867),
    ):
        entries[index] = entries[index] & ~0xFFF | before
        act(ADDRESS)
        assert flags(entries[index]) == after
    assert process.machine.vmstat("pgfault") == 1


def test_write_to_a_read_only_entry_of_a_page_nobody_else_has():
    """Is a page kept that only this process holds, when its entry was made read-only?"""
    process = app()
    process.write(ADDRESS, 1)
    page, entries = page_at(process), table(process)
    entries[0] &= ~0x2
    process.write(ADDRESS, 2)
    assert page_at(process) == page
    assert flags(pte(process)) == 0x867
    check(process.machine)


def test_write_to_a_read_only_entry_of_a_page_somebody_has():
    """Is a page copied that somebody else holds, and does the other one keep the old bytes?"""
    process = app()
    process.write(ADDRESS, 1)
    page = process.pin(ADDRESS)
    table(process)[0] &= ~0x2
    set_flag(process, PG_anon_exclusive, on=False)  # as after fork
    process.write(ADDRESS, 2)
    assert page_at(process) != page
    assert process.read(ADDRESS) == 2
    assert process.mm.kernel.mem_map.contents[page] == 1
    assert process.mm.rss == 1
    check(process.machine, [page])
    process.unpin(page)
    check(process.machine)


@pytest.mark.parametrize(
    ("prot", "write", "why"), [("r", True, "allow"), ("none", True, "allow"), ("none", False, "allow")]
)
def test_against_the_protection(prot, write, why):
    """Does an access that the mapping forbids end in SIGSEGV, changing nothing?"""
    process = Machine().process("app")
    process.mmap(ADDRESS, WINDOW, prot)
    with pytest.raises(KernelError, match=f"EFAULT: SIGSEGV.*{why}") as caught:
        process.write(ADDRESS, 1) if write else process.read(ADDRESS)
    assert caught.value.errno == errno.EFAULT
    assert pmd(process) is None
    assert process.machine.vmstat("pgfault") == 0
    check(process.machine)


def test_outside_every_mapping():
    """Does an access between mappings end in SIGSEGV?"""
    process = app()
    for address in (ADDRESS - 1, ADDRESS + WINDOW, 0):
        with pytest.raises(KernelError, match="no mapping there"):
            process.read(address)
    check(process.machine)


@pytest.mark.parametrize("offset", [1 << 48, 1 << 47, -(1 << 48), 1 << 64])
def test_beyond_the_address_space(offset):
    """Does an address with bits that no table resolves reach somebody's page?"""
    process = app()
    process.write(ADDRESS, 1)
    with pytest.raises(KernelError, match="EFAULT"):
        process.read(ADDRESS + offset)
    with pytest.raises(KernelError, match="EFAULT"):
        process.write(ADDRESS + offset, 2)
    assert process.read(ADDRESS) == 1


def test_read_only_mapping_is_read():
    """Does a read-only mapping give zero pages, and no anon_vma?"""
    process = Machine().process("app")
    process.mmap(ADDRESS, WINDOW, "r")
    assert process.read(ADDRESS) == 0
    assert flags(pte(process)) == 0x225
    assert process.mm.vmas[0].anon_vma is None


def test_no_page_left():
    """Is running out of memory said clearly, and is everything whole afterwards?"""
    process = app()
    process.write(ADDRESS, 1)
    held = eat(process.machine, 0)
    with pytest.raises(MemoryError, match="no free page for app"):
        process.write(ADDRESS + PAGE, 2)
    assert table(process)[1] == 0
    assert process.mm.rss == 1
    assert process.read(ADDRESS) == 1
    check(process.machine, held=held)


def test_no_page_left_for_a_copy():
    """Does the old page stay when there is none to copy it to?"""
    process = app()
    process.read(ADDRESS)
    process.write(ADDRESS + PAGE, 3)
    page = process.pin(ADDRESS + PAGE)
    table(process)[1] &= ~0x2
    set_flag(process, PG_anon_exclusive, ADDRESS + PAGE, on=False)  # as after fork
    entries = tuple(table(process))
    held = eat(process.machine, 0)
    for number in (0, 1):
        with pytest.raises(MemoryError):
            process.write(ADDRESS + number * PAGE, 2)
    assert tuple(table(process)) == entries
    assert [peek(process, ADDRESS + n * PAGE) for n in (0, 1)] == [0, 3]
    check(process.machine, [page], held)


def test_a_token_that_is_no_u32_changes_nothing():
    """Is a wrong token refused before the page is faulted in?"""
    process = app()
    with pytest.raises((ValueError, OverflowError)):
        process.write(ADDRESS, -1)
    assert process.mm.rss == 0


@pytest.mark.parametrize(
    ("kernel", "lock"), [("6.18", "vma lock app 0x7fda81800000"), ("6.1", "mmap_lock app")]
)
def test_locks_of_a_fault(monkeypatch, kernel, lock):
    """Which locks does a base-page fault take, in which order? Since 6.4 not mmap_lock, but the VMA's."""
    process = app(kernel=kernel)
    process.write(ADDRESS, 1)
    log = record_locks(monkeypatch)
    process.write(ADDRESS + PAGE, 1)
    ptl = f"page table lock {(pmd(process) or 0) >> 12 & 0xFFFFFFFFFF}"
    ptl = f"page table lock {int(ptl.split()[-1]) - process.mm.kernel.mem_map.start_pfn}"
    assert log == [f"+R {lock}", f"+W {ptl}", f"-W {ptl}", f"-R {lock}"]


def test_a_fault_while_somebody_changes_the_vma_asks_for_mmap_lock(monkeypatch):
    """Does a fault fall back to mmap_lock while the lock of its VMA is held for writing?"""
    process = app()
    process.write(ADDRESS, 1)
    down_write(process.mm.vmas[0].vm_lock, "somebody")
    log = record_locks(monkeypatch)
    process.write(ADDRESS + PAGE, 1)
    assert log[0] == "+R mmap_lock app"
    up_write(process.mm.vmas[0].vm_lock)


@pytest.mark.parametrize(("kernel", "waits"), [("6.18", False), ("6.1", True)])
def test_a_fault_needs_no_mmap_lock_where_vmas_have_locks(kernel, waits):
    """Can memory be faulted in while somebody holds mmap_lock for writing?"""
    process = app(kernel=kernel)
    process.write(ADDRESS, 1)
    down_write(process.mm.mmap_lock, "somebody")
    with pytest.raises(KernelBug) if waits else nullcontext():
        process.write(ADDRESS + PAGE, 1)
    up_write(process.mm.mmap_lock)


def test_entries_are_never_executable():
    """Has each entry of anonymous memory NX?"""
    process = app()
    process.write(ADDRESS, 1)
    process.read(ADDRESS + PAGE)
    assert all(entry & NX for entry in table(process) if entry)
