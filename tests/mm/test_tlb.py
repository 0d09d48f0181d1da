"""Expected values follow from arithmetic: entries x page size, levels, and how LRU works in one set."""

from __future__ import annotations

import pytest

from tests.mm.lab import ADDRESS, PAGE, WINDOW, advise, app, written
from thplab.access import random_order, run_pattern, sequential, sparse, strided
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.tlb import (
    Tlb,
    TlbBank,
    flush_tlb_mm,
    flush_tlb_range,
    page_tables,
    tlb_access,
    tlb_reach,
    walk_references,
)
from thplab.recording.recorder import Recorder
from thplab.recording.state import snapshot_bytes

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("entries", "size", "reach"),
    [
        (64, 4 * KIB, 256 * KIB),
        (32, 2 * MIB, 64 * MIB),
        (1536, 4 * KIB, 6 * MIB),
        (1536, 2 * MIB, 3 * GIB),
        (2048, 4 * KIB, 8 * MIB),
        (2048, 2 * MIB, 4 * GIB),
        (3072, 4 * KIB, 12 * MIB),
        (3072, 2 * MIB, 6 * GIB),
    ],
)
def test_N19_reach(entries: int, size: int, reach: int) -> None:
    assert tlb_reach(entries, size) == reach


@pytest.mark.parametrize(
    ("guest", "host", "references"), [(4, 0, 4), (3, 0, 3), (4, 4, 24), (3, 3, 15), (3, 4, 19)]
)
def test_N20_references_of_a_walk(guest: int, host: int, references: int) -> None:
    assert walk_references(guest, host) == references


def test_N19_sixty_four_entries_hold_256_kib_and_not_a_page_more() -> None:
    # Fully associative, least recently used goes: round and round over 64 pages each lap but the first
    # hits; over 65 the page that comes next is always the one that has just been thrown out.
    process = written()
    tlb = Tlb(64, 64)
    run_pattern(process, tlb, sequential(ADDRESS, 256 * KIB))
    assert run_pattern(process, tlb, sequential(ADDRESS, 256 * KIB, laps=3)).hits == 3 * 64
    flush_tlb_mm(tlb, process.mm)
    run_pattern(process, tlb, sequential(ADDRESS, 256 * KIB + PAGE))
    assert run_pattern(process, tlb, sequential(ADDRESS, 256 * KIB + PAGE, laps=3)).hits == 0


def test_one_page_too_many_costs_only_its_own_set() -> None:
    # 16 sets of 4: the 65th page shares a set with four others; those five miss, the other 60 hit.
    process, tlb = written(), Tlb(64, 4)
    run_pattern(process, tlb, sequential(ADDRESS, 65 * PAGE))
    assert run_pattern(process, tlb, sequential(ADDRESS, 65 * PAGE)).hits == 60


def test_a_stride_as_long_as_the_number_of_sets_uses_one_set_only() -> None:
    process, tlb = written(), Tlb(64, 4)
    run_pattern(process, tlb, strided(ADDRESS, 5 * 16 * PAGE, 16 * PAGE))
    assert run_pattern(process, tlb, strided(ADDRESS, 5 * 16 * PAGE, 16 * PAGE)).hits == 0
    flush_tlb_mm(tlb, process.mm)
    run_pattern(process, tlb, strided(ADDRESS, 4 * 16 * PAGE, 16 * PAGE))
    assert run_pattern(process, tlb, strided(ADDRESS, 4 * 16 * PAGE, 16 * PAGE)).hits == 4


def test_the_least_recently_used_entry_gives_way() -> None:
    process, tlb = written(), Tlb(2, 2)
    a, b, c = ADDRESS, ADDRESS + PAGE, ADDRESS + 2 * PAGE
    found = [tlb_access(tlb, process.mm, address) for address in (a, b, a, c, a, b)]
    assert found == [False, False, True, False, True, False]


def huge_process(windows: int = 1):
    process = app(windows)
    advise(process, windows)
    for number in range(windows):
        process.write(ADDRESS + number * WINDOW, 1)
    return process


def test_one_entry_for_a_huge_page_and_512_for_base_pages() -> None:
    base, huge = written(), huge_process()
    whole = list(sequential(ADDRESS, WINDOW))
    assert run_pattern(base, Tlb(1536, 12), whole).walks == 512
    assert run_pattern(base, Tlb(1536, 12), whole).references == 512 * 4
    report = run_pattern(huge, Tlb(1536, 12), whole)
    assert (report.walks, report.references, report.hits) == (1, 3, 511)


@pytest.mark.parametrize(("host", "base", "huge"), [(4, 24, 19), (3, 19, 15)])
def test_N20_walks_in_a_guest(host: int, base: int, huge: int) -> None:
    assert run_pattern(written(), Tlb(64, 4, host_levels=host), [ADDRESS]).references == base
    assert run_pattern(huge_process(), Tlb(64, 4, host_levels=host), [ADDRESS]).references == huge


def test_sizes_share_one_array_or_have_one_each() -> None:
    process = app(2)
    process.machine.write_sysfs("khugepaged/max_ptes_none", 0)  # nor will the daemon make one
    process.write(ADDRESS + WINDOW, 1)  # a table there: no huge page at fault
    advise(process, 2)
    process.write(ADDRESS, 1)
    shared, separate = Tlb(1, 1), Tlb(1, 1, huge_entries=1, huge_ways=1)
    both = [ADDRESS, ADDRESS + WINDOW] * 2
    assert run_pattern(process, shared, both).hits == 0
    assert run_pattern(process, separate, both).hits == 2


def test_numbers_of_both_sizes_are_not_mistaken_for_each_other() -> None:
    # 4 KiB page number n and 2 MiB page number n stand in the same set with the same number.
    region = 1 << 30
    process = Machine(memory_pages=4096).process("app")
    number = region >> 21
    process.mmap(number << 12, PAGE)
    process.mmap(region, WINDOW)
    process.madvise(region, WINDOW, "hugepage")
    process.write(region, 1)
    process.write(number << 12, 2)
    tlb = Tlb(4, 4)
    assert not tlb_access(tlb, process.mm, region)
    assert not tlb_access(tlb, process.mm, number << 12)
    assert tlb_access(tlb, process.mm, region)
    assert tlb_access(tlb, process.mm, number << 12)


def test_what_is_not_there_is_faulted_in() -> None:
    process, tlb = app(), Tlb()
    report = run_pattern(process, tlb, sequential(ADDRESS, 8 * PAGE), write=True)
    assert (report.faults, report.walks, report.rss) == (8, 8, 8)
    with pytest.raises(KernelError, match="no mapping"):
        tlb_access(tlb, process.mm, ADDRESS - PAGE)


def test_a_write_does_not_hit_an_entry_that_was_read_only() -> None:
    process, tlb = app(), Tlb()
    assert not tlb_access(tlb, process.mm, ADDRESS)  # the zero page
    assert tlb_access(tlb, process.mm, ADDRESS)
    assert not tlb_access(tlb, process.mm, ADDRESS, write=True)
    assert tlb_access(tlb, process.mm, ADDRESS, write=True)
    assert sum(1 for tag in tlb.base.tags if tag) == 1


def test_a_collapse_needs_a_flush() -> None:
    process, tlb = written(), Tlb()
    run_pattern(process, tlb, [ADDRESS])
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert tlb_access(tlb, process.mm, ADDRESS)  # still the old translation: the mistake that flushes prevent
    flush_tlb_range(tlb, process.mm, ADDRESS, ADDRESS + WINDOW)
    assert run_pattern(process, tlb, [ADDRESS]).references == 3
    assert tlb_access(tlb, process.mm, ADDRESS + 300 * PAGE)


def test_a_flush_spares_what_lies_outside() -> None:
    process, tlb = written(), Tlb()
    run_pattern(process, tlb, sequential(ADDRESS, 4 * PAGE))
    flush_tlb_range(tlb, process.mm, ADDRESS + PAGE, ADDRESS + 3 * PAGE)
    assert [tlb_access(tlb, process.mm, ADDRESS + n * PAGE) for n in range(4)] == [True, False, False, True]


def test_tables_of_64_gib() -> None:
    base, huge = page_tables(64 * GIB), page_tables(64 * GIB, huge=True)
    assert (base.pte, base.pte * PAGE) == (32_768, 128 * MIB)
    assert (huge.pmd, huge.pmd * PAGE) == (64, 256 * KIB)
    assert (huge.pte, huge.deposited * PAGE) == (0, 128 * MIB)
    assert base.total == huge.total == 32_768 + 64 + 1 + 1


@pytest.mark.parametrize("windows", [1, 3])
def test_a_collapsed_window_keeps_its_table(windows: int) -> None:
    region = 1 << 39  # below a PGD entry of its own, so that the count is that of an aligned stretch
    process = Machine(memory_pages=4096).process("app")
    process.mmap(region, windows * WINDOW)
    for page in range(windows * 512):
        process.write(region + page * PAGE, 1)
    before = process.mm.pgtables
    assert before == page_tables(windows * WINDOW).total
    process.madvise(region, windows * WINDOW, "collapse")
    assert process.mm.pgtables == before == page_tables(windows * WINDOW, huge=True).total


def test_patterns_are_seeded() -> None:
    here = (ADDRESS, WINDOW, 50)
    assert list(random_order(*here, seed=1)) == list(random_order(*here, seed=1))
    assert list(random_order(*here, seed=1)) != list(random_order(*here, seed=2))
    assert all(ADDRESS <= a < ADDRESS + WINDOW and a % PAGE == 0 for a in random_order(*here, seed=3))
    touched = set(sparse(ADDRESS, 8 * WINDOW, 400, every=WINDOW, seed=4))
    assert len(touched) == 8
    assert sorted((a - ADDRESS) // WINDOW for a in touched) == list(range(8))


def test_a_tlb_that_is_attached_is_part_of_the_recorded_state() -> None:
    process = written()
    kernel = process.mm.kernel
    assert kernel.tlb is None
    kernel.tlb = Tlb(16, 4)
    with Recorder(kernel, "events") as recorder:
        start = snapshot_bytes(kernel)
        run_pattern(process, kernel.tlb, sequential(ADDRESS, 32 * PAGE))
    recording = recorder.recording
    assert recording.state(0).bytes() == start
    last = recording.state(len(recording) - 1)
    assert last.bytes() == snapshot_bytes(kernel) != start
    assert last.path("tlb.walks") == 32


@pytest.mark.parametrize(("entries", "ways"), [(64, 3), (4, 8), (0, 1), (4, 0)])
def test_ways_divide_entries(entries: int, ways: int) -> None:
    with pytest.raises(ValueError, match="ways that divide"):
        TlbBank("x", entries, ways)
