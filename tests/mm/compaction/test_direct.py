"""Direct compaction: with per-CPU lists, who captures the block, in which block the scanner begins."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.ftrace import recorded
from thplab.experiments.comb import COMB_FRAMES, comb_machine, used_frames
from thplab.machine import Machine
from thplab.mm.include.mmzone import Memory
from thplab.scenario.fragment import fragment, set_reserve
from thplab.scenario.surroundings import start_keeper

WINDOW, SIZE, PAGE, BLOCK = 0x7F0000000000, 2 << 20, 4096, 512
USED = BLOCK // 4


COUNTERS = ("thp_fault_alloc", "thp_collapse_alloc", "compact_stall", "compact_success", "pgmigrate_success")


def combed(machine: Machine, kept: frozenset[int]) -> Machine:
    """Fill the machine and give back all but some frames; khugepaged sleeps for an hour."""
    machine.set_knobs([("khugepaged/scan_sleep_millisecs", 3_600_000)])
    start_keeper(machine, 0)
    machine.wake_khugepaged()
    fragment(machine, kept)
    set_reserve(machine)
    return machine


def ask(machine: Machine, who: str) -> tuple[list, dict[str, int]]:
    """One request for a huge page, from a fault or from khugepaged; its events, and what was counted."""
    before = {name: machine.vmstat(name) for name in COUNTERS}
    process = machine.process("P")
    process.mmap(WINDOW, SIZE)
    process.madvise(WINDOW, SIZE, "hugepage")
    machine.set_knobs([("defrag", "never")])
    if who == "khugepaged":
        process.write(WINDOW, 1)
    machine.set_knobs([("defrag", "always")])
    first = len(machine.trace)
    if who == "khugepaged":
        machine.wake_khugepaged()
    else:
        process.write(WINDOW, 1)
    check(machine)
    grown = {name: machine.vmstat(name) - before[name] for name in COUNTERS}
    assert grown["thp_fault_alloc"] + grown["thp_collapse_alloc"] == 1
    assert grown["compact_stall"] == grown["compact_success"] == 1
    return machine.trace[first:], grown


def with_pcp() -> Machine:
    """The comb on a machine with per-CPU lists."""
    memory = Memory(zones=(("Normal", COMB_FRAMES),), watermarks=False, pcp=252, kernel_pages=256)
    machine = Machine(memory_pages=COMB_FRAMES, start_pfn=0x100000, memory=memory)
    machine.write_sysctl("compaction_proactiveness", 0)
    return combed(machine, used_frames())


@pytest.mark.parametrize("who", ["fault", "khugepaged"])
def test_one_block_is_enough(who):
    """What was freed waits on the per-CPU list, which is drained when a block is left behind.

    Recorded: in lanes D, F and H each request moves the pages of one block.
    """
    _, counted = ask(with_pcp(), who)
    assert 0 < counted["pgmigrate_success"] <= USED


@pytest.mark.parametrize(("who", "found"), [("fault", False), ("khugepaged", True)])
def test_a_kernel_thread_captures_nothing(who, found):
    """A process has its block as it comes free; khugepaged finds it on the free list."""
    events, _ = ask(with_pcp(), who)
    looks = [e.value("ret") for e in events if e.name == "mm_compaction_finished"]
    assert ("success" in looks) is found
    ends = [e.value("status") for e in events if e.name == "mm_compaction_end"]
    assert ends == ["success"]


@pytest.mark.parametrize(
    ("file", "task", "found"), [("6.12-C2a", "python3.11", 0), ("6.12-C16", "kcompactd0", 4)]
)
def test_so_it_was_recorded(file, task, found):
    """A faulting process, and kcompactd: does compact_finished ever see the block?"""
    lines = [line for line in recorded(f"lanes/{file}") if "mm_compaction_finished" in line]
    assert {line.split("-")[0].strip() for line in lines} == {task}
    assert sum("ret=success" in line for line in lines) == found


def test_a_block_that_is_half_free_comes_first():
    """The migrate scanner begins where a free block of a larger order lies: that costs half as much."""
    half = range(2 * BLOCK + BLOCK // 2, 3 * BLOCK)
    machine = combed(comb_machine("6.18"), used_frames() - frozenset(half))
    events, counted = ask(machine, "fault")
    first = next(e for e in events if e.name == "mm_compaction_isolate_migratepages")
    assert int(first.value("start_pfn"), 16) == machine.kernel.mem_map.start_pfn + 2 * BLOCK
    assert counted["pgmigrate_success"] == USED // 2


def test_a_block_with_a_skip_hint_does_not():
    """A block of which compaction got nothing lately is not chosen again."""
    half = range(2 * BLOCK + BLOCK // 2, 3 * BLOCK)
    machine = combed(comb_machine("6.18"), used_frames() - frozenset(half))
    machine.kernel.mem_map.pageblock_skip[2] = 1
    events, counted = ask(machine, "fault")
    first = next(e for e in events if e.name == "mm_compaction_isolate_migratepages")
    assert int(first.value("start_pfn"), 16) == machine.kernel.mem_map.start_pfn
    assert counted["pgmigrate_success"] == USED
