"""The scenarios of the kernel's own selftest tools/testing/selftests/mm/khugepaged.c, by their names.

Each runs in the contexts and with the kinds of memory in which the kernel's test runs it: ``khugepaged``
(MADV_HUGEPAGE, then the daemon passes until it has been round twice) and ``madvise`` (``enabled`` never,
MADV_COLLAPSE, tried again after EAGAIN). What must come out is what that test asserts: how many huge pages
smaps shows, and that no page lost its contents.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.sampling import some
from thplab.machine import Machine, Process
from thplab.mm.include.errors import KernelError

BASE = 0x40000000
PAGE = 4096
HUGE = 512 * PAGE

SETTINGS = {
    "enabled": "madvise",
    "defrag": "always",
    "use_zero_page": 0,
    "khugepaged/defrag": 1,
    "khugepaged/alloc_sleep_millisecs": 10,
    "khugepaged/scan_sleep_millisecs": 10,
    "khugepaged/max_ptes_none": 511,
    "khugepaged/max_ptes_swap": 64,
    "khugepaged/max_ptes_shared": 256,
    "khugepaged/pages_to_scan": 4096,
    "hugepages-2048kB/enabled": "inherit",
}


class Selftest:
    """A machine with the selftest's settings, and one process under test."""

    def __init__(self, windows: int = 8) -> None:
        self.machine = Machine(memory_pages=512 * windows, swap_pages=1024)
        for path, value in SETTINGS.items():
            self.machine.write_sysfs(path, value)
        self.process = self.machine.process("khugepaged_test")

    @contextmanager
    def setting(self, path: str, value: object) -> Iterator[None]:
        """A setting that is put back afterwards, as the selftest's settings stack does."""
        before = re.search(r"\[(.*)\]|(\d+)", self.machine.read_sysfs(path))
        assert before is not None
        self.machine.write_sysfs(path, value)
        yield
        self.machine.write_sysfs(path, before[1] or before[2])

    def free_pages(self) -> int:
        """Pages in free blocks of all orders."""
        return sum(blocks << order for order, blocks in enumerate(self.machine.kernel.zone.nr_free))

    def alloc_mapping(self, huge: int = 1) -> None:
        self.process.mmap(BASE, huge * HUGE)

    def fill(self, first: int, end: int, process: Process | None = None) -> None:
        for page in range(first, end):
            (process or self.process).write(BASE + page * PAGE, page + 0xDEAD0000)

    def validate(self, first: int, end: int, process: Process | None = None) -> None:
        contents = [(process or self.process).read(BASE + page * PAGE) for page in range(first, end)]
        assert contents == [page + 0xDEAD0000 for page in range(first, end)]

    def smaps(self, field: str, process: Process | None = None) -> int:
        """Sum of a field over the mapping, in kB."""
        text = (process or self.process).smaps()
        return sum(int(kb) for kb in re.findall(rf"^{field}: +(\d+) kB", text, re.MULTILINE))

    def huge(self, process: Process | None = None) -> int:
        return self.smaps("AnonHugePages", process) // 2048

    def advise(self, advice: str, first: int, end: int, process: Process | None = None) -> None:
        (process or self.process).madvise(BASE + first * PAGE, (end - first) * PAGE, advice)

    def alloc_hpage(self) -> None:
        """One huge page made by MADV_COLLAPSE, whatever is under test."""
        self.alloc_mapping()
        self.fill(0, 512)
        self.advise("collapse", 0, 512)
        assert self.huge() == 1
        self.advise("hugepage", 0, 512)


Collapse = Callable[..., None]


def by_khugepaged(
    test: Selftest, huge: int, *, expect: bool, process: Process | None = None, at: int = BASE
) -> None:
    process = process or test.process
    assert test.huge(process) == 0
    process.madvise(at, huge * HUGE, "hugepage")
    scan = test.machine.kernel.khugepaged
    full_scans = scan.full_scans
    for _ in range(300):
        if test.huge(process) == huge or scan.full_scans >= full_scans + 2:
            break
        test.machine.run_for(10)
    assert test.huge(process) == (huge if expect else 0)
    process.madvise(at, huge * HUGE, "nohugepage")


def by_madvise(
    test: Selftest, huge: int, *, expect: bool, process: Process | None = None, at: int = BASE
) -> None:
    process = process or test.process
    with test.setting("enabled", "never"):
        process.madvise(at, huge * HUGE, "hugepage")
        assert (_madvise_collapse_retry(process, at, huge) == 0) == expect
    assert test.huge(process) == (huge if expect else 0)


def _madvise_collapse_retry(process: Process, at: int, huge: int) -> int:
    for last in (False, True):
        try:
            process.madvise(at, huge * HUGE, "collapse")
        except KernelError as error:
            if error.errno != errno.EAGAIN or last:
                return error.errno or 0
        else:
            return 0
    return 0


@dataclass(frozen=True)
class Context:
    name: str
    collapse: Collapse
    enforces_limits: bool


KHUGEPAGED = Context("khugepaged", by_khugepaged, enforces_limits=True)
MADVISE = Context("madvise", by_madvise, enforces_limits=False)

both = pytest.mark.parametrize("context", [KHUGEPAGED, MADVISE], ids=lambda context: context.name)


def test_alloc_at_fault() -> None:
    test = Selftest()
    with test.setting("enabled", "always"):
        test.alloc_mapping()
        test.process.write(BASE, 1)
    assert test.huge() == 1
    assert test.machine.vmstat("thp_fault_alloc") == 1
    test.advise("dontneed", 0, 1)
    assert test.huge() == 0
    assert test.machine.vmstat("thp_split_pmd") == 1
    assert test.machine.vmstat("thp_deferred_split_page") == 1


@both
def test_collapse_full(context: Context) -> None:
    test = Selftest(16)
    test.alloc_mapping(4)
    test.fill(0, 2048)
    free = test.free_pages()
    context.collapse(test, 4, expect=True)
    test.validate(0, 2048)
    assert test.machine.vmstat("thp_collapse_alloc") == 4
    assert test.machine.kernel.khugepaged.pages_collapsed == (4 if context is KHUGEPAGED else 0)
    assert test.free_pages() == free  # 512 base pages are freed for each huge page


@both
def test_collapse_empty(context: Context) -> None:
    test = Selftest()
    test.alloc_mapping()
    context.collapse(test, 1, expect=False)
    assert not test.machine.trace


@both
def test_collapse_single_pte_entry(context: Context) -> None:
    test = Selftest()
    test.alloc_mapping()
    test.fill(0, 1)
    rss = test.smaps("Rss")
    context.collapse(test, 1, expect=True)
    test.validate(0, 1)
    assert test.smaps("Rss") == rss + 511 * 4


@both
def test_collapse_max_ptes_none(context: Context) -> None:
    test = Selftest()
    with test.setting("khugepaged/max_ptes_none", 256):
        test.alloc_mapping()
        test.fill(0, 255)
        context.collapse(test, 1, expect=not context.enforces_limits)
        test.validate(0, 255)
        if context.enforces_limits:
            assert test.machine.vmstat("thp_scan_exceed_none_pte") >= 1
            test.fill(0, 256)
            context.collapse(test, 1, expect=True)
            test.validate(0, 256)


@both
def test_collapse_single_pte_entry_compound(context: Context) -> None:
    test = Selftest()
    test.alloc_hpage()
    test.advise("nohugepage", 0, 512)
    test.advise("dontneed", 1, 512)
    assert test.huge() == 0
    context.collapse(test, 1, expect=True)
    test.validate(0, 1)


@both
def test_collapse_full_of_compound(context: Context) -> None:
    test = Selftest()
    test.alloc_hpage()
    test.advise("nohugepage", 0, 1)
    test.advise("nohugepage", 0, 512)
    assert test.huge() == 0
    free = test.free_pages()
    context.collapse(test, 1, expect=True)
    test.validate(0, 512)
    assert test.free_pages() == free  # the old huge page is freed whole


@both
def test_collapse_swapin_single_pte(context: Context) -> None:
    test = Selftest()
    test.alloc_mapping()
    test.fill(0, 512)
    test.advise("pageout", 0, 1)
    assert test.smaps("Swap") == 4
    context.collapse(test, 1, expect=True)
    test.validate(0, 512)


@both
def test_collapse_max_ptes_swap(context: Context) -> None:
    test = Selftest()
    test.alloc_mapping()
    test.fill(0, 512)
    test.advise("pageout", 0, 65)
    assert test.smaps("Swap") == 65 * 4
    context.collapse(test, 1, expect=not context.enforces_limits)
    test.validate(0, 512)
    if context.enforces_limits:
        assert test.machine.vmstat("thp_scan_exceed_swap_pte") >= 1
        test.fill(0, 512)
        test.advise("pageout", 0, 64)
        assert test.smaps("Swap") == 64 * 4
        context.collapse(test, 1, expect=True)
        test.validate(0, 512)


@both
def test_collapse_fork(context: Context) -> None:
    test = Selftest()
    test.alloc_mapping()
    test.fill(0, 1)
    child = test.process.fork("child")
    test.fill(1, 2, child)
    context.collapse(test, 1, expect=True, process=child)
    test.validate(0, 2, child)
    assert test.smaps("Rss") == 4
    child.exit()
    assert test.huge() == 0
    test.validate(0, 1)


@both
def test_collapse_fork_compound(context: Context) -> None:
    test = Selftest()
    test.alloc_hpage()
    child = test.process.fork("child")
    assert test.huge(child) == 1
    test.advise("nohugepage", 0, 1, child)
    test.advise("nohugepage", 0, 512, child)
    assert test.huge(child) == 0
    test.fill(0, 1, child)
    with test.setting("khugepaged/max_ptes_shared", 511):
        context.collapse(test, 1, expect=True, process=child)
    test.validate(0, 512, child)
    child.exit()
    assert test.huge() == 1
    test.validate(0, 512)


@both
def test_collapse_max_ptes_shared(context: Context) -> None:
    test = Selftest()
    test.alloc_hpage()
    child = test.process.fork("child")
    assert test.huge(child) == 1
    test.fill(0, 255, child)
    assert test.huge(child) == 0
    context.collapse(test, 1, expect=not context.enforces_limits, process=child)
    test.validate(0, 512, child)
    if context.enforces_limits:
        assert test.machine.vmstat("thp_scan_exceed_share_pte") >= 1
        test.fill(0, 256, child)
        assert test.huge(child) == 0
        context.collapse(test, 1, expect=True, process=child)
        test.validate(0, 512, child)
    child.exit()
    assert test.huge() == 1
    test.validate(0, 512)


@pytest.mark.parametrize("context", some([KHUGEPAGED, MADVISE], 1), ids=lambda context: context.name)
def test_collapse_compound_extreme(context: Context) -> None:
    """512 entries, each of which maps a page of another huge page."""
    test = Selftest(windows=530)
    process, beyond = test.process, BASE + 2 * HUGE
    test.alloc_mapping()
    for count in range(512):
        test.advise("hugepage", 0, 512)
        test.fill(0, 512)
        assert test.huge() == 1
        test.advise("nohugepage", 0, 512)
        # Keep the first page of it behind those that are there, and put all of them below the next one.
        process.mremap(BASE - count * PAGE, count * PAGE + HUGE, (count + 1) * PAGE, beyond)
        process.mremap(beyond, (count + 1) * PAGE, (count + 1) * PAGE + HUGE, BASE - (count + 1) * PAGE)
    process.munmap(BASE, HUGE)
    pages = range(-512, 0)
    for page in pages:
        process.write(BASE + page * PAGE, page + 0xDEAD0000)
    assert test.huge() == 0
    free = test.free_pages()
    context.collapse(test, 1, expect=True, at=BASE - HUGE)
    assert [process.read(BASE + page * PAGE) for page in pages] == [page + 0xDEAD0000 for page in pages]
    assert test.free_pages() == free + 511 * 512  # all the huge pages are freed but one's worth


def test_madvise_collapse_existing_thps() -> None:
    test = Selftest()
    test.alloc_mapping()
    test.fill(0, 512)
    MADVISE.collapse(test, 1, expect=True)
    allocated = test.machine.vmstat("thp_collapse_alloc")
    MADVISE.collapse(test, 1, expect=True)
    assert test.machine.vmstat("thp_collapse_alloc") == allocated
    test.validate(0, 512)
