"""Who waits for a huge page, how often it is tried, and what is counted: as on recorded kernels."""

from __future__ import annotations

import errno
from itertools import product

import pytest

from tests.experiments.test_lanes import recorded
from tests.invariants import check
from tests.mm.compaction.test_kcompactd import quiet_khugepaged
from thplab.experiments.comb import comb34
from thplab.mm.include.errors import KernelError
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_TRANSHUGE
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages

SIZE = 2 << 20
WINDOW = 0x7F0000000000
COUNTERS = ("compact_stall", "compact_success", "compact_fail", "thp_fault_alloc", "thp_fault_fallback")


def faults(defrag: str, *, advised: bool, pinned: bool, number: int = 8):
    """A comb, with or without a pinned page in each block, on which ``number`` windows are touched."""
    machine, _ = comb34(pinned_blocks=range(8) if pinned else ())
    quiet_khugepaged(machine)
    before = {name: machine.vmstat(name) for name in (*COUNTERS, "allocstall_movable")}
    machine.write_sysfs("defrag", defrag)
    machine.write_sysfs("enabled", "madvise" if advised else "always")
    process = machine.process("toucher")
    process.mmap(WINDOW, number * SIZE)
    if advised:
        process.madvise(WINDOW, number * SIZE, "hugepage")
    for window in range(number):
        process.write(WINDOW + window * SIZE, window + 1)
    check(machine, pins=_pins(machine))
    return machine, {name: machine.vmstat(name) - before[name] for name in before}


def _pins(machine) -> list[int]:
    """The pages that the comb pinned: one reference more than mappings."""
    mem_map = machine.kernel.mem_map
    return [p for p in range(4096) if mem_map.mapcount[p] == 1 and mem_map.refcount[p] == 2]


@pytest.mark.parametrize(
    ("defrag", "advised", "waits"),
    [
        ("always", True, True),
        ("always", False, True),
        ("defer", True, False),
        ("defer", False, False),
        ("defer+madvise", True, True),
        ("defer+madvise", False, False),
        ("madvise", True, True),
        ("madvise", False, False),
        ("never", True, False),
        ("never", False, False),
    ],
)
def test_who_compacts_at_a_fault(defrag, advised, waits):
    """With no block free: the fault compacts by itself and is huge, or falls back at once."""
    _, counts = faults(defrag, advised=advised, pinned=False, number=1)
    assert counts["thp_fault_alloc"] == counts["compact_stall"] == counts["compact_success"] == int(waits)
    assert counts["thp_fault_fallback"] == int(not waits)
    assert counts["compact_fail"] == 0


def test_who_does_not_wait_at_a_fault():
    """All of enabled x defrag x advice x read or write in which the fault may not compact, on one comb.

    Falls back is counted where a huge page was allowed; kswapd is woken for the deferring modes, in vain.
    """
    machine, _ = comb34()
    quiet_khugepaged(machine)
    machine.write_sysfs("use_zero_page", 0)
    process, tried = machine.process("toucher"), 0
    modes = ("always", "defer", "defer+madvise", "madvise", "never")
    for enabled, defrag, advice, write in product(
        ("always", "madvise", "never"), modes, (None, "hugepage", "nohugepage"), (True, False)
    ):
        advised = advice == "hugepage"
        allowed = advised if enabled == "madvise" else enabled == "always" and advice != "nohugepage"
        if allowed and (defrag == "always" or (advised and defrag in ("madvise", "defer+madvise"))):
            continue  # these compact: see above
        machine.set_knobs([("enabled", enabled), ("defrag", defrag)])
        machine.kernel.node.kswapd_failures = 0
        address, tried = WINDOW + tried * SIZE, tried + 1
        process.mmap(address, SIZE)
        if advice:
            process.madvise(address, SIZE, advice)
        names = ("thp_fault_fallback", "pageoutrun", "compact_stall", "compact_daemon_wake")
        before = [machine.vmstat(name) for name in names]
        process.write(address, 1) if write else process.read(address)
        machine.run_for(200)
        deferred = allowed and (defrag == "defer" or (defrag == "defer+madvise" and not advised))
        grown = [machine.vmstat(name) - old for name, old in zip(names, before, strict=True)]
        assert grown == [int(allowed), int(deferred), 0, 0], (enabled, defrag, advice, write)
        process.munmap(address, SIZE)
    assert tried == 2 * (45 - 7)
    check(machine)


@pytest.mark.parametrize("defrag", ["always", "defer", "never"])
def test_the_first_read_fault_compacts_whatever_defrag_says(defrag):
    """The huge zero page's mask is the same for all: wait, and not movable.

    So the async attempt looks at unmovable pageblocks only, of which there are none, and the second one, sync
    light, captures a block, whose pageblock stays movable. Later faults find the huge zero page there.
    """
    machine, _ = comb34()
    quiet_khugepaged(machine)
    machine.write_sysfs("defrag", defrag)
    process = machine.process("reader")
    process.mmap(WINDOW, 2 * SIZE)
    process.madvise(WINDOW, 2 * SIZE, "hugepage")
    names = ("thp_zero_page_alloc", "compact_stall", "compact_success", "compact_fail", "thp_fault_fallback")
    before = [machine.vmstat(name) for name in names]
    for window in range(2):
        assert process.read(WINDOW + window * SIZE) == 0
    assert [machine.vmstat(name) - old for name, old in zip(names, before, strict=True)] == [1, 2, 1, 1, 0]
    assert machine.vmstat("allocstall_normal") == 1
    blocks = machine.read("/proc/pagetypeinfo").split("\n")[-2].split()[4:]
    assert blocks == ["0", "8", "0", "0", "0"]
    check(machine)


@pytest.mark.parametrize("kernel", ["6.12", "6.1"])
def test_three_stalls_for_a_failing_fault(kernel):
    """Advised, defrag=always, one pinned page in each block: 3 stalls and 1 reclaim a fault (lane JB)."""
    delta = recorded("JB", kernel)["delta"]
    machine, counts = faults("always", advised=True, pinned=True)
    assert {name: counts[name] for name in COUNTERS} == {name: delta.get(name, 0) for name in COUNTERS}
    assert counts["compact_stall"] == 3 * counts["thp_fault_fallback"] == 24
    stalls = sum(value for name, value in delta.items() if name.startswith("allocstall"))
    assert counts["allocstall_movable"] == stalls == 8
    priorities = [
        (e.value("gfp_mask"), e.value("priority"))
        for e in machine.trace
        if e.name == "mm_compaction_try_to_compact_pages" and e.comm == "toucher"
    ]
    light = "GFP_TRANSHUGE|__GFP_NORETRY|__GFP_THISNODE"
    assert priorities[:3] == [(light, "2"), ("GFP_TRANSHUGE", "2"), ("GFP_TRANSHUGE", "1")]


def test_only_sync_failures_raise_the_limit():
    """A plain VMA (NORETRY) stays async: the limit never grows (lane JBp)."""
    machine, counts = faults("always", advised=False, pinned=True)
    assert machine.kernel.zone.compact_defer_shift == 0
    assert counts["thp_fault_fallback"] == 8
    advised, _ = faults("always", advised=True, pinned=True)
    assert advised.kernel.zone.compact_defer_shift > 0


@pytest.mark.parametrize("kernel", ["6.12", "6.1"])
def test_two_stalls_for_a_failing_collapse(kernel):
    """MADV_COLLAPSE asks once: async, reclaim, sync light; ENOMEM (lane JH)."""
    delta = recorded("JH", kernel)["delta"]
    machine, _ = comb34(pinned_blocks=range(8))
    quiet_khugepaged(machine)
    process = machine.process("caller")
    process.mmap(WINDOW, SIZE)
    for page in range(512):
        process.write(WINDOW + page * 4096, page + 1)
    before = {n: machine.vmstat(n) for n in ("compact_stall", "compact_fail", "thp_collapse_alloc_failed")}
    with pytest.raises(KernelError) as error:
        process.madvise(WINDOW, SIZE, "collapse")
    assert error.value.errno == errno.ENOMEM
    ours = {name: machine.vmstat(name) - before[name] for name in before}
    calls = delta["thp_collapse_alloc_failed"]
    assert ours == {name: delta[name] // calls for name in ours}
    assert [process.read(WINDOW + page * 4096) for page in range(512)] == list(range(1, 513))


@pytest.mark.parametrize("kernel", ["6.12", "6.1"])
def test_too_little_memory_is_counted_as_nothing(kernel):
    """Below the low mark and the gap: no stall at all, a reclaim, a small page (lane L)."""
    machine, _ = comb34(kernel)
    quiet_khugepaged(machine)
    machine.write_sysctl("min_free_kbytes", 4 * 1900)
    machine.write_sysfs("defrag", "always")
    process = machine.process("toucher")
    process.mmap(WINDOW, SIZE)
    process.madvise(WINDOW, SIZE, "hugepage")
    process.write(WINDOW, 1)
    assert machine.vmstat("thp_fault_fallback") == 1
    assert machine.vmstat("compact_stall") == 0
    delta = recorded("L", kernel)["delta"]
    assert machine.vmstat("allocstall_movable") == delta["allocstall_movable"]
    assert delta.get("compact_stall", 0) == 0


def test_the_last_pages_are_for_nobody():
    """Below min an ordinary request fails after a reclaim in vain."""
    machine, _ = comb34()
    kernel = machine.kernel
    taken = 0
    while alloc_pages(kernel, GFP_HIGHUSER_MOVABLE, 0) is not None:
        taken += 1
    assert kernel.zone.free_pages == kernel.zone.watermark_min
    assert taken == 3072 - kernel.zone.watermark_min
    assert alloc_pages(kernel, GFP_TRANSHUGE, 9) is None
