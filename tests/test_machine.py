"""A machine and its processes as the lessons use them."""

from __future__ import annotations

import pytest

from tests.invariants import check, whole_state
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, eat, fill, pmd
from thplab import machine as module
from thplab.machine import Machine
from thplab.mm.include.errors import KernelBug, KernelError
from thplab.mm.include.mmzone import Memory
from thplab.mm.include.sched import Wait


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"memory_pages": 1023}, "memory_pages=1023.*at least 1024"),
        ({"memory_pages": 0}, "at least 1024"),
        ({"memory_pages": -5}, "at least 1024"),
        ({"entries": 8, "memory_pages": 15}, "at least 16"),
        ({"entries": 100}, "entries=100"),
        ({"start_pfn": -1}, "start_pfn=-1"),
        ({"start_pfn": 1 << 40}, "start_pfn"),
        ({"kernel": "2.4"}, "no kernel profile '2.4'"),
    ],
)
def test_no_such_machine(how, words):
    """Is a machine that can't be refused in words?"""
    with pytest.raises(ValueError, match=words):
        Machine(**how)


@pytest.mark.parametrize(("entries", "pages"), [(8, 16), (16, 32), (64, 128), (512, 1024)])
def test_smallest_machine(entries, pages):
    """Is the smallest machine whole, all of its memory free?"""
    machine = Machine(entries=entries, memory_pages=pages)
    assert machine.vmstat("nr_free_pages") == pages
    check(machine)


def test_boot():
    """What is there after boot?"""
    machine = Machine()
    assert machine.trace == []
    assert machine.kernel.clock.now == 0
    assert machine.kernel.khugepaged.thread is not None
    assert machine.read_sysfs("enabled") == "always [madvise] never\n"
    check(machine)


def test_example_of_the_docstring():
    """Does the example at the top of the module do what it says?"""
    machine = Machine(memory_pages=4096)
    process = machine.process("app")
    process.mmap(0x7FDA81800000, 2 << 20)
    process.write(0x7FDA81800000, token=1)
    process.madvise(0x7FDA81800000, 2 << 20, "hugepage")
    machine.wake_khugepaged()
    assert (pmd(process) or 0) & 0x80
    check(machine)


def test_two_processes_of_one_name():
    """Is a name that is taken refused, until its owner has ended?"""
    machine = Machine()
    first = machine.process("app")
    state = whole_state(machine.kernel)
    with pytest.raises(ValueError, match="'app'"):
        machine.process("app")
    assert whole_state(machine.kernel) == state
    first.exit()
    machine.process("app")


def test_no_page_for_a_process():
    """Is starting a process without memory for its PGD refused, and is all as before?"""
    machine = Machine(memory_pages=1024)
    held = eat(machine, 0)
    state = whole_state(machine.kernel, without=("vmstat",))
    with pytest.raises(MemoryError, match="page table of app"):
        machine.process("app")
    assert whole_state(machine.kernel, without=("vmstat",)) == state
    # A page for the kernel may come from zone Normal, also where that has none; nothing came of two rounds.
    assert machine.vmstat("allocstall_normal") == 2
    check(machine, held=held)


def test_machines_are_apart():
    """Do two machines share anything that changes?"""
    first, second = Machine(), Machine()
    state = whole_state(second.kernel)
    process = app(machine=first)
    fill(process)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    first.write_sysfs("khugepaged/max_ptes_none", 0)
    assert whole_state(second.kernel) == state


def test_the_same_calls_give_the_same_machine():
    """Is a run repeatable bit for bit?"""
    states = []
    for _ in range(2):
        process = app(2)
        fill(process, 0, 700)
        process.madvise(ADDRESS, 2 * WINDOW, "hugepage")
        process.machine.run_for(30_000)
        states.append((whole_state(process.mm.kernel), [event.text() for event in process.machine.trace]))
    assert states[0] == states[1]


def test_pin_and_unpin():
    """What does a pin change, and is a page pinned that was never touched the zero page?"""
    process = app()
    process.write(ADDRESS, 1)
    mem_map = process.mm.kernel.mem_map
    page = process.pin(ADDRESS)
    assert mem_map.refcount[page] == 2
    zero = process.pin(ADDRESS + PAGE)
    assert zero == process.mm.kernel.zero_page
    check(process.machine, [page, zero])
    process.unpin(page)
    process.unpin(zero)
    assert (mem_map.refcount[page], mem_map.refcount[zero]) == (1, 1)
    check(process.machine)


def test_pin_of_a_huge_page_holds_the_whole_folio():
    """Whose reference is taken when page 77 of a huge page is pinned?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    page = process.pin(ADDRESS + 77 * PAGE)
    mem_map = process.mm.kernel.mem_map
    folio = mem_map.compound_head[page]
    assert (page - folio, mem_map.refcount[folio], mem_map.refcount[page]) == (77, 2, 0)
    process.madvise(ADDRESS, WINDOW, "dontneed")
    assert mem_map.refcount[folio] == 1
    check(process.machine, [page])
    process.unpin(page)
    check(process.machine)


def test_pin_where_nothing_is_mapped():
    """Is a pin outside every mapping refused?"""
    with pytest.raises(KernelError, match="EFAULT"):
        app().pin(ADDRESS - PAGE)


def test_unpin_too_often():
    """Is dropping the page table's own reference refused, and is all as before?"""
    process = app()
    process.write(ADDRESS, 1)
    page = process.pin(ADDRESS)
    process.unpin(page)
    state = whole_state(process.mm.kernel)
    with pytest.raises(ValueError, match=f"page {page} is not pinned"):
        process.unpin(page)
    assert whole_state(process.mm.kernel) == state


@pytest.mark.parametrize("daemons", [False, True])
def test_a_daemon_without_work_makes_no_pass(daemons):
    """Does a wake end where khugepaged has nothing to do, also while other daemons' sleeps end?"""
    machine = Machine(memory_pages=4096, memory=Memory(zones=(("Normal", 4096),), daemons=daemons))
    passes = machine.kernel.khugepaged.passes
    machine.wake_khugepaged()
    machine.process("app").mmap(ADDRESS, WINDOW)
    machine.wake_khugepaged()
    assert (machine.kernel.khugepaged.passes, machine.kernel.clock.now) == (passes, 0)


def test_daemons_that_never_sleep_are_a_defect_that_is_told(monkeypatch):
    """Does a kernel thread that always goes on end in words instead of never?"""
    machine = Machine(memory_pages=4096, memory=Memory(zones=(("Normal", 4096),)))
    thread = machine.kernel.node.kswapd
    thread.body = (Wait("x", lambda: True) for _ in iter(int, 1))
    thread.wait = None
    monkeypatch.setattr(module, "_MOST_RESUMED", 1000)
    with pytest.raises(KernelBug, match="kswapd0 and its like go on without sleeping"):
        machine.run_ready()


@pytest.mark.parametrize("daemons", [False, True])
@pytest.mark.parametrize("scanned", [False, True])
def test_every_call_returns(monkeypatch, daemons, scanned):
    """Does a call that lets very much time pass end in words, and is the machine as usable as before?"""
    machine = Machine(memory_pages=4096, memory=Memory(zones=(("Normal", 4096),), daemons=daemons))
    process = machine.process("app")
    process.mmap(ADDRESS, WINDOW)
    process.write(ADDRESS, 1)
    if scanned:
        process.madvise(ADDRESS, WINDOW, "hugepage")
    monkeypatch.setattr(module, "_MOST_WOKEN", 50)
    if daemons or scanned:
        with pytest.raises(TimeoutError, match=r"went on 50 times.*run for a shorter time"):
            machine.run_for(1 << 40)
    else:
        machine.run_for(1 << 40)
    now = machine.kernel.clock.now
    machine.run_for(1000)
    assert machine.kernel.clock.now == now + 1000 * 1_000_000
    check(machine)


def test_a_nap_among_waking_daemons_ends(monkeypatch):
    """Does a wake end if khugepaged's nap for want of memory is longer than kcompactd can be watched?"""
    machine = Machine(memory_pages=4096, memory=Memory(zones=(("Normal", 4096),), watermarks=False))
    process = app(machine=machine)
    fill(process)
    held = eat(machine, 9)
    machine.set_knobs([("khugepaged/alloc_sleep_millisecs", 4294967295), ("khugepaged/defrag", 0)])
    monkeypatch.setattr(module, "_MOST_WOKEN", 50)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    with pytest.raises(TimeoutError, match="lower alloc_sleep_millisecs"):
        machine.wake_khugepaged()
    check(machine, held=held)


def test_time_passes_only_when_asked():
    """Do system calls and passes take virtual time?"""
    process = app()
    fill(process)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.machine.wake_khugepaged()
    assert process.machine.kernel.clock.now == 0
    process.machine.run_for(1.5)
    assert process.machine.kernel.clock.now == 1_500_000


def test_waking_a_daemon_that_is_not_there():
    """Does waking khugepaged under enabled=never do anything?"""
    machine = Machine()
    machine.write_sysfs("enabled", "never")
    state = whole_state(machine.kernel)
    machine.wake_khugepaged()
    assert whole_state(machine.kernel) == state


def test_exactly_one_pass():
    """Does each wake make exactly one pass, whatever the daemon waits for?"""
    process = app(20)
    fill(process, 0, 1)
    process.madvise(ADDRESS, 20 * WINDOW, "hugepage")
    scan = process.machine.kernel.khugepaged
    for _ in range(3):
        before = scan.passes
        process.machine.wake_khugepaged()
        assert scan.passes == before + 1
