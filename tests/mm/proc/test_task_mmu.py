"""smaps and clear_refs."""

from __future__ import annotations

import pytest

from tests.invariants import check, whole_state
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill, page_at, pmd, pte, set_flag, table
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.page import PG_referenced, PG_young

YOUNG = 0x20


def fields(process) -> list[dict[str, str]]:
    """smaps as one mapping for each VMA."""
    areas: list[dict[str, str]] = []
    for line in process.smaps().splitlines():
        name, _, value = line.partition(":")
        if "-" in name.split()[0]:
            areas.append({"range": line})
        else:
            areas[-1][name] = value.strip()
    return areas


def test_clear_refs_makes_pages_old():
    """Which marks does clear_refs take away, and which stay?"""
    process = app()
    fill(process, 0, 3)
    process.read(ADDRESS + 3 * PAGE)
    for flag in (PG_referenced, PG_young):
        set_flag(process, flag)
    zero, free = pte(process, ADDRESS + 3 * PAGE), process.machine.vmstat("nr_free_pages")
    process.clear_refs()
    assert [entry & 0xFFF for entry in table(process)[:3]] == [0x867 & ~YOUNG] * 3
    assert pte(process, ADDRESS + 3 * PAGE) == zero  # not a normal page: left alone
    assert process.mm.kernel.mem_map.flags[page_at(process)] & (PG_referenced | PG_young) == 0
    assert process.machine.vmstat("nr_free_pages") == free
    process.read(ADDRESS)
    assert [bool(entry & YOUNG) for entry in table(process)[:3]] == [True, False, False]
    check(process.machine)


def test_clear_refs_on_a_leaf():
    """Is a huge page old afterwards?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    process.clear_refs()
    assert (pmd(process) or 0) & 0xFFF == 0x8E7 & ~YOUNG


@pytest.mark.parametrize("text", ["0", "2", "6", "", "x"])
def test_clear_refs_refuses(text):
    """Is any other number refused, changing nothing?"""
    process = app()
    fill(process, 0, 3)
    state = whole_state(process.mm.kernel)
    with pytest.raises(KernelError, match=r"EINVAL.*clear_refs"):
        process.clear_refs(text)
    assert whole_state(process.mm.kernel) == state


def test_smaps_of_base_pages():
    """What does smaps say about 3 written and 2 read pages?"""
    process = app()
    fill(process, 0, 3)
    process.read(ADDRESS + 3 * PAGE)
    process.read(ADDRESS + 4 * PAGE)
    (area,) = fields(process)
    assert area["range"] == "7fda81800000-7fda81a00000 rw-p 00000000 00:00 0"
    assert (area["Size"], area["Rss"], area["AnonHugePages"]) == ("2048 kB", "12 kB", "0 kB")
    assert (area["THPeligible"], area["VmFlags"]) == ("0", "rd wr")


def test_smaps_of_huge_pages():
    """What counts as AnonHugePages: a leaf, a leaf of zeros, a huge page mapped by PTEs?"""
    process = app(3)
    process.madvise(ADDRESS, 3 * WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    process.read(ADDRESS + WINDOW)
    process.write(ADDRESS + 2 * WINDOW, 1)
    process.madvise(ADDRESS + 3 * WINDOW - PAGE, PAGE, "dontneed")
    (area,) = fields(process)
    assert (area["Rss"], area["AnonHugePages"]) == (f"{2048 + 2044} kB", "2048 kB")
    assert (area["THPeligible"], area["VmFlags"]) == ("1", "rd wr hg")


@pytest.mark.parametrize(
    ("enabled", "advice", "length", "eligible"),
    [
        ("always", None, WINDOW, "1"),
        ("madvise", None, WINDOW, "0"),
        ("madvise", "hugepage", WINDOW, "1"),
        ("never", "hugepage", WINDOW, "0"),
        ("always", "nohugepage", WINDOW, "0"),
        ("always", None, WINDOW - PAGE, "0"),
    ],
)
def test_thpeligible_before_the_first_touch(enabled, advice, length, eligible):
    """Does THPeligible tell what a fault would do?"""
    machine = Machine()
    machine.write_sysfs("enabled", enabled)
    process = machine.process("app")
    process.mmap(ADDRESS, length)
    if advice:
        process.madvise(ADDRESS, length, advice)
    assert fields(process)[0]["THPeligible"] == eligible


@pytest.mark.parametrize(("prot", "mode", "flags"), [("r", "r--p", "rd hg"), ("none", "---p", "hg")])
def test_smaps_of_protected_memory(prot, mode, flags):
    """How does smaps write protection and flags?"""
    process = Machine().process("app")
    process.mmap(ADDRESS, WINDOW, prot)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    (area,) = fields(process)
    assert area["range"].split()[1] == mode
    assert area["VmFlags"] == flags


def test_smaps_names_flags_from_the_lowest_bit_on():
    """Bits 0, 1, 12 (userfaultfd), 13 (locked), 29 (hugepage) and 31 (mergeable)."""
    process = Machine().process("app")
    process.mmap(ADDRESS, WINDOW, locked=True)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.madvise(ADDRESS, WINDOW, "mergeable")
    process.uffd_register(ADDRESS, WINDOW, "wp")
    assert fields(process)[0]["VmFlags"] == "rd wr uw lo hg mg"


def test_smaps_touches_nothing():
    """Is reading smaps free of side effects?"""
    process = app(2)
    fill(process, 0, 600)
    state = whole_state(process.mm.kernel)
    assert len(fields(process)) == 1
    assert whole_state(process.mm.kernel) == state
