"""Faulting in ahead of time, and the zero page under PROT_NONE: rules as a live 6.18.44 shows them."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app
from thplab.kernels import PROFILES
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import VM_LOCKED

HALF = WINDOW // 2


@pytest.mark.parametrize("kernel", PROFILES)
@pytest.mark.parametrize("advice", ["populate_read", "populate_write"])
@pytest.mark.parametrize(("first", "count", "faulted"), [(0, 3, 0), (3, 2, 3), (7, 1, 7)])
def test_populate_ends_at_the_first_hole(kernel, advice, first, count, faulted):
    """Is nothing behind a hole faulted in, and the error that of the hole, whatever follows?"""
    process = app(kernel=kernel)
    process.munmap(ADDRESS + first * PAGE, count * PAGE)
    process.mprotect(ADDRESS + (first + count) * PAGE, PAGE, "none")
    with pytest.raises(KernelError) as refused:
        process.madvise(ADDRESS, 12 * PAGE, advice)
    assert refused.value.errno == errno.ENOMEM
    assert process.machine.vmstat("pgfault") == faulted
    check(process.machine)


@pytest.mark.parametrize("kernel", PROFILES)
@pytest.mark.parametrize(("prot", "advice"), [("none", "populate_read"), ("r", "populate_write")])
def test_populate_against_the_protection(kernel, prot, advice):
    """Is what comes before the refused mapping faulted in, and EINVAL answered?"""
    process = app(kernel=kernel)
    process.mprotect(ADDRESS + 4 * PAGE, PAGE, prot)
    with pytest.raises(KernelError) as refused:
        process.madvise(ADDRESS, 12 * PAGE, advice)
    assert refused.value.errno == errno.EINVAL
    assert process.machine.vmstat("pgfault") == 4


@pytest.mark.parametrize("kernel", PROFILES)
@pytest.mark.parametrize("grown", [0, 3])
def test_a_move_of_locked_memory_faults_in_what_was_added(kernel, grown):
    """Do the holes of locked memory stay holes when it moves?"""
    process = app(kernel=kernel)
    process.mm.vmas[0].vm_flags |= VM_LOCKED  # as after mlock2(MLOCK_ONFAULT)
    process.mremap(ADDRESS, 4 * PAGE, (4 + grown) * PAGE, ADDRESS + 4 * WINDOW)
    assert process.mm.rss == grown
    check(process.machine)


def _split_zero(kernel, advice):
    """A window of zeros under PROT_NONE, split: by MADV_COLD of its half, or as the huge zero page."""
    machine = Machine(kernel, memory_pages=4096)
    process = machine.process("a")
    process.mmap(ADDRESS, WINDOW)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    if advice == "cold":
        process.madvise(ADDRESS, WINDOW, "populate_write")
    else:
        process.read(ADDRESS)
    process.mprotect(ADDRESS, WINDOW, "none")
    process.madvise(ADDRESS + HALF, HALF, advice)
    return process


@pytest.mark.parametrize("kernel", PROFILES)
@pytest.mark.parametrize("advice", ["cold", "dontneed"])
def test_the_zero_page_under_prot_none(kernel, advice):
    """Does a page of zeros that may not be read stay unreadable when its huge page is split?"""
    process = _split_zero(kernel, advice)
    with pytest.raises(KernelError) as refused:
        process.read(ADDRESS)
    assert refused.value.errno == errno.EFAULT
    process.mprotect(ADDRESS, WINDOW, "rw")
    assert process.read(ADDRESS) == 0
    check(process.machine)
