"""kcompactd: when it starts, when it stops, who wakes it."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.compaction.test_compact import USED, copies, huge_blocks, read_back
from tests.mm.ftrace import recorded
from thplab.experiments.comb import comb34
from thplab.mm.compaction.kcompactd import wakeup_kcompactd
from thplab.mm.compaction.suitable import fragmentation_score_node, fragmentation_score_wmark
from thplab.scenario.surroundings import start_keeper

SIZE = 2 << 20
WINDOW = 0x7F0000000000


def quiet_khugepaged(machine) -> None:
    """Somebody is registered, and khugepaged, which may not compact, naps: it takes no block for itself."""
    machine.write_sysfs("khugepaged/defrag", 0)
    start_keeper(machine, 0)


def ladder(freed: int) -> int:
    """The zone's score after so many blocks: 3072 free pages, of which 512 a block are of use."""
    return 100 * (3072 - 512 * freed) // 3072


def stop(low: int) -> int:
    """After how many blocks the score is at or below the low mark; six are all there can be."""
    return next(freed for freed in range(7) if ladder(freed) <= low)


def test_ladder():
    assert [ladder(freed) for freed in range(7)] == [100, 83, 66, 50, 33, 16, 0]


@pytest.mark.parametrize(("proactiveness", "blocks", "moved"), [(20, 2, 256), (60, 4, 512), (100, 6, 768)])
@pytest.mark.parametrize("kernel", ["6.18", "6.12", "6.1"])
def test_where_it_stops(proactiveness, blocks, moved, kernel):
    """It moves pages until the zone's score is at or below the low mark, and no further."""
    machine, process = comb34(kernel)
    low = 100 - proactiveness if kernel == "6.18" else max(100 - proactiveness, 5)
    assert fragmentation_score_wmark(machine.kernel, low=True) == 100 if kernel == "6.18" else True
    machine.write_sysctl("compaction_proactiveness", proactiveness)
    assert fragmentation_score_wmark(machine.kernel, low=True) == low
    assert huge_blocks(machine) == blocks == stop(low)
    assert copies(machine) == moved == blocks * USED
    assert machine.vmstat("compact_daemon_wake") == machine.vmstat("compact_stall") == 0
    assert read_back(process) == (True, 1024)
    check(machine)


@pytest.mark.parametrize(
    ("proactiveness", "starts"), [(0, False), (1, False), (10, False), (11, False), (12, True), (20, True)]
)
def test_the_smallest_value_that_starts_it(proactiveness, starts):
    """The node's score is 99 at most: 100 * 4096 / 4097. So 12 (high mark 98) starts it, 11 (99) does not."""
    machine, _ = comb34()
    score = fragmentation_score_node(machine.kernel)
    assert score == 100 * 4096 // 4097 == 99
    low = 100 - proactiveness
    high = min(low + min(10, low // 2), 100)
    assert (proactiveness > 0 and score > high) == starts
    machine.write_sysctl("compaction_proactiveness", proactiveness)
    assert (copies(machine) > 0) == starts
    assert huge_blocks(machine) == (stop(low) if starts else 0)


@pytest.mark.parametrize(("kernel", "marks"), [("6.18", (88, 98)), ("6.1", (88, 98)), ("6.12", (88, 98))])
def test_marks(kernel, marks):
    machine, _ = comb34(kernel)
    machine.kernel.sysctl.compaction_proactiveness = 12
    assert tuple(fragmentation_score_wmark(machine.kernel, low=low) for low in (True, False)) == marks


@pytest.mark.parametrize(("kernel", "marks"), [("6.18", (0, 0)), ("6.12", (5, 15)), ("6.1", (5, 15))])
def test_marks_at_the_end_of_the_scale(kernel, marks):
    """Up to 6.12 low is max(100 - P, 5), high 10 more; 6.18: low = 100 - P, high = low + min(10, low/2)."""
    machine, _ = comb34(kernel)
    machine.kernel.sysctl.compaction_proactiveness = 100
    assert tuple(fragmentation_score_wmark(machine.kernel, low=low) for low in (True, False)) == marks


def sleeps(machine) -> list[int]:
    """When it went to sleep, in milliseconds."""
    return [e.time_ns // 1_000_000 for e in machine.trace if e.name == "mm_compaction_kcompactd_sleep"]


def test_it_looks_twice_a_second():
    """At the default it looks at the score every 500 ms; idle it prints one line each time."""
    machine, _ = comb34()
    machine.write_sysctl("compaction_proactiveness", 11)
    assert sleeps(machine)[-1] == 0
    machine.run_for(2_000)
    assert sleeps(machine)[-4:] == [500, 1000, 1500, 2000]


def test_switched_off_it_sleeps_for_good():
    machine, _ = comb34()
    machine.run_for(1_000)  # the interval that had begun ends
    first = len(machine.trace)
    machine.run_for(60_000)
    assert len(machine.trace) == first


def test_back_off():
    """A run that gains nothing is followed by 500 ms << 6 = 32 s of rest (recorded: 32.4 and 32.7 s)."""
    machine, _ = comb34(pinned_blocks=range(8))
    machine.write_sysctl("compaction_proactiveness", 100)
    assert huge_blocks(machine) == 0
    begins = [e.time_ns for e in machine.trace if e.name == "mm_compaction_begin"]
    assert begins == [0]
    machine.run_for(33_000)
    begins = [e.time_ns // 1_000_000 for e in machine.trace if e.name == "mm_compaction_begin"]
    assert begins == [0, 32_000]


def test_woken_for_an_order():
    """For a request it makes one block, and counts a wake-up."""
    machine, process = comb34()
    wakeup_kcompactd(machine.kernel, 9, 0)
    machine.run_ready()
    assert (huge_blocks(machine), copies(machine)) == (1, USED)
    assert machine.vmstat("compact_daemon_wake") == 1
    assert machine.kernel.node.kcompactd_max_order == 0
    names = [e.name for e in machine.trace]
    assert names.index("mm_compaction_wakeup_kcompactd") < names.index("mm_compaction_kcompactd_wake")
    assert read_back(process) == (True, 1024)


def test_a_request_waits_until_something_else_wakes_it():
    """A request that makes no sense now is kept, and served at the next wake-up for whatever reason."""
    machine, _ = comb34()
    machine.write_sysctl("min_free_kbytes", 4 * 2048)
    wakeup_kcompactd(machine.kernel, 9, 0)
    machine.run_ready()
    assert machine.kernel.node.kcompactd_max_order == 9
    assert machine.vmstat("compact_daemon_wake") == 0
    machine.write_sysctl("min_free_kbytes", 128)
    assert machine.vmstat("compact_daemon_wake") == 0
    machine.write_sysctl("compaction_proactiveness", 1)  # can never start it by itself
    assert machine.vmstat("compact_daemon_wake") == 1
    assert huge_blocks(machine) == 1


def test_sixteen_faults_in_vain():
    """defrag=defer with nothing to reclaim: kswapd fails 16 times, then the fault wakes kcompactd itself.

    As in the recorded lane C16, where one failure was left from the preparation: from the 16th fault on
    one fault falls back and orders a block, the next one takes it.
    """
    machine, _ = comb34()
    machine.write_sysfs("defrag", "defer")
    quiet_khugepaged(machine)
    machine.kernel.node.kswapd_failures = 1
    process = machine.process("toucher")
    process.mmap(WINDOW, 22 * SIZE)
    process.madvise(WINDOW, 22 * SIZE, "hugepage")
    faults, wakes = [], []
    for number in range(22):
        before = machine.vmstat("thp_fault_alloc")
        process.write(WINDOW + number * SIZE, number + 1)
        faults.append(machine.vmstat("thp_fault_alloc") - before)
        wakes.append(machine.vmstat("compact_daemon_wake"))
        machine.run_for(250)
    assert faults == [0] * 15 + [0, 1, 0, 1, 0, 1, 0]
    assert wakes[14:16] == [0, 1]
    real = [line for line in recorded("lanes/6.12-C16") if "mm_compaction_kcompactd_wake" in line]
    assert machine.vmstat("compact_daemon_wake") == 4 == len(real)
    kswapd_wakes = [line for line in recorded("lanes/6.12-C16") if "mm_vmscan_kswapd_wake" in line]
    ours = [e for e in machine.trace if e.name == "mm_vmscan_kswapd_wake"]
    assert len(ours) == len(kswapd_wakes) == 15
    assert (machine.vmstat("thp_fault_fallback"), machine.vmstat("thp_fault_alloc")) == (19, 3)
    woken = [e.comm for e in machine.trace if e.name == "mm_compaction_wakeup_kcompactd"]
    assert woken == ["toucher"] * 4
    check(machine)
