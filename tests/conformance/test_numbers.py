"""Published numbers that the model can be checked against, each by the name it has in the course's list.

*exact*: the number follows from a rule and is equal. *shape*: a trend or an order of magnitude holds. N19 and
N20 (reach, walks) stand in tests/mm/test_tlb.py.
"""

from __future__ import annotations

import pytest

from tests.mm.compaction.test_compact import copies, huge_blocks
from thplab.experiments.comb import comb34
from thplab.experiments.lanes import run_lane
from thplab.machine import Machine
from thplab.mm.compaction.suitable import fragmentation_score_wmark
from thplab.mm.vmstat import extfrag_for_order

WINDOW = 2 << 20
ADDRESS = 0x7F0000000000


def sparse(windows: int, present: int, max_ptes_none: int) -> Machine:
    """So many windows, of each of which ``present`` pages are written; khugepaged is at work."""
    machine = Machine(memory_pages=(2 * windows + 8) * 512)
    machine.set_knobs([("khugepaged/max_ptes_none", max_ptes_none)])
    process = machine.process("app")
    process.mmap(ADDRESS, windows * WINDOW)
    for window in range(windows):
        for page in range(present):
            process.write(ADDRESS + window * WINDOW + page * 4096, page + 1)
    process.madvise(ADDRESS, windows * WINDOW, "hugepage")
    return machine


def rss(machine: Machine) -> int:
    return sum(mm.rss for mm in machine.kernel.mms)


def test_N1_the_default_scan_ceiling():
    """exact: 8 windows = 16 MiB a pass, 10 s between two: 1.6 MiB/s; 64 passes and 63 sleeps for 1 GiB."""
    machine = sparse(24, 1, 511)
    collapsed = [machine.vmstat("thp_collapse_alloc")]
    for _ in range(2):
        machine.run_for(10_000)
        collapsed.append(machine.vmstat("thp_collapse_alloc"))
    assert collapsed == [8, 16, 24]
    per_pass = collapsed[1] - collapsed[0]
    assert per_pass * 2 / 10 == 1.6
    passes = 1024 // (per_pass * 2)
    assert (passes, (passes - 1) * 10) == (64, 630)
    assert round((64 * passes - 1) * 10 / 3600, 1) == 11.4  # 64 GiB


@pytest.mark.parametrize("present", [1, 100, 303, 511, 512])
def test_N2_bloat(present):
    """exact: with max_ptes_none >= 512 - p memory grows by 512 / p."""
    machine = sparse(1, present, min(512 - present, 511))
    assert rss(machine) == 512
    assert rss(machine) / present == 512 / present


def test_N3_bloat_of_69_percent():
    """shape: 69 % of bloat is an occupancy of about 59 %; with max_ptes_none 0 there is none."""
    machine = sparse(1, 303, 511)
    assert round(100 * (rss(machine) / 303 - 1)) == 69
    assert round(100 * 303 / 512) == 59
    assert rss(sparse(1, 303, 0)) == 303


def test_N10_unmovable_pages_everywhere():
    """shape: one unmovable page in each 2 MiB, and however much is free, no huge page is to be had."""
    machine, _ = comb34(pinned_blocks=range(8))
    assert machine.kernel.zone.free_pages == 3 * 4096 // 4
    machine.write_sysctl("compact_memory", 1)
    assert huge_blocks(machine) == 0


def test_N12_hybrid_blocks_defeat_compaction():
    """shape: the more blocks have one unmovable page, the less comes of nearly the same work."""
    gained, moved = [], []
    for pinned in (0, 2, 4, 8):
        machine, _ = comb34(pinned_blocks=range(pinned))
        machine.write_sysctl("compact_memory", 1)
        gained.append(huge_blocks(machine))
        moved.append(copies(machine))
    assert gained == sorted(gained, reverse=True)
    assert (gained[0], gained[-1]) == (6, 0)
    assert min(moved) > 0.9 * max(moved)


def test_N13_three_of_every_four_freed():
    """exact: order-9 fragmentation is 100 %, and no huge block is free."""
    machine, _ = comb34()
    assert extfrag_for_order(machine.kernel.zone, 9) == 100
    assert huge_blocks(machine) == 0
    assert machine.kernel.zone.free_pages / 4096 == 0.75


def test_N14_work_done_beforehand():
    """shape: after proactive compaction a fault moves nothing; without it the fault moves 128 pages."""
    machine, _ = comb34()
    machine.write_sysctl("compaction_proactiveness", 20)
    moved = copies(machine)
    process = machine.process("P")
    process.mmap(ADDRESS, WINDOW)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    assert machine.vmstat("thp_fault_alloc") == 1
    assert copies(machine) == moved
    assert machine.vmstat("compact_stall") == 0
    late = run_lane("B")
    assert (late.moved, late.counters["compact_stall"]) == (128, 1)


def test_N15_thresholds_of_kcompactd():
    """exact: at the default of 20 it starts above 90, stops at 80, and looks every 500 ms."""
    for kernel in ("6.18", "6.12", "6.1"):
        machine = Machine(kernel)
        assert machine.read_sysctl("compaction_proactiveness") == "20\n"
        marks = [fragmentation_score_wmark(machine.kernel, low=low) for low in (False, True)]
        assert marks == [90, 80]
    machine, _ = comb34()
    machine.write_sysctl("compaction_proactiveness", 11)
    machine.run_for(1_500)
    times = [e.time_ns for e in machine.trace if e.name == "mm_compaction_kcompactd_sleep"]
    assert times[-1] - times[-2] == 500_000_000


def test_N21_blocks_kept_from_kernel_pages():
    """shape: the same eight unmovable pages cost one block if they lie together, all of them if scattered."""
    together, _ = comb34(pinned_blocks=(0,) * 8)
    scattered, _ = comb34(pinned_blocks=range(8))
    for machine in (together, scattered):
        machine.write_sysctl("compact_memory", 1)
    assert huge_blocks(together) == 5
    assert huge_blocks(scattered) == 0


@pytest.mark.parametrize(("limit", "pages"), [(511, 8 * 512), (0, 8)])
def test_N22_what_the_default_limit_costs(limit, pages):
    """shape: eight windows with one page each grow 512-fold with 511 and not at all with 0."""
    assert rss(sparse(8, 1, limit)) == pages
