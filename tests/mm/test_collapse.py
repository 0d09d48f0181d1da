"""A collapse step by step: what it changes, in which order, and that any failure undoes all of it."""

from __future__ import annotations

import pytest

from tests.invariants import check, read_back, tables_and_pages
from tests.mm.lab import (
    ADDRESS,
    COLLAPSE,
    ISOLATE,
    NX,
    PAGE,
    SCAN,
    WINDOW,
    advise,
    after,
    app,
    before,
    eat,
    fill,
    knob,
    lines,
    nr_deposited,
    pmd,
    pte,
    ready,
    record_locks,
    set_flag,
    table,
    written,
)
from thplab.mm import collapse as module
from thplab.mm import collapse_pages as pages_module
from thplab.mm.errors import KernelBug
from thplab.mm.mm_types import MMF_DISABLE_THP_COMPLETELY, VM_WRITE
from thplab.mm.page import PG_locked, PG_lru
from thplab.mm.state import Column

TRANSHUGE, LIGHT = 0x1C24CA, 0x1C20CA


def collapsed(process) -> None:
    process.machine.wake_khugepaged()
    assert lines(process.machine) == [(ISOLATE, "succeeded"), (COLLAPSE, "succeeded"), (SCAN, "succeeded")]


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
    from thplab.mm import khugepaged

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


def intruders():
    """name -> (what somebody does while the huge page is allocated, the verdict)."""
    half = WINDOW // 2
    return {
        "munmap": (lambda p: p.munmap(ADDRESS, WINDOW), "vma_null"),
        "munmap of the tail": (lambda p: p.munmap(ADDRESS + half, half), "not_suitable_address_range"),
        "mmap anew": (lambda p: p.mmap(ADDRESS, WINDOW), "vma_check_failed"),
        "NOHUGEPAGE": (lambda p: p.madvise(ADDRESS, WINDOW, "nohugepage"), "vma_check_failed"),
        "exit": (lambda p: p.exit(), "no_process_for_page"),
        "prctl": (
            lambda p: setattr(p.mm, "flags", p.mm.flags | MMF_DISABLE_THP_COMPLETELY),
            "no_process_for_page",
        ),
        "DONTNEED": (lambda p: p.madvise(ADDRESS, WINDOW, "dontneed"), "pmd_none"),
        "a huge fault": (
            lambda p: (p.madvise(ADDRESS, WINDOW, "dontneed"), p.write(ADDRESS, 9)),
            "page_pmd_mapped",
        ),
        "a strange PMD": (
            lambda p: module.mm_find_pmd(p.mm, ADDRESS)[0].__setitem__(12, 0x1F << 59 | 0x600),
            "pmd_null",
        ),
    }


@pytest.mark.parametrize("name", intruders())
def test_the_world_changes_during_the_allocation(monkeypatch, name):
    """Which verdict gets each change, and does the huge page go back?"""
    act, status = intruders()[name]
    process = ready()
    machine = process.machine
    states = []
    before(
        monkeypatch,
        module,
        "alloc_charge_folio",
        lambda: (
            act(process),
            states.append(tables_and_pages(machine.kernel) if "PMD" not in name else None),
        ),
    )
    machine.wake_khugepaged()
    assert lines(machine)[:2] == [(COLLAPSE, status), (SCAN, status)]
    assert machine.vmstat("thp_collapse_alloc") == 1
    assert machine.read_sysfs("khugepaged/pages_collapsed") == "0\n"
    if states[0] is not None:
        assert tables_and_pages(machine.kernel) == states[0]
        check(machine)


def strict():
    """name -> (what happens to the pages before the strict test, the verdict of isolate)."""
    return {
        "pin the first": (lambda p: p.pin(ADDRESS), "not_suitable_page_count", 0),
        "pin page 300": (lambda p: p.pin(ADDRESS + 300 * PAGE), "not_suitable_page_count", 300),
        "pin the last": (lambda p: p.pin(ADDRESS + 511 * PAGE), "not_suitable_page_count", 511),
        "lock": (lambda p: set_flag(p, PG_locked, ADDRESS + 9 * PAGE), "page_locked", 9),
        "LRU": (
            lambda p: set_flag(p, PG_lru, ADDRESS + 9 * PAGE, on=False),
            "could_not_delete_page_from_lru",
            9,
        ),
        "clear_refs": (lambda p: p.clear_refs(), "lack_referenced_page", 0),
        "swap": (lambda p: table(p).__setitem__(9, 1 << 59 | 0x3FFE00), "pte_non_present", 9),
        "uffd-wp": (
            lambda p: table(p).__setitem__(9, pte(p, ADDRESS + 9 * PAGE) | 1 << 10),
            "pte_uffd_wp",
            9,
        ),
    }


@pytest.mark.parametrize("name", strict())
@pytest.mark.parametrize("by", ["khugepaged", "MADV_COLLAPSE"])
def test_refused_by_isolate(monkeypatch, name, by):
    """Which verdict gets a page that changed after the scan, and is everything put back bit for bit?"""
    act, status, referenced = strict()[name]
    process = ready() if by == "khugepaged" else written()
    machine, states = process.machine, []
    before(
        monkeypatch,
        module,
        "alloc_charge_folio",
        lambda: (act(process), states.append(tables_and_pages(machine.kernel))),
    )
    if by == "khugepaged":
        machine.wake_khugepaged()
    elif name != "clear_refs":
        with pytest.raises(OSError, match="not every window"):
            process.madvise(ADDRESS, WINDOW, "collapse")
    else:
        process.madvise(ADDRESS, WINDOW, "collapse")
        assert (pmd(process) or 0) & 0x80  # the marks do not bind it
        return
    by_event = [(event, status) for event in (ISOLATE, COLLAPSE, SCAN)]
    assert lines(machine)[:3] == by_event
    assert int(machine.trace[0].value("referenced")) == (referenced if by == "khugepaged" else 0)
    assert machine.trace[1].value("isolated") == "0"
    assert tables_and_pages(machine.kernel) == states[0]
    assert machine.vmstat("thp_collapse_alloc") == 1
    assert machine.vmstat("nr_isolated_anon") == 0
    locks = [process.mm.mmap_lock, process.mm.vmas[0].vm_lock, process.mm.vmas[0].anon_vma.lock]
    assert [(lock.readers, lock.writer) for lock in locks] == [(0, None)] * 3


def test_holes_beyond_the_limit_at_isolate(monkeypatch):
    """Is the limit tested again, and counted again, when pages were discarded meanwhile?"""
    process = ready()
    machine = process.machine
    knob(machine, max_ptes_none=10)
    before(monkeypatch, module, "alloc_charge_folio", lambda: process.madvise(ADDRESS, 11 * PAGE, "dontneed"))
    machine.wake_khugepaged()
    assert lines(machine) == [(event, "exceed_none_pte") for event in (ISOLATE, COLLAPSE, SCAN)]
    assert machine.trace[0].value("none_or_zero") == "11"
    assert machine.trace[-1].value("none_or_zero") == "0"  # what the scan saw
    assert machine.vmstat("thp_scan_exceed_none_pte") == 1
    assert process.mm.rss == 501
    check(machine)


def test_shared_beyond_the_limit_at_isolate(monkeypatch):
    """And the limit on shared pages?"""
    process = ready()
    machine = process.machine
    knob(machine, max_ptes_shared=1)

    def share():
        mem_map = process.mm.kernel.mem_map
        for number in (3, 4):
            page = (pte(process, ADDRESS + number * PAGE) >> 12 & 0xFFFFFFFFFF) - mem_map.start_pfn
            mem_map.mapcount[page] += 1
            mem_map.refcount[page] += 1

    before(monkeypatch, module, "alloc_charge_folio", share)
    machine.wake_khugepaged()
    assert lines(machine)[0] == (ISOLATE, "exceed_shared_pte")
    assert machine.trace[0].value("referenced") == "4"
    assert machine.vmstat("thp_scan_exceed_share_pte") == 1


def test_another_table_between_the_two_looks(monkeypatch):
    """Which verdict gets a window that has another table at the second look than at the first?"""
    process = ready(2)
    machine = process.machine
    machine.kernel.knobs.max_ptes_none = 511

    def replace_table():
        kernel = machine.kernel
        old = pmd(process)
        process.mm.kernel.knobs.enabled = "never"  # base pages, please
        process.madvise(ADDRESS, WINDOW, "dontneed")
        process.write(ADDRESS + 2 * WINDOW - PAGE, 1)
        other = module.__dict__["__folio_alloc"](kernel, 0, 0, 0, 1)
        process.write(ADDRESS, 9)
        kernel.knobs.enabled = "madvise"
        held[other] = 0
        assert pmd(process) != old

    held: dict[int, int] = {}
    after(monkeypatch, module, "_recheck_for_reading", replace_table)
    machine.wake_khugepaged()
    assert lines(machine)[:2] == [(COLLAPSE, "failed"), (SCAN, "failed")]
    assert process.read(ADDRESS) == 9
    check(machine, held=held)


def test_vanishes_between_the_two_looks(monkeypatch):
    """Which verdict gets a window whose table goes, or whose VMA goes, between the two looks?"""
    for act, status in (
        (lambda p: p.madvise(ADDRESS, WINDOW, "dontneed"), "pmd_none"),
        (lambda p: p.munmap(ADDRESS, WINDOW), "vma_null"),
        (lambda p: p.exit(), "no_process_for_page"),
    ):
        process = ready()
        with monkeypatch.context() as patch:
            after(patch, module, "_recheck_for_reading", lambda a=act, p=process: a(p))
            process.machine.wake_khugepaged()
        assert lines(process.machine)[:2] == [(COLLAPSE, status), (SCAN, status)]
        check(process.machine)


def test_without_a_free_block():
    """What is traced and counted when there is no huge page, and is all as before?"""
    process = ready()
    machine = process.machine
    knob(machine, pages_to_scan=513)
    held = eat(machine, 9)
    state = tables_and_pages(machine.kernel)
    machine.wake_khugepaged()
    assert lines(machine) == [(COLLAPSE, "alloc_huge_page_failed"), (SCAN, "alloc_huge_page_failed")]
    assert [e.value("isolated") for e in machine.trace if e.name == COLLAPSE] == ["0"]
    assert [machine.vmstat(f"thp_collapse_alloc{x}") for x in ("", "_failed")] == [0, 1]
    assert tables_and_pages(machine.kernel) == state
    check(machine, held=held)


def test_a_refused_window_is_tried_again():
    """Is a window that was pinned collapsed in the next pass after the pin has gone?"""
    process = written()
    page = process.pin(ADDRESS)
    advise(process)
    process.machine.wake_khugepaged()
    process.unpin(page)
    process.machine.wake_khugepaged()
    assert [status for event, status in lines(process.machine) if event == SCAN] == [
        "not_suitable_page_count",
        "succeeded",
    ]
    check(process.machine)


def test_a_pmd_that_is_not_clear_any_more(monkeypatch):
    """Is it noticed when somebody filled the PMD while the fence stood?"""
    process = ready()
    entries, index = module.mm_find_pmd(process.mm, ADDRESS)
    after(
        monkeypatch,
        pages_module,
        "__collapse_huge_page_copy",
        lambda: entries.__setitem__(index, 0x123067),
    )
    with pytest.raises(KernelBug, match="not clear any more"):
        process.machine.wake_khugepaged()


@pytest.mark.parametrize("entries", [8, 16, 64])
def test_small_tables_keep_the_rules(entries):
    """Does a collapse with tables of 8, 16, 64 entries obey the same rules, scaled?"""
    from thplab.machine import Machine

    machine = Machine(entries=entries, memory_pages=16 * entries)
    process = machine.process("app")
    size = entries * PAGE
    process.mmap(size, 10 * size)
    for window in range(10):
        process.write((1 + window) * size, window + 1)
    start = machine.kernel.khugepaged.passes
    process.madvise(size, 10 * size, "hugepage")
    scan = machine.kernel.khugepaged
    assert scan.passes == start + 1
    assert scan.progress_of_pass == 8 * (entries + 1)
    assert scan.pages_collapsed == 8
    assert process.mm.rss == 8 * entries + 2
    assert [process.read((1 + n) * size) for n in range(10)] == list(range(1, 11))
    assert process.read(2 * size - PAGE) == 0
    check(machine)
    knob(machine, max_ptes_none=entries - 2)
    machine.wake_khugepaged()
    assert machine.trace[-1].value("status") in ("exceed_none_pte", "page_pmd_mapped")
    assert machine.vmstat("thp_scan_exceed_none_pte") == 2
    process.exit()
    check(machine)
