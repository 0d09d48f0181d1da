"""prctl(PR_SET_THP_DISABLE)."""

from __future__ import annotations

import pytest

from tests.invariants import whole_state
from tests.mm.lab import ADDRESS, WINDOW, app, fill, pmd, statuses
from thplab.mm.include.errors import KernelError

LEAF = 1 << 7


def faults_huge(process, at: int) -> bool:
    process.write(at, 1)
    return bool((pmd(process, at) or 0) & LEAF)


@pytest.mark.parametrize(("flags", "advised"), [(0, False), (2, True)])
def test_faults(flags, advised):
    """Who still gets huge pages at a fault: nobody, or advised memory?"""
    process = app(2)
    process.machine.write_sysfs("enabled", "always")
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.prctl_thp_disable(flags)
    assert faults_huge(process, ADDRESS) is advised
    assert faults_huge(process, ADDRESS + WINDOW) is False
    process.prctl_thp_disable(disable=False)
    process.madvise(ADDRESS + WINDOW, WINDOW, "dontneed")
    assert faults_huge(process, ADDRESS + WINDOW) is True


@pytest.mark.parametrize(("flags", "done"), [(0, False), (2, True)])
def test_madv_collapse(flags, done):
    """Does MADV_COLLAPSE work in a process that switched huge pages off?"""
    process = app()
    fill(process)
    process.prctl_thp_disable(flags)
    if done:
        process.madvise(ADDRESS, WINDOW, "collapse")
    else:
        with pytest.raises(KernelError, match="EINVAL"):
            process.madvise(ADDRESS, WINDOW, "collapse")
    assert statuses(process.machine) == (["succeeded"] if done else [])


def test_a_child_inherits_it():
    """Is it switched off in a child too?"""
    process = app()
    process.machine.write_sysfs("enabled", "always")
    process.prctl_thp_disable()
    assert faults_huge(process.fork("kid"), ADDRESS) is False


@pytest.mark.parametrize(("kernel", "flags"), [("6.18", 1), ("6.18", 4), ("6.1", 2)])
def test_refused(kernel, flags):
    """Which flags does a kernel not know?"""
    process = app(kernel=kernel)
    state = whole_state(process.mm.kernel)
    with pytest.raises(KernelError, match="EINVAL"):
        process.prctl_thp_disable(flags)
    assert whole_state(process.mm.kernel) == state
