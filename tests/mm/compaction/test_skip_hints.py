"""Skip hints: which runs leave them, where, and when they are forgotten again."""

from __future__ import annotations

import random
from itertools import product

import pytest

from tests.mm.compaction.test_direct import USED, ask, combed
from tests.mm.ftrace import parse, recorded
from tests.sampling import some
from thplab.experiments.comb import comb34, comb_machine, used_frames
from thplab.kernels import PROFILES
from thplab.machine import Machine
from thplab.mm.compaction.compact import ASYNC, SYNC_FULL, SYNC_LIGHT, try_to_compact_pages
from thplab.mm.compaction.suitable import reset_isolation_suitable
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_TRANSHUGE
from thplab.mm.include.mmzone import Memory, set_pageblock_migratetype
from thplab.mm.include.page import PG_lru
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import __free_pages as free_pages
from thplab.scenario.fragment import give_back, set_reserve

BLOCK = 512
KERNELS = sorted(PROFILES)
SCANS = ("mm_compaction_isolate_migratepages", "mm_compaction_isolate_freepages")


def test_compacted_by_hand_and_fragmented_again_a_fault_finds_work():
    """compact_memory ignores the hints and leaves none where it took pages: the next fault succeeds."""
    machine, _ = comb34()
    kernel = machine.kernel
    with machine.daemons_held_back():
        machine.write_sysctl("compact_memory", 1)
        # The two blocks that took in the pages were scanned to their ends for targets.
        assert list(kernel.mem_map.pageblock_skip)[:8] == [0] * 6 + [1] * 2
        filler, region, free = machine.process("filler"), 0x300000000000, kernel.zone.free_pages
        machine.write_sysctl("min_free_kbytes", 0)
        filler.mmap(region, free * 4096)
        filler.madvise(region, free * 4096, "nohugepage")
        for page in range(free):
            filler.write(region + page * 4096, page + 1)
        rng = random.Random(5)
        give_back(filler, frozenset(group * 4 + rng.randrange(4) for group in range(1024)))
        set_reserve(machine)
        moved, process, window = machine.vmstat("pgmigrate_success"), machine.process("P"), 0x7F0000000000
        process.mmap(window, 2 << 20)
        process.madvise(window, 2 << 20, "hugepage")
        machine.set_knobs([("defrag", "always")])
        process.write(window, 1)
    assert machine.vmstat("compact_stall") == machine.vmstat("compact_success") == 1
    assert machine.vmstat("thp_fault_alloc") == 1
    assert machine.vmstat("pgmigrate_success") - moved == BLOCK // 4


def block_of(machine: Machine, event) -> int:
    return (int(event.value("start_pfn"), 16) - machine.kernel.mem_map.start_pfn) // BLOCK


def source_hints(machine: Machine, used: set[int], *, ignored: bool) -> set[int]:
    """The blocks that the migrate scanner marked, told from its trace lines by the kernel's rule."""
    marked: set[int] = set()
    mem_map = machine.kernel.mem_map
    for event in machine.trace:
        if event.name != "mm_compaction_isolate_migratepages":
            continue
        first = int(event.value("start_pfn"), 16) - mem_map.start_pfn
        last = int(event.value("end_pfn"), 16) - mem_map.start_pfn
        if first % BLOCK:
            continue
        block, taken = first // BLOCK, int(event.value("nr_taken"))
        if taken:
            # Up to 6.1 the page that is isolated first must be the block's first.
            if not ignored and (machine.kernel.profile.name != "6.1" or first in used):
                marked.add(block)
        elif last % BLOCK == 0:
            marked.add(block)
    return marked


@pytest.mark.parametrize(
    ("kernel", "priority", "seed"),
    some(list(product(KERNELS, (SYNC_FULL, SYNC_LIGHT, ASYNC, "compact_memory"), range(20, 24))), 4),
)
def test_who_marks_a_block(kernel, priority, seed):
    """A block is marked with the first page taken, by runs that heed the hints; barren ones by all."""
    machine, _ = comb34(seed=seed, kernel=kernel)
    mem_map = machine.kernel.mem_map
    used = {page for page in range(8 * BLOCK) if mem_map.flags[page] & PG_lru}
    machine.write_sysctl("min_free_kbytes", 0)
    if priority == "compact_memory":
        machine.write_sysctl("compact_memory", 1)
    else:
        try_to_compact_pages(machine.kernel, GFP_TRANSHUGE, 9, priority)
    ignored = priority in (SYNC_FULL, "compact_memory")
    found = {block for block in range(8) if mem_map.pageblock_skip[block]}
    visited = {name: {block_of(machine, e) for e in machine.trace if e.name == name} for name in SCANS}
    sources = visited[SCANS[0]] - visited[SCANS[1]]
    assert sources
    assert found & sources == source_hints(machine, used, ignored=ignored) & sources


# What a block holds -> may it be a source, may it be a target; and what a sample of each eighth page finds.
KINDS = {
    "free": (set(), set(range(BLOCK // 2))),  # half, or two of them would join: one mark for both
    "user": (set(range(BLOCK)), set()),
    "between": ({3, 100, 301}, set()),  # pages of users, none of which a sample meets
    "sampled": ({8 * 20}, set()),
    "kernel": (set(), set()),
    "holes": (set(), {8 * 7}),
    "odd holes": (set(), {5}),
}
SOURCE = {"user", "sampled"}
TARGET = {"free", "holes"}


def blocks_of(kinds: list[str], kernel: str = "6.18") -> Machine:
    """A machine whose blocks hold what ``kinds`` says, every one with a hint."""
    pages = len(kinds) * BLOCK
    memory = Memory(zones=(("Normal", pages),), pcp=0, watermarks=False, daemons=False)
    machine = Machine(kernel, memory_pages=pages, start_pfn=0x100000, memory=memory)
    mem_map = machine.kernel.mem_map
    for _ in range(pages):
        alloc_pages(machine.kernel, GFP_HIGHUSER_MOVABLE, 0)
    for block, kind in enumerate(kinds):
        on_lru, free = KINDS[kind]
        for page in on_lru:
            mem_map.flags[block * BLOCK + page] |= PG_lru
        for page in free:
            mem_map.refcount[block * BLOCK + page] = 0
            free_pages(machine.kernel, block * BLOCK + page, 0)
        mem_map.pageblock_skip[block] = 1
    return machine


@pytest.mark.parametrize("seed", some(range(60), 8))
def test_what_kswapd_forgets(seed):
    """Hints fall where a sample finds a page of the LRU or a free one; they set where scanners begin."""
    rng = random.Random(seed)
    kinds = [rng.choice(sorted(KINDS)) for _ in range(8)]
    machine = blocks_of(kinds)
    zone, mem_map = machine.kernel.zone, machine.kernel.mem_map
    zone.compact_blockskip_flush = True
    # Half of the blocks are asked from below, as sources; the others from above, as targets. The first that
    # will do at an end is asked for that alone, and those behind it for both.
    low = [b for b in range(4) if kinds[b] in SOURCE]
    high = [b for b in range(7, 3, -1) if kinds[b] in TARGET]
    forgotten = {b for b in range(4) if low and b > low[0] and kinds[b] in TARGET | SOURCE} | set(low[:1])
    forgotten |= {b for b in range(4, 8) if high and b < high[0] and kinds[b] in TARGET | SOURCE}
    forgotten |= set(high[:1])
    reset_isolation_suitable(machine.kernel)
    assert {b for b in range(8) if not mem_map.pageblock_skip[b]} == forgotten
    assert not zone.compact_blockskip_flush
    if low and high:
        assert zone.compact_init_migrate_pfn == zone.zone_start_pfn + low[0] * BLOCK
        assert zone.compact_cached_migrate_pfn_sync == zone.compact_init_migrate_pfn
        assert zone.compact_cached_free_pfn == zone.zone_start_pfn + high[0] * BLOCK + BLOCK - 1
    else:
        # Nothing at one end: the positions leave no distance.
        assert zone.compact_cached_free_pfn < zone.compact_cached_migrate_pfn_async


def test_without_a_full_pass_nothing_is_forgotten():
    machine = blocks_of(["user", "free", "user", "free"])
    before = machine.kernel.zone.compact_cached_migrate_pfn_sync
    reset_isolation_suitable(machine.kernel)
    assert list(machine.kernel.mem_map.pageblock_skip)[:4] == [1] * 4
    assert machine.kernel.zone.compact_cached_migrate_pfn_sync == before


def test_the_restart_after_63_refusals_asks_for_a_full_pass_too():
    """compaction_restarting() only calls what kswapd calls: without the flag the hints stay."""
    for flag in (False, True):
        machine, _ = comb34()
        zone, mem_map = machine.kernel.zone, machine.kernel.mem_map
        zone.compact_defer_shift, zone.compact_considered, zone.compact_order_failed = 6, 63, 9
        zone.compact_blockskip_flush = flag
        for block in range(8):
            mem_map.pageblock_skip[block] = 1
        result, _ = try_to_compact_pages(machine.kernel, GFP_TRANSHUGE, 9, SYNC_LIGHT)
        assert result.name == ("SUCCESS" if flag else "PARTIAL_SKIPPED")


def test_a_block_for_kernel_pages_is_no_place_to_begin_for_targets():
    machine = blocks_of(["user", "kernel", "free", "free"])
    set_pageblock_migratetype(machine.kernel.mem_map, 3 * BLOCK, 0)
    machine.kernel.zone.compact_blockskip_flush = True
    reset_isolation_suitable(machine.kernel)
    assert list(machine.kernel.mem_map.pageblock_skip)[:4] == [0, 1, 0, 1]


@pytest.mark.parametrize("kernel", KERNELS)
def test_up_to_6_1_the_fast_search_wastes_what_it_finds(kernel):
    """There the block found is marked before it is scanned: one page is examined, none taken."""
    half = range(2 * BLOCK + BLOCK // 2, 3 * BLOCK)
    machine = combed(comb_machine(kernel), used_frames() - frozenset(half))
    events, counted = ask(machine, "fault")
    scans = [e for e in events if e.name == SCANS[0]]
    wasted = (scans[0].value("nr_scanned"), scans[0].value("nr_taken")) == ("1", "0")
    assert wasted == (kernel == "6.1")
    # The scanner comes back once, to the free page that was found, and then goes on in order: a full block.
    assert [block_of(machine, e) for e in scans[:3]] == ([2, 2, 3] if wasted else [2, 2])
    assert counted["pgmigrate_success"] == (USED if wasted else USED // 2)


def test_the_waste_as_recorded():
    """6.1: blocks found above the scanner's position, one page examined each; 6.12 has none of it there."""
    seen = {}
    for kernel in ("6.1", "6.12"):
        lines = [parse(line) for line in recorded(f"lanes/{kernel}-C-cache")]
        scans = [line.fields for line in lines if line.event == "mm_compaction_isolate_migratepages"]
        assert scans
        jumps = [f for f in scans if (f["nr_scanned"], f["nr_taken"]) == ("1", "0")]
        seen[kernel] = len(jumps) > len(scans) // 3
    assert seen == {"6.1": True, "6.12": False}
