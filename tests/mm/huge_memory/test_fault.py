"""Huge pages at fault time: when, with which mask, and how a leaf is split."""

from __future__ import annotations

import pytest

from tests.invariants import check, free_list
from tests.mm.lab import ADDRESS, NX, PAGE, WINDOW, app, eat, nr_deposited, pmd, pte, table
from thplab.machine import Machine
from thplab.mm.huge_memory.pmd import __split_huge_pmd, pgtable_trans_huge_withdraw
from thplab.mm.huge_memory.policy import thp_vma_allowable_order, vma_thp_gfp_mask
from thplab.mm.include.errors import KernelBug
from thplab.mm.include.huge_mm import TvaType
from thplab.mm.include.mm_types import (
    MMF_DISABLE_THP_COMPLETELY,
    VM_DONTEXPAND,
    VM_HUGEPAGE,
    VM_HUGETLB,
    VM_IO,
    VM_MIXEDMAP,
    VM_NOHUGEPAGE,
    VM_PFNMAP,
)
from thplab.mm.include.page import PG_anon_exclusive
from thplab.mm.include.pgtable import mm_find_pmd
from thplab.mm.khugepaged.enter import hugepage_pmd_enabled

split_huge_pmd = __split_huge_pmd
GFP_TRANSHUGE, LIGHT = 0x1C24CA, 0x1C20CA
NORETRY, KSWAPD = 1 << 16, 1 << 11


def thp(kernel: str = "6.18", windows: float = 1, enabled: str = "always", **how):
    """A process under enabled=always that has touched nothing."""
    machine = Machine(kernel, **how)
    machine.write_sysfs("enabled", enabled)
    return app(windows, machine)


def counts(machine: Machine, *names: str) -> tuple[int, ...]:
    return tuple(machine.vmstat(name) for name in names)


ALLOC_FALLBACK_SPLIT = ("thp_fault_alloc", "thp_fault_fallback", "thp_split_pmd")


def is_huge(process, address: int = ADDRESS) -> bool:
    return bool((pmd(process, address) or 0) & 0x80)


def test_huge_write_fault():
    """What does the first write to an eligible window change?"""
    process = thp()
    process.write(ADDRESS + 5 * PAGE, 42)
    leaf = pmd(process)
    assert leaf is not None
    assert leaf & 0xFFF == 0x8E7
    assert leaf & NX
    assert (leaf >> 12 & 0xFFFFFFFFFF) % 512 == 0
    assert process.mm.rss == 512
    assert process.mm.pgtables == 4  # PGD, PUD, PMD, and the deposited one
    assert nr_deposited(process) == 1
    assert [process.read(ADDRESS + n * PAGE) for n in (0, 5, 511)] == [0, 42, 0]
    assert counts(process.machine, *ALLOC_FALLBACK_SPLIT) == (1, 0, 0)
    assert process.machine.vmstat("nr_anon_transparent_hugepages") == 1
    check(process.machine)


def test_huge_read_fault_maps_the_huge_zero_page():
    """What does the first read of an eligible window change?"""
    process = thp(windows=2)
    assert process.read(ADDRESS) == process.read(ADDRESS + WINDOW) == 0
    assert pmd(process) == pmd(process, ADDRESS + WINDOW)
    assert (pmd(process) or 0) & 0x83 == 0x81  # present leaf, not writable
    assert process.mm.rss == 0
    assert counts(process.machine, "thp_zero_page_alloc", *ALLOC_FALLBACK_SPLIT) == (1, 0, 0, 0)
    assert process.mm.vmas[0].anon_vma is not None
    check(process.machine)


def test_use_zero_page_0_gives_a_real_page():
    """What does a read get when the huge zero page is switched off?"""
    process = thp()
    process.machine.write_sysfs("use_zero_page", 0)
    assert process.read(ADDRESS) == 0
    assert process.mm.rss == 512
    assert counts(process.machine, "thp_zero_page_alloc", "thp_fault_alloc") == (0, 1)
    check(process.machine)


def test_write_to_the_huge_zero_page_6_18():
    """What becomes of the huge zero page at the first write, in 6.18?"""
    process = thp()
    process.read(ADDRESS)
    process.write(ADDRESS + PAGE, 3)
    assert (pmd(process) or 0) & 0xFFF == 0x8E7
    assert process.mm.rss == 512
    assert counts(process.machine, *ALLOC_FALLBACK_SPLIT) == (1, 0, 0)
    assert [process.read(ADDRESS + n * PAGE) for n in range(3)] == [0, 3, 0]
    check(process.machine)


def test_write_to_the_huge_zero_page_6_1():
    """And in 6.1?"""
    process = thp("6.1")
    process.read(ADDRESS)
    process.write(ADDRESS + PAGE, 3)
    entries = table(process)
    assert entries[1] & 0xFFF == 0x867
    assert {entry & 0xFFF for number, entry in enumerate(entries) if number != 1} == {0x225}
    assert process.mm.rss == 1
    assert counts(process.machine, *ALLOC_FALLBACK_SPLIT) == (0, 0, 1)
    check(process.machine)


def test_write_to_the_huge_zero_page_without_a_block():
    """And in 6.18 when no huge page is to be had?"""
    process = thp()
    process.read(ADDRESS)
    held = eat(process.machine, 9)
    process.write(ADDRESS, 3)
    assert pte(process) & 0xFFF == 0x867
    assert pte(process, ADDRESS + PAGE) & 0xFFF == 0x225
    assert counts(process.machine, *ALLOC_FALLBACK_SPLIT) == (0, 1, 1)
    assert process.mm.rss == 1
    check(process.machine, held=held)


@pytest.mark.parametrize("write", [True, False])
def test_fallback_without_a_block(write):
    """What does a fault get when no order-9 block is free, and what does it count?"""
    process = thp()
    held = eat(process.machine, 9)
    process.write(ADDRESS, 1) if write else process.read(ADDRESS)
    assert not is_huge(process)
    assert process.mm.rss == int(write)
    failed = process.machine.vmstat("thp_zero_page_alloc_failed")
    assert counts(process.machine, *ALLOC_FALLBACK_SPLIT) == (0, 1, 0)
    assert failed == int(not write)
    check(process.machine, held=held)


def test_no_page_for_the_deposit():
    """Is the huge page given back when there is no page for the table that goes with it?"""
    process = thp(windows=4, memory_pages=2048)
    process.write(ADDRESS, 1)  # the upper tables are there now
    held = eat(process.machine, 9, keep=1)
    held |= _all_smaller(process.machine)
    assert [order for _, order in free_list(process.mm.kernel)] == [9]
    with pytest.raises(MemoryError):
        process.write(ADDRESS + WINDOW, 1)
    assert pmd(process, ADDRESS + WINDOW) == 0
    assert process.mm.rss == 512
    check(process.machine, held=held)


def _all_smaller(machine: Machine) -> dict[int, int]:
    from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages

    held = {}
    for order in range(9):
        while machine.kernel.node.zones[0].nr_free[order]:
            held[alloc_pages(machine.kernel, 0, order)] = order
    return held


def test_no_page_for_the_deposit_of_the_huge_zero_page():
    """And when it is the huge zero page that was to be mapped?"""
    process = thp(windows=4, memory_pages=2048)
    process.write(ADDRESS, 1)
    held = eat(process.machine, 9, keep=1)
    held |= _all_smaller(process.machine)
    with pytest.raises(MemoryError):
        process.read(ADDRESS + WINDOW)
    assert pmd(process, ADDRESS + WINDOW) == 0
    check(process.machine, held=held)


@pytest.mark.parametrize(
    ("start", "length"), [(0, WINDOW - PAGE), (PAGE, WINDOW), (PAGE, 2 * WINDOW - 2 * PAGE)]
)
def test_vma_without_a_whole_window(start, length):
    """Does a VMA that holds no aligned 2 MiB get huge pages?"""
    machine = Machine()
    machine.write_sysfs("enabled", "always")
    process = machine.process("app")
    process.mmap(ADDRESS + start, length)
    process.write(ADDRESS + start, 1)
    process.write(ADDRESS + start + length - PAGE, 1)
    assert process.mm.rss == 2
    assert counts(machine, *ALLOC_FALLBACK_SPLIT) == (0, 0, 0)


def test_unaligned_vma_is_huge_only_inside():
    """Which windows of an unaligned VMA are huge?"""
    machine = Machine()
    machine.write_sysfs("enabled", "always")
    process = machine.process("app")
    process.mmap(ADDRESS + PAGE, 3 * WINDOW - 2 * PAGE)
    for number in range(3):
        process.write(ADDRESS + number * WINDOW + PAGE, 1)
    assert [is_huge(process, ADDRESS + n * WINDOW) for n in range(3)] == [False, True, False]


def test_no_huge_page_once_there_is_a_table():
    """Does a fault make a huge page in a window where one base page was touched before?"""
    process = thp(enabled="never")
    process.write(ADDRESS, 1)
    process.machine.write_sysfs("enabled", "always")
    process.write(ADDRESS + PAGE, 1)
    assert not is_huge(process)
    assert counts(process.machine, *ALLOC_FALLBACK_SPLIT) == (0, 0, 0)


YES = {("always", None), ("always", "hugepage"), ("madvise", "hugepage")}


@pytest.mark.parametrize("enabled", ["always", "madvise", "never"])
@pytest.mark.parametrize("advice", [None, "hugepage", "nohugepage"])
@pytest.mark.parametrize("defrag", ["always", "defer", "defer+madvise", "madvise", "never"])
def test_enabled_and_advice(enabled, advice, defrag):
    """Who gets huge pages at a fault while memory is free, whatever ``defrag`` says?"""
    process = thp(enabled=enabled)
    process.machine.write_sysfs("defrag", defrag)
    if advice:
        process.madvise(ADDRESS, WINDOW, advice)
    process.write(ADDRESS, 1)
    assert is_huge(process) == ((enabled, advice) in YES)


@pytest.mark.parametrize(
    ("size", "enabled", "advised", "huge"),
    [
        ("always", "never", False, True),
        ("madvise", "never", True, True),
        ("madvise", "always", False, False),
        ("never", "always", True, False),
        ("inherit", "always", False, True),
        ("inherit", "never", True, False),
    ],
)
def test_the_size_overrides_the_global_word(size, enabled, advised, huge):
    """Who decides: hugepages-2048kB/enabled or enabled?"""
    process = thp(enabled=enabled)
    process.machine.write_sysfs("hugepages-2048kB/enabled", size)
    if advised:
        process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    assert is_huge(process) is huge
    assert hugepage_pmd_enabled(process.mm.kernel) is (
        (size, enabled) not in {("never", "always"), ("inherit", "never")}
    )


@pytest.mark.parametrize(
    ("defrag", "advised", "plain"),
    [
        ("always", GFP_TRANSHUGE, GFP_TRANSHUGE | NORETRY),
        ("defer", LIGHT | KSWAPD, LIGHT | KSWAPD),
        ("defer+madvise", GFP_TRANSHUGE, LIGHT | KSWAPD),
        ("madvise", GFP_TRANSHUGE, LIGHT),
        ("never", LIGHT, LIGHT),
    ],
)
def test_mask_of_a_fault(defrag, advised, plain):
    """With which mask does a fault ask for a huge page?"""
    process = thp()
    process.machine.write_sysfs("defrag", defrag)
    (vma,) = process.mm.vmas
    assert vma_thp_gfp_mask(vma) == plain
    vma.vm_flags |= VM_HUGEPAGE
    assert vma_thp_gfp_mask(vma) == advised


def allowed(vma) -> str:
    """The first letters of those who may: smaps, page fault, khugepaged, forced collapse."""
    return "".join(tva.name[0] for tva in TvaType if thp_vma_allowable_order(vma, vma.vm_flags, tva))


@pytest.mark.parametrize(
    ("change", "who"),
    [
        (lambda p, v: None, "SPKF"),
        (lambda p, v: setattr(v, "anon_vma", None), "SP"),
        (lambda p, v: setattr(v, "vm_flags", v.vm_flags | VM_NOHUGEPAGE), ""),
        (lambda p, v: setattr(p.mm, "flags", MMF_DISABLE_THP_COMPLETELY), ""),
        (lambda p, v: setattr(v, "vm_end", v.vm_end - PAGE), "P"),
        (lambda p, v: p.machine.set_knobs([("enabled", "never")]), "F"),
        (lambda p, v: p.machine.set_knobs([("enabled", "madvise")]), "F"),
        *((lambda p, v, f=f: setattr(v, "vm_flags", v.vm_flags | f), "SP") for f in (VM_IO, VM_PFNMAP)),
        *(
            (lambda p, v, f=f: setattr(v, "vm_flags", v.vm_flags | f), "SP")
            for f in (VM_DONTEXPAND, VM_HUGETLB)
        ),
        (lambda p, v: setattr(v, "vm_flags", v.vm_flags | VM_MIXEDMAP), "SP"),
    ],
)
def test_who_may_have_huge_pages(change, who):
    """For whom is a touched VMA eligible, and what takes that away?"""
    process = thp(enabled="never")
    process.write(ADDRESS, 1)
    process.machine.set_knobs([("enabled", "always")])
    (vma,) = process.mm.vmas
    change(process, vma)
    assert allowed(vma) == who


def test_split_of_a_leaf():
    """What does a split leave: table, entries, counts?"""
    process = thp()
    process.write(ADDRESS + 7 * PAGE, 9)
    (vma,) = process.mm.vmas
    leaf = pmd(process) or 0
    folio = (leaf >> 12 & 0xFFFFFFFFFF) - process.mm.kernel.mem_map.start_pfn
    split_huge_pmd(vma, mm_find_pmd(process.mm, ADDRESS), ADDRESS)
    assert list(table(process)) == [(leaf & ~0x80) + (n << 12) for n in range(512)]
    assert table(process)[0] & 0xFFF == 0x867
    mem_map = process.mm.kernel.mem_map
    assert (mem_map.refcount[folio], mem_map.entire_mapcount[folio], mem_map.large_mapcount[folio]) == (
        512,
        0,
        512,
    )
    assert nr_deposited(process) == 0
    assert process.mm.rss == 512
    assert process.mm.pgtables == 4
    assert counts(process.machine, "thp_split_pmd", "nr_anon_transparent_hugepages") == (1, 0)
    assert process.read(ADDRESS + 7 * PAGE) == 9
    check(process.machine)


def test_split_of_the_huge_zero_page():
    """What does a split of the huge zero page leave?"""
    process = thp()
    process.read(ADDRESS)
    split_huge_pmd(process.mm.vmas[0], mm_find_pmd(process.mm, ADDRESS), ADDRESS)
    zero = process.mm.kernel.zero_page + process.mm.kernel.mem_map.start_pfn
    assert set(table(process)) == {zero << 12 | 0x225 | NX}
    check(process.machine)


def test_a_second_deposit_and_withdraw():
    """Is a table kept for each leaf of one PMD table, and is asking for one too many noticed?"""
    process = thp(windows=3)
    for number in range(3):
        process.write(ADDRESS + number * WINDOW, 1)
    assert nr_deposited(process) == 3
    check(process.machine)
    process.munmap(ADDRESS, 3 * WINDOW)
    process.mmap(ADDRESS, WINDOW)
    process.machine.write_sysfs("enabled", "never")
    process.write(ADDRESS, 1)
    with pytest.raises(KernelBug, match="nothing deposited"):
        pgtable_trans_huge_withdraw(process.mm, ADDRESS)


def test_write_to_a_protected_leaf():
    """Is a write-protected leaf reused when nobody else has the folio, and split when somebody has?"""
    process = thp(windows=2)
    for at in (ADDRESS, ADDRESS + WINDOW):
        process.write(at, 1)
        entries, index = mm_find_pmd(process.mm, at)
        entries[index] &= ~0x2
    page = process.pin(ADDRESS + WINDOW)
    process.mm.kernel.mem_map.flags[page] &= ~PG_anon_exclusive  # as after fork
    process.write(ADDRESS, 2)
    process.write(ADDRESS + WINDOW, 2)
    assert (pmd(process) or 0) & 0xFFF == 0x8E7
    assert not is_huge(process, ADDRESS + WINDOW)
    assert process.machine.vmstat("thp_split_pmd") == 1
    assert (process.read(ADDRESS), process.read(ADDRESS + WINDOW)) == (2, 2)
    check(process.machine, [page])
