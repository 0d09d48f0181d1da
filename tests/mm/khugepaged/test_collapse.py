"""A collapse step by step: what it changes, and in which order."""

from __future__ import annotations

import pytest

from tests.invariants import check, read_back
from tests.mm.collapse_lab import LIGHT, TRANSHUGE, collapsed
from tests.mm.lab import (
    ADDRESS,
    NX,
    PAGE,
    WINDOW,
    advise,
    app,
    before,
    fill,
    knob,
    nr_deposited,
    pmd,
    ready,
    record_locks,
    table,
)
from thplab.mm.include.mm_types import VM_WRITE
from thplab.mm.include.state import Column
from thplab.mm.khugepaged import collapse as module


def test_what_a_full_window_becomes():
    """What stands in the tables after a collapse, and what has been freed?"""
    process = ready()
    machine = process.machine
    free, old = machine.vmstat("nr_free_pages"), (pmd(process) or 0) >> 12
    collapsed(process)
    leaf = pmd(process) or 0
    assert leaf & 0xFFF == 0x8E7
    assert leaf & NX
    assert (leaf >> 12 & 0xFFFFFFFFFF) % 512 == 0
    assert leaf >> 12 != old
    assert [process.read(ADDRESS + n * PAGE) for n in range(512)] == list(range(1, 513))
    assert machine.vmstat("nr_free_pages") == free  # 512 for 512; the table is kept
    assert (process.mm.rss, process.mm.pgtables, nr_deposited(process)) == (512, 4, 1)
    check(machine)


@pytest.mark.parametrize("touched", [1, 100, 256, 511])
def test_holes_are_filled(touched):
    """By how much does RSS grow, and what do the holes contain?"""
    process = app()
    machine = process.machine
    fill(process, 0, touched)
    for number in range(touched, touched + (512 - touched) // 2):
        process.read(ADDRESS + number * PAGE)
    advise(process)
    machine.wake_khugepaged()
    assert (pmd(process) or 0) & 0x80
    assert process.mm.rss == 512
    expected = [n + 1 if n < touched else 0 for n in range(512)]
    assert read_back(process, ADDRESS, 512) == expected
    check(machine)


def test_memory_used_grows_by_the_holes():
    """How many frames more are in use after a window with 412 holes was collapsed?"""
    process = ready(pages=100)
    free = process.machine.vmstat("nr_free_pages")
    collapsed(process)
    assert process.machine.vmstat("nr_free_pages") == free - 412
    check(process.machine)


def test_counters():
    """Which counters does khugepaged's collapse change?"""
    process = ready(pages=100)
    machine = process.machine
    collapsed(process)
    names = ("thp_collapse_alloc", "thp_collapse_alloc_failed", "thp_fault_alloc", "thp_split_pmd")
    assert [machine.vmstat(name) for name in names] == [1, 0, 0, 0]
    assert machine.vmstat("nr_anon_transparent_hugepages") == 1
    assert machine.vmstat("nr_anon_pages") == 512
    assert machine.vmstat("nr_isolated_anon") == 0
    assert machine.read_sysfs("khugepaged/pages_collapsed") == "1\n"


def test_read_only_memory_becomes_a_read_only_leaf():
    """Which leaf gets a VMA that may not be written any more?"""
    process = ready()
    process.mm.vmas[0].vm_flags &= ~VM_WRITE
    collapsed(process)
    assert (pmd(process) or 0) & 0xFFF == 0x8E5


def test_a_discarded_leaf_begins_anew():
    """Can a window be collapsed, discarded and collapsed again, without a frame lost?"""
    process = ready(2, memory_pages=2048)
    machine = process.machine
    for round_ in range(5):
        machine.wake_khugepaged()
        assert (pmd(process) or 0) & 0x80
        process.madvise(ADDRESS, PAGE, "dontneed")
        process.madvise(ADDRESS, WINDOW, "dontneed")
        machine.write_sysfs("enabled", "never")
        fill(process, 0, 3 + round_)
        machine.write_sysfs("enabled", "madvise")
        check(machine)


@pytest.mark.parametrize(("defrag", "mask"), [(1, TRANSHUGE), (0, LIGHT)])
def test_mask_of_khugepaged(monkeypatch, defrag, mask):
    """With which mask does khugepaged ask for the huge page?"""
    process = ready()
    asked = []
    original = module.__dict__["__folio_alloc"]
    monkeypatch.setitem(
        module.__dict__, "__folio_alloc", lambda *args: (asked.append(args), original(*args))[1]
    )
    knob(process.machine, defrag=defrag)
    process.machine.wake_khugepaged()
    assert [args[1:] for args in asked] == [(mask, 9, 0, 1)]


def test_mask_of_madvise_collapse(monkeypatch):
    """And MADV_COLLAPSE, when khugepaged/defrag is 0?"""
    process = ready()
    asked = []
    original = module.__dict__["__folio_alloc"]
    monkeypatch.setitem(
        module.__dict__, "__folio_alloc", lambda *args: (asked.append(args), original(*args))[1]
    )
    knob(process.machine, defrag=0)
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert [args[1] for args in asked] == [TRANSHUGE]


def test_arguments_of_the_note(monkeypatch):
    """With which address, referenced and unmapped is a full window's collapse called?"""
    from thplab.mm.khugepaged import scan as khugepaged

    process = ready()
    called = []
    original = khugepaged.collapse_huge_page
    monkeypatch.setattr(khugepaged, "collapse_huge_page", lambda *a: (called.append(a[1:4]), original(*a))[1])
    process.machine.wake_khugepaged()
    assert called == [(140576452247552, 512, 0)]


@pytest.mark.parametrize("kernel", ["6.18", "6.1"])
def test_order_of_locks(monkeypatch, kernel):
    """Which locks does a collapse take and release, in which order?"""
    process = ready(kernel=kernel)
    start = process.mm.kernel.mem_map.start_pfn
    pte_lock = f"page table lock {((pmd(process) or 0) >> 12 & 0xFFFFFFFFFF) - start}"
    pmd_lock = f"page table lock {module.pmd_lock(process.mm, ADDRESS).name.split()[-1]}"
    vma, anon = process.mm.vmas[0].vm_lock.name, process.mm.vmas[0].anon_vma.lock.name
    log = record_locks(monkeypatch)
    process.machine.wake_khugepaged()
    first = log.index(f"-W {pte_lock}") + 1  # the scan has released the PTE lock
    last = log.index("-W mmap_lock app")
    vma_lock = ([f"+W {vma}"], [f"-W {vma}"]) if kernel == "6.18" else ([], [])
    assert log[first : last + 1] == [
        "-R mmap_lock app",
        # here the huge page is allocated, with no lock held
        "+R mmap_lock app",
        "-R mmap_lock app",
        "+W mmap_lock app",
        *vma_lock[0],
        f"+W {anon}",
        f"+W {pmd_lock}",  # clear the PMD
        f"-W {pmd_lock}",
        f"+W {pte_lock}",  # isolate
        f"-W {pte_lock}",
        f"-W {anon}",
        f"+W {pte_lock}",  # copied: let go of the old pages
        f"-W {pte_lock}",
        f"+W {pmd_lock}",  # publish
        f"-W {pmd_lock}",
        *vma_lock[1],
        "-W mmap_lock app",
    ]


def test_allocation_is_made_without_locks(monkeypatch):
    """Which locks are held while the huge page is allocated?"""
    process = ready()
    held = []

    def look():
        scan = process.mm.kernel.khugepaged
        locks = [process.mm.mmap_lock, scan.mm_lock, process.mm.vmas[0].vm_lock]
        held.append([lock.name for lock in locks if lock.readers or lock.writer])

    before(monkeypatch, module, "alloc_charge_folio", look)
    process.machine.wake_khugepaged()
    assert held == [[]]


def test_old_pages_go_before_the_leaf_comes(monkeypatch):
    """In which order: clear the PMD, clear the 512 PTEs (their pages are freed), set the leaf?"""
    process = ready()
    log = []
    entries = table(process)
    pmd_table, index = module.mm_find_pmd(process.mm, ADDRESS)
    plain = Column.__setitem__

    def setitem(self, at, value):
        plain(self, at, value)
        if self is pmd_table and at == index:
            log.append(("PMD", value & 0xFFF, process.machine.vmstat("nr_free_pages")))
        elif self is entries:
            log.append(("PTE", value))

    free = process.machine.vmstat("nr_free_pages")
    monkeypatch.setattr(Column, "__setitem__", setitem, raising=False)
    process.machine.wake_khugepaged()
    assert log[0] == ("PMD", 0, free - 512)
    assert log[1:513] == [("PTE", 0)] * 512
    assert log[513:] == [("PMD", 0x8E7, free)]
