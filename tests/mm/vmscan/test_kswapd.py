"""kswapd and direct reclaim: what they free, when kswapd gives up, what it leaves to kcompactd."""

from __future__ import annotations

from tests.invariants import check
from tests.mm.compaction.test_kcompactd import quiet_khugepaged
from thplab.experiments.comb import comb34
from thplab.machine import Machine
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_KSWAPD_RECLAIM, GFP_TRANSHUGE, GFP_TRANSHUGE_LIGHT
from thplab.mm.include.mmzone import Memory
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.readahead import read_page
from thplab.mm.swap import folio_mark_accessed
from thplab.mm.vmscan.direct import try_to_free_pages
from thplab.mm.vmscan.kswapd import wakeup_kswapd


def with_cache(pages: int, used: int = 0) -> Machine:
    """A machine of 8192 pages of which the page cache has ``pages``, the first ``used`` read twice."""
    machine = Machine(memory_pages=8192, start_pfn=0x100000, memory=Memory(pcp=0, group_by_mobility=False))
    for number in range(pages):
        folio = read_page(machine.kernel)
        if number < used:
            folio_mark_accessed(machine.kernel, folio)
    return machine


def test_it_reclaims_up_to_the_high_mark():
    """Below the low mark kswapd frees clean pages of files until the zone is above its high mark."""
    machine = with_cache(0)
    zone = machine.kernel.zone
    while zone.free_pages > zone.watermark_low + 1:
        read_page(machine.kernel)
    assert machine.vmstat("pgsteal_kswapd") == 0
    read_page(machine.kernel)
    read_page(machine.kernel)
    assert zone.free_pages <= zone.watermark_low
    machine.run_ready()
    assert zone.free_pages > zone.watermark_high
    assert machine.vmstat("pgsteal_kswapd") > 0
    assert machine.vmstat("allocstall_movable") == 0
    machine.run_for(200)
    assert machine.trace[-1].name == "mm_vmscan_kswapd_sleep"
    check(machine)


def test_it_spares_what_was_used():
    """A page that was read again survives one look and becomes active; the next look finds it idle."""
    machine = with_cache(64, used=32)
    assert try_to_free_pages(machine.kernel, GFP_HIGHUSER_MOVABLE, 0) == 32
    assert machine.vmstat("pgactivate") + machine.vmstat("pgsteal_direct") >= 32
    assert try_to_free_pages(machine.kernel, GFP_HIGHUSER_MOVABLE, 0) == 32
    assert machine.vmstat("pgactivate") == 32
    assert machine.vmstat("nr_file_pages") == 0
    assert try_to_free_pages(machine.kernel, GFP_HIGHUSER_MOVABLE, 0) == 0


def test_direct_reclaim_leaves_it_to_compaction():
    """For a huge page it stops at once where compaction can work: 1 page reported, none freed."""
    machine, _ = comb34()
    scanned = machine.vmstat("pgscan_direct")
    assert try_to_free_pages(machine.kernel, GFP_TRANSHUGE, 9) == 1
    assert machine.vmstat("allocstall_movable") == 1
    assert machine.vmstat("pgscan_direct") == scanned


def test_what_comes_to_nothing_is_tried_again():
    """Since 6.12 direct reclaim that frees nothing makes a second round, and both are counted."""
    for kernel, rounds in (("6.1", 1), ("6.12", 2)):
        memory = Memory(zones=(("Normal", 2048),), pcp=0, kernel_pages=64)
        machine = Machine(kernel, memory_pages=2048, start_pfn=0x100000, memory=memory)
        assert try_to_free_pages(machine.kernel, GFP_HIGHUSER_MOVABLE, 0) == 0
        assert machine.vmstat("allocstall_movable") == rounds


def test_nothing_to_reclaim():
    """Without page cache a round for order 9 fails, the order is forgotten, and kcompactd is not woken."""
    machine, _ = comb34()
    node = machine.kernel.node
    wakeup_kswapd(machine.kernel, GFP_TRANSHUGE_LIGHT | GFP_KSWAPD_RECLAIM, 9, 0)
    machine.run_for(1_000)
    assert (node.kswapd_failures, node.kswapd_order) == (1, 0)
    assert machine.vmstat("compact_daemon_wake") == 0
    names = [e.name for e in machine.trace if "vmscan" in e.name]
    assert names == ["mm_vmscan_wakeup_kswapd", "mm_vmscan_kswapd_wake", "mm_vmscan_kswapd_sleep"]


def test_enough_reclaimed_wakes_kcompactd():
    """1024 pages of cache are freed (twice the block): then order 0, balanced, and kcompactd is woken."""
    machine, _ = comb34()
    for _ in range(1500):
        read_page(machine.kernel)
    machine.write_sysctl("min_free_kbytes", 4 * 512)
    free = machine.kernel.zone.free_pages
    machine.write_sysfs("defrag", "defer")
    quiet_khugepaged(machine)
    process = machine.process("toucher")
    process.mmap(0x7F0000000000, 4 << 20)
    process.madvise(0x7F0000000000, 4 << 20, "hugepage")
    process.write(0x7F0000000000, 1)
    assert machine.vmstat("thp_fault_fallback") == 1
    assert machine.vmstat("pgsteal_kswapd") >= 1024
    assert machine.kernel.zone.free_pages >= free + 1024 - 1
    assert machine.vmstat("compact_daemon_wake") == 1
    assert [e.comm for e in machine.trace if e.name == "mm_compaction_wakeup_kcompactd"] == ["kswapd0"]
    # The block was made for whoever comes next: the second window, not the first.
    process.write(0x7F0000000000 + (2 << 20), 2)
    assert machine.vmstat("thp_fault_alloc") == 1
    assert machine.kernel.node.kswapd_failures == 0
    check(machine)


def test_a_balanced_node_only_needs_compaction():
    """With a free block above the marks kswapd has nothing to do; a caller who compacts wakes nobody."""
    machine = with_cache(0)
    gfp = GFP_TRANSHUGE_LIGHT | GFP_KSWAPD_RECLAIM
    wakeup_kswapd(machine.kernel, gfp, 9, 0)
    assert not machine.kernel.node.kswapd_woken
    assert machine.vmstat("compact_daemon_wake") == 0
    assert alloc_pages(machine.kernel, gfp, 9) is not None
