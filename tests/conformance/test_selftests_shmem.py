"""The shmem scenarios of the kernel's own selftest tools/testing/selftests/mm/khugepaged.c, by their names.

The memory is a memfd, mapped shared. khugepaged only puts the huge page into the page cache: the test
touches the memory again before it looks at smaps (ShmemPmdMapped). The process is known to khugepaged
beforehand, as in the kernel's test, which begins with a huge page at fault.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance.test_selftests import (
    BASE,
    HUGE,
    KHUGEPAGED,
    MADVISE,
    PAGE,
    Selftest,
    _madvise_collapse_retry,
)

#: Where the kernel's test makes its huge page at fault before anything else.
ELSEWHERE = 0x80000000

Collapse = Callable[["ShmemSelftest", int, bool], None]


class ShmemSelftest(Selftest):
    """The same machine and settings, with shmem_enabled=advise and a memfd under test."""

    def __init__(self, windows: int = 8) -> None:
        super().__init__(windows)
        self.machine.write_sysfs("shmem_enabled", "advise")
        with self.setting("enabled", "always"):
            self.process.mmap(ELSEWHERE, HUGE)
            self.process.write(ELSEWHERE, 1)
            self.process.munmap(ELSEWHERE, HUGE)

    def alloc_mapping(self, huge: int = 1) -> None:
        file = self.process.memfd_create("khugepaged-selftest", huge * HUGE)
        self.process.mmap(BASE, huge * HUGE, shared=True, file=file)
        self.process.close(file)

    def huge_mapped(self) -> int:
        return self.smaps("ShmemPmdMapped") // 2048


def by_khugepaged(test: ShmemSelftest, huge: int, filled: int) -> None:
    assert test.huge_mapped() == 0
    test.process.madvise(BASE, huge * HUGE, "hugepage")
    scan = test.machine.kernel.khugepaged
    full_scans = scan.full_scans
    for _ in range(300):
        if test.huge_mapped() == huge or scan.full_scans >= full_scans + 2:
            break
        test.machine.run_for(10)
    test.fill(0, filled)
    assert test.huge_mapped() == huge
    test.process.madvise(BASE, huge * HUGE, "nohugepage")


def by_madvise(test: ShmemSelftest, huge: int, filled: int) -> None:
    with test.setting("enabled", "never"), test.setting("shmem_enabled", "never"):
        test.process.madvise(BASE, huge * HUGE, "hugepage")
        assert _madvise_collapse_retry(test.process, BASE, huge) == 0
    assert test.huge_mapped() == huge


both = pytest.mark.parametrize("collapse", [by_khugepaged, by_madvise], ids=[KHUGEPAGED.name, MADVISE.name])


@both
def test_collapse_full(collapse: Collapse) -> None:
    test = ShmemSelftest(16)
    test.alloc_mapping(4)
    test.fill(0, 2048)
    collapse(test, 4, 2048)
    test.validate(0, 2048)
    assert test.machine.vmstat("thp_collapse_alloc") == 4
    assert test.machine.vmstat("thp_file_mapped") == 4


@both
def test_collapse_single_pte_entry(collapse: Collapse) -> None:
    test = ShmemSelftest()
    test.alloc_mapping()
    test.fill(0, 1)
    collapse(test, 1, 1)
    test.validate(0, 1)
    assert [test.process.read(BASE + page * PAGE) for page in (1, 511)] == [0, 0]


@both
def test_collapse_full_of_compound(collapse: Collapse) -> None:
    """The folio stays: only the page table that maps it piecemeal is taken away."""
    test = ShmemSelftest()
    test.alloc_mapping()
    test.fill(0, 512)
    test.advise("collapse", 0, 512)
    assert test.huge_mapped() == 1
    test.advise("hugepage", 0, 512)
    allocated = test.machine.vmstat("thp_collapse_alloc")
    test.advise("nohugepage", 0, 1)
    test.advise("nohugepage", 0, 512)
    assert test.huge_mapped() == 0
    collapse(test, 1, 512)
    test.validate(0, 512)
    assert test.machine.vmstat("thp_collapse_alloc") == allocated
    assert test.machine.vmstat("nr_shmem_hugepages") == 1


def test_madvise_collapse_existing_thps() -> None:
    test = ShmemSelftest()
    test.alloc_mapping()
    test.fill(0, 512)
    by_madvise(test, 1, 512)
    allocated = test.machine.vmstat("thp_collapse_alloc")
    by_madvise(test, 1, 512)
    assert test.machine.vmstat("thp_collapse_alloc") == allocated
    test.validate(0, 512)


def test_madvise_retracted_page_tables() -> None:
    """The kernel runs it on files: after khugepaged the PMD is empty, MADV_COLLAPSE maps the folio again."""
    test = ShmemSelftest()
    test.alloc_mapping()
    test.fill(0, 512)
    test.process.madvise(BASE, HUGE, "hugepage")
    for _ in range(300):
        test.machine.run_for(10)
    assert test.huge_mapped() == 0
    assert test.machine.kernel.khugepaged.pages_collapsed >= 1
    allocated = test.machine.vmstat("thp_collapse_alloc")
    by_madvise(test, 1, 512)
    assert test.machine.vmstat("thp_collapse_alloc") == allocated
    test.validate(0, 512)
