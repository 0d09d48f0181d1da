"""How an address space comes onto khugepaged's list."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, SCAN, WINDOW, advise, app, fill, ready
from thplab.machine import Machine


def listed(machine: Machine) -> list[str]:
    return [slot.mm.name for slot in machine.kernel.khugepaged.mm_head]


def test_advice_on_touched_memory_registers():
    """Is a process registered by MADV_HUGEPAGE on memory it has written to?"""
    process = app()
    process.write(ADDRESS, 1)
    assert listed(process.machine) == []
    advise(process)
    assert listed(process.machine) == ["app"]
    check(process.machine)


@pytest.mark.parametrize("touch", ["not at all", "read"])
def test_advice_on_untouched_memory_does_not(touch):
    """And on memory that was never written, hence has no anon_vma?"""
    process = app()
    if touch == "read":
        process.read(ADDRESS)
    advise(process)
    assert listed(process.machine) == []


@pytest.mark.parametrize(("enabled", "registered"), [("always", True), ("madvise", True), ("never", False)])
def test_enabled_at_the_advice(enabled, registered):
    """Does the advice register under each word of ``enabled``?"""
    machine = Machine()
    machine.write_sysfs("enabled", "never")
    process = app(machine=machine)
    process.write(ADDRESS, 1)
    machine.write_sysfs("enabled", enabled)
    advise(process)
    assert listed(machine) == (["app"] if registered else [])


@pytest.mark.parametrize("write", [True, False])
def test_the_first_huge_fault_registers(write):
    """Is a process registered by a fault that could make a huge page, reading or writing?"""
    process = app()
    advise(process)
    process.write(ADDRESS, 1) if write else process.read(ADDRESS)
    assert listed(process.machine) == ["app"]


def test_a_base_page_fault_does_not():
    """And by a fault in a window that has a table already?"""
    machine = Machine()
    machine.write_sysfs("enabled", "never")
    process = app(2, machine)
    process.write(ADDRESS, 1)
    machine.write_sysfs("enabled", "always")
    assert listed(machine) == []
    process.write(ADDRESS + PAGE, 1)
    assert listed(machine) == []
    process.write(ADDRESS + WINDOW, 1)
    assert listed(machine) == ["app"]


def test_switching_to_always_does_not_register():
    """Are processes registered that were there before ``enabled`` became always?"""
    machine = Machine()
    machine.write_sysfs("enabled", "never")
    process = app(machine=machine)
    fill(process)
    machine.write_sysfs("enabled", "always")
    machine.wake_khugepaged()
    assert listed(machine) == []
    assert machine.trace == []


def test_too_short_a_vma_does_not_register():
    """Does the advice register a process none of whose VMAs holds a whole window?"""
    process = app(0.75)
    process.write(ADDRESS, 1)
    advise(process, 0.75)
    assert listed(process.machine) == []


def test_order_of_registration():
    """Where on the list does a second process go, and does a second advice move the first?"""
    machine = Machine()
    for name in ("b", "a", "c"):
        process = app(machine=machine, name=name)
        process.write(ADDRESS, 1)
        advise(process)
        advise(process)
    assert listed(machine) == ["b", "a", "c"]
    check(machine)


def test_nohugepage_does_not_unregister():
    """Is a process forgotten when its memory is not to be huge any more?"""
    process = ready()
    process.madvise(ADDRESS, WINDOW, "nohugepage")
    assert listed(process.machine) == ["app"]


def test_the_first_registration_wakes_the_daemon_later_ones_do_not():
    """When does the daemon look at a newly registered process?"""
    machine = Machine()
    for name, scans in (("a", 1), ("b", 1)):
        process = app(machine=machine, name=name)
        fill(process)
        process.madvise(ADDRESS, WINDOW, "hugepage")
        assert len([event for event in machine.trace if event.name == SCAN]) == scans
    machine.wake_khugepaged()
    assert [event.mm for event in machine.trace if event.name == SCAN] == ["a", "a", "b"]


def test_a_pin_that_registers_wakes_the_daemon():
    """Does the daemon run when the fault that registers the first process is that of a pin?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    passes = process.machine.kernel.khugepaged.passes
    process.pin(ADDRESS)
    assert listed(process.machine) == ["app"]
    assert process.machine.kernel.khugepaged.passes == passes + 1


def test_exit_before_the_cursor_comes():
    """Is a process that ends taken off the list at once?"""
    machine = Machine()
    processes = []
    for name in ("a", "b", "c"):
        processes.append(app(machine=machine, name=name))
        processes[-1].write(ADDRESS, 1)
        advise(processes[-1])
    processes[1].exit()
    assert listed(machine) == ["a", "c"]
    check(machine)
