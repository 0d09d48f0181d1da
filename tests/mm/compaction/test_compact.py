"""Compaction of the comb: what the rules of the two scanners give, counted by hand."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tests.invariants import check, tokens
from tests.mm.ftrace import parse, recorded
from tests.sampling import some
from thplab.experiments.comb import COMB_FRAMES, comb34
from thplab.machine import Machine
from thplab.mm.compaction.compact import ASYNC, SYNC_LIGHT, try_to_compact_pages
from thplab.mm.compaction.suitable import (
    compact_gap,
    compaction_defer_reset,
    compaction_deferred,
    defer_compaction,
)
from thplab.mm.include.gfp import GFP_TRANSHUGE
from thplab.mm.include.mmzone import Memory
from thplab.mm.vmstat import extfrag_for_order, fragmentation_index
from thplab.scenario.fragment import REGION, fragment

PAGE = 4096
BLOCKS, BLOCK = 8, 512
USED = BLOCK // 4  # one frame in each group of four
FREE = BLOCK - USED


def huge_blocks(machine: Machine) -> int:
    """Free aligned blocks of 512 pages, those inside larger ones too."""
    zone = machine.kernel.node.zones[0]
    return zone.nr_free[9] + 2 * zone.nr_free[10]


def copies(machine: Machine) -> int:
    return machine.vmstat("pgmigrate_success")


def read_back(process, kept=range(COMB_FRAMES)):
    """Every page that is still mapped reads what was written."""
    found = tokens(process)
    held = {page: found.get(REGION + page * PAGE, 0) for page in kept}
    return all(token in (0, page + 1) for page, token in held.items()), sum(map(bool, held.values()))


def test_the_comb_before():
    """Score 100, index 997, no order-9 block although three quarters are free."""
    machine, process = comb34()
    zone = machine.kernel.node.zones[0]
    # A group of four with one used frame leaves a single page and a pair.
    groups = COMB_FRAMES // 4
    assert list(zone.nr_free) == [groups, groups] + [0] * 9
    free, blocks = 3 * groups, 2 * groups
    assert zone.free_pages == free == 3072
    assert fragmentation_index(zone, 9) == 1000 - (1000 + 1000 * free // 512) // blocks == 997
    assert extfrag_for_order(zone, 9) == 100
    assert huge_blocks(machine) == 0
    assert read_back(process) == (True, groups)
    check(machine)


def test_full_compaction():
    """768 copies, 6 free blocks: two blocks' free frames hold the used frames of the other six."""
    machine, process = comb34()
    machine.write_sysctl("compact_memory", 1)
    # k blocks are emptied into the other 8 - k: k * 128 pages into (8 - k) * 384 free frames.
    emptied = max(k for k in range(BLOCKS + 1) if k * USED <= (BLOCKS - k) * FREE)
    assert emptied == 6
    assert copies(machine) == emptied * USED == 768
    assert huge_blocks(machine) == emptied
    assert machine.vmstat("compact_isolated") == 2 * 768
    assert machine.vmstat("compact_stall") == machine.vmstat("compact_daemon_wake") == 0
    assert read_back(process) == (True, 1024)
    check(machine)


def test_the_kernel_gives_up_the_last_batch():
    """The free scanner spares the block above the migrate scanner: the last 96 pages find no target."""
    machine, process = comb34(textbook=False)
    machine.write_sysctl("compact_memory", 1)
    # Each block is moved in two batches, 32 and the rest; the sixth block's second one fails.
    assert copies(machine) == 5 * USED + 32
    assert huge_blocks(machine) == 5
    batches = [e for e in machine.trace if e.name == "mm_compaction_migratepages"]
    assert [(e.value("nr_migrated"), e.value("nr_failed")) for e in batches[-2:]] == [
        ("32", "0"),
        ("0", "96"),
    ]
    assert machine.trace[-1].value("status") == "complete"
    assert read_back(process) == (True, 1024)
    check(machine)
    # The same in the recorded run, in the zone of 8 blocks: 32 moved, then 96 failed, complete.
    lines = [parse(line) for line in recorded("lanes/6.12-I")]
    end = next(i for i, line in enumerate(lines) if line.event == "mm_compaction_end")
    real = [line.fields for line in lines[:end] if line.event == "mm_compaction_migratepages"]
    assert [(f["nr_migrated"], f["nr_failed"]) for f in real[-2:]] == [("32", "0"), ("0", "96")]
    assert lines[end].fields["status"] == "complete"


def test_batches():
    """A block is begun with 32 pages and then finished, as in the recorded runs."""
    machine, _ = comb34()
    machine.write_sysctl("compact_memory", 1)
    taken = [int(e.value("nr_taken")) for e in machine.trace if e.name.endswith("isolate_migratepages")]
    assert taken == [32, USED - 32] * 6


@pytest.mark.parametrize("seed", some(range(12), 5))
def test_other_combs(seed):
    """With any comb whose last frame is free the numbers are the same; else the stride loses targets."""
    machine, process = comb34(seed=seed)
    rng = random.Random(seed)
    last_is_used = [rng.randrange(4) for _ in range(COMB_FRAMES // 4)][-1] == 3
    machine.write_sysctl("compact_memory", 1)
    assert (copies(machine) == 768) == (huge_blocks(machine) == 6) == (not last_is_used)
    assert read_back(process) == (True, 1024)
    check(machine)


@pytest.mark.parametrize(("pinned", "moved", "blocks"), [((0, 1), 766, 4), ((0,), 767, 5), ((), 768, 6)])
def test_unmovable_pages(pinned, moved, blocks):
    """One page that can't be moved keeps its block from becoming free; the others are moved in vain."""
    machine, process = comb34(pinned_blocks=pinned)
    machine.write_sysctl("compact_memory", 1)
    assert copies(machine) == moved == 6 * USED - len(pinned)
    assert huge_blocks(machine) == blocks == 6 - len(pinned)
    assert read_back(process) == (True, 1024)


def test_a_regular_comb_hides_the_free_pages():
    """With every fourth frame used the stride meets nothing but used ones, and compaction does nothing.

    As recorded in lanes/6.12-I-regular. The stride must have grown to a multiple of 4 first, by two
    blocks that gave nothing because they are full.
    """
    pages = 10 * BLOCK
    memory = Memory(zones=(("Normal", pages),), watermarks=False, pcp=0, kernel_pages=256)
    machine = Machine(memory_pages=pages, start_pfn=0x100000, memory=memory)
    kept = {frame for frame in range(pages) if frame % 4 == 0 or frame >= 8 * BLOCK}
    fragment(machine, kept)
    machine.write_sysctl("compact_memory", 1)
    assert copies(machine) == 0
    assert huge_blocks(machine) == 0
    scanned = [int(e.value("nr_scanned")) for e in machine.trace if e.name.endswith("isolate_freepages")]
    assert scanned[:5] == [512, 256, 128, 64, 32]
    recorded_scans = [
        int(parse(line).fields["nr_scanned"])
        for line in recorded("lanes/6.12-I-regular")
        if ": mm_compaction_isolate_freepages: " in line
    ]
    assert [n for n in recorded_scans if n == 16]  # one look in 32 is what it ends with there, too
    assert scanned[-1] == 16


@pytest.mark.parametrize("priority", [ASYNC, SYNC_LIGHT])
def test_direct_compaction(priority):
    """A task that needs a block frees the lowest one: 128 copies, and takes it as soon as it is whole."""
    machine, process = comb34()
    result, page = try_to_compact_pages(machine.kernel, GFP_TRANSHUGE, 9, priority)
    assert (result.name, page) == ("SUCCESS", 0)
    assert copies(machine) == USED
    assert huge_blocks(machine) == 0  # captured, not on the free lists
    assert read_back(process) == (True, 1024)


def test_async_gives_up_on_a_block_with_an_unmovable_page():
    """Direct async compaction leaves a block at the first page that can't move, and takes the next one."""
    machine, process = comb34(pinned_blocks=(0,))
    result, page = try_to_compact_pages(machine.kernel, GFP_TRANSHUGE, 9, ASYNC)
    assert (result.name, page) == ("SUCCESS", BLOCK)
    first = next(e for e in machine.trace if e.name.endswith("isolate_migratepages"))
    assert (first.value("nr_taken"), first.value("start_pfn")) == ("0", "0x100000")
    assert copies(machine) == USED
    assert read_back(process) == (True, 1024)


def test_too_little_memory_is_not_fragmentation():
    """Below the low mark and the gap nothing is tried: SKIPPED (lane L)."""
    machine, _ = comb34()
    zone = machine.kernel.node.zones[0]
    assert compact_gap(9) == 1024
    machine.write_sysctl("min_free_kbytes", 4 * (3072 - 1024))
    assert zone.watermark_low > 3072 - 1024
    result, page = try_to_compact_pages(machine.kernel, GFP_TRANSHUGE, 9, ASYNC)
    assert (result.name, page) == ("SKIPPED", None)
    assert [e.value("ret") for e in machine.trace if e.name == "mm_compaction_suitable"] == ["skipped"]


@pytest.mark.parametrize(("threshold", "name"), [(996, "SUCCESS"), (997, "SKIPPED"), (1000, "SKIPPED")])
def test_extfrag_threshold(threshold, name):
    """Compaction starts only if the index (997) is above vm.extfrag_threshold."""
    machine, _ = comb34()
    machine.write_sysctl("extfrag_threshold", threshold)
    assert try_to_compact_pages(machine.kernel, GFP_TRANSHUGE, 9, ASYNC)[0].name == name


def test_deferral():
    """After failures 1, 3, 7, ... up to 63 requests are turned away; a success forgets it."""
    machine, _ = comb34()
    kernel, zone = machine.kernel, machine.kernel.node.zones[0]
    for failures, refused in ((1, 1), (2, 3), (3, 7), (4, 15), (5, 31), (6, 63), (7, 63)):
        defer_compaction(kernel, zone, 9)
        count = 0
        while compaction_deferred(kernel, zone, 9):
            count += 1
        assert count == refused, failures
    assert not compaction_deferred(kernel, zone, 9 - 1) or zone.compact_order_failed <= 8
    compaction_defer_reset(kernel, zone, 9, alloc_success=True)
    assert (zone.compact_defer_shift, zone.compact_order_failed) == (0, 10)
    assert not compaction_deferred(kernel, zone, 9)


def test_limits_as_recorded():
    """Do the recorded limits double with each failure, as ours do?"""
    events = [parse(line) for line in recorded("lanes/6.12-JB")]
    limits = [int(e.fields["limit"]) for e in events if e.event == "mm_compaction_defer_compaction"]
    assert limits
    assert all(two == 2 * one for one, two in pairwise(limits))
    machine, _ = comb34()
    for _ in limits:
        defer_compaction(machine.kernel, machine.kernel.node.zones[0], 9)
    ours = [int(e.value("limit")) for e in machine.trace if e.name == "mm_compaction_defer_compaction"]
    assert all(two == 2 * one for one, two in pairwise(ours))


def test_a_pinned_page_that_has_left_its_file_stays():
    """Of a memfd that is gone one page is still held: whoever holds it would not see it move."""
    machine, _ = comb34()
    process, pages = machine.process("app"), 2 * 1024
    file = process.memfd_create("gone", pages * PAGE)
    process.mmap(REGION, pages * PAGE, shared=True, file=file)
    process.close(file)
    for page in range(pages):
        process.write(REGION + page * PAGE, page + 1)
    pins = [process.pin(REGION + page * PAGE) for page in range(pages)]
    process.munmap(REGION, pages * PAGE)
    # The lowest page of all stands where the migrate scanner begins.
    lowest = min(pins)
    for page in pins:
        if page != lowest:
            process.unpin(page)
    held = machine.kernel.mem_map.contents[lowest]
    machine.write_sysctl("compact_memory", 1)
    assert copies(machine) > 0
    check(machine, pins=[lowest])
    assert machine.kernel.mem_map.contents[lowest] == held
    process.unpin(lowest)
    check(machine)
