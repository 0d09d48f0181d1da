"""kswapd and raised marks, and how much direct reclaim frees. Expected: the rules of balance_pgdat."""

from __future__ import annotations

import pytest

from tests.invariants import check
from thplab.kernels import PROFILES
from thplab.machine import Machine
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_TRANSHUGE
from thplab.mm.include.mmzone import Memory
from thplab.mm.page_alloc.slowpath import should_reclaim_retry
from thplab.mm.page_alloc.watermark import boost_watermark
from thplab.mm.readahead import read_page
from thplab.mm.swap import SWAP_CLUSTER_MAX
from thplab.mm.vmscan import kswapd
from thplab.mm.vmscan.direct import do_try_to_free_pages, try_to_free_pages
from thplab.mm.vmscan.kswapd import balance_pgdat, pgdat_balanced, wakeup_kswapd
from thplab.mm.vmscan.shrink_node import DEF_PRIORITY

KERNELS = sorted(PROFILES)
REGION, PAGE = 0x7F0000000000, 4096


def machine_with(used: int, *, kernel: str = "6.18", cache: int = 0, pages: int = 8192) -> Machine:
    """One zone, swap, ``used`` pages of a process that were not touched lately, ``cache`` of files."""
    memory = Memory(zones=(("Normal", pages),))
    machine = Machine(kernel, memory_pages=pages, start_pfn=0x100000, swap_pages=4096, memory=memory)
    machine.set_knobs([("enabled", "never")])
    process = machine.process("a")
    if used:
        process.mmap(REGION, used * PAGE)
    for page in range(used):
        process.write(REGION + page * PAGE, page + 1)
    for _ in range(cache):
        read_page(machine.kernel)
    process.clear_refs()
    return machine


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("boosts", [1, 3])
def test_a_boost_alone_swaps_nothing(kernel, boosts):
    """The node is balanced, with swap and 3000 idle pages: the debt is paid in page cache or not at all."""
    machine = machine_with(3000, kernel=kernel)
    zone = machine.kernel.node.zones[0]
    for _ in range(boosts):
        boost_watermark(machine.kernel, zone)
    assert pgdat_balanced(machine.kernel, 0, 0)
    wakeup_kswapd(machine.kernel, 0, 0, 0)
    machine.run_ready()
    assert machine.vmstat("pswpout") == machine.vmstat("pgsteal_kswapd") == 0
    assert machine.vmstat("pageoutrun") == 1
    assert zone.watermark_boost == 0
    # A round that frees nothing is a failure, but from 7.0 on not one that was not allowed to swap.
    assert machine.kernel.node.kswapd_failures == (0 if kernel == "7.3" else 1)
    check(machine)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_boost_is_paid_in_page_cache(kernel):
    """512 pages are owed: about so many of the cache are freed, none is swapped, and no failure is noted."""
    machine = machine_with(3000, kernel=kernel, cache=2000)
    zone = machine.kernel.node.zones[0]
    boost_watermark(machine.kernel, zone)
    owed, cached = zone.watermark_boost, machine.vmstat("nr_file_pages")
    wakeup_kswapd(machine.kernel, 0, 0, 0)
    machine.run_ready()
    assert machine.vmstat("pswpout") == 0
    assert owed <= machine.vmstat("pgsteal_kswapd") == cached - machine.vmstat("nr_file_pages")
    assert machine.kernel.node.kswapd_failures == zone.watermark_boost == 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_if_memory_is_short_the_debt_is_forgotten(kernel):
    """Below the high mark the round begins anew without it, and swaps, up to the high mark with the boost."""
    machine = machine_with(3000, kernel=kernel)
    zone = machine.kernel.node.zones[0]
    machine.write_sysctl("min_free_kbytes", 4 * (zone.free_pages - 200))
    boost_watermark(machine.kernel, zone)
    assert not pgdat_balanced(machine.kernel, 0, 0)
    balance_pgdat(machine.kernel, 0, 0)
    assert machine.vmstat("pswpout") > 0
    assert machine.kernel.node.kswapd_failures == zone.watermark_boost == 0


def test_what_is_added_meanwhile_stays(monkeypatch):
    """A fallback during the round raises the marks anew: only the old debt is taken off."""
    machine = machine_with(0, cache=2000)
    zone = machine.kernel.node.zones[0]
    machine.write_sysctl("watermark_boost_factor", 150_000)
    boost_watermark(machine.kernel, zone)
    shrink = kswapd.shrink_node

    def and_a_fallback(*how, **more):
        if zone.watermark_boost == 512:
            boost_watermark(machine.kernel, zone)
        return shrink(*how, **more)

    monkeypatch.setattr(kswapd, "shrink_node", and_a_fallback)
    balance_pgdat(machine.kernel, 0, 0)
    assert zone.watermark_boost == min(512, 15 * zone.watermark_high - 512) > 0


def test_the_effort_stays_low(monkeypatch):
    """For a boost alone kswapd goes no further than the third step, however much is owed."""
    machine = machine_with(0, cache=3000)
    machine.write_sysctl("watermark_boost_factor", 1_000_000)
    for _ in range(4):
        boost_watermark(machine.kernel, machine.kernel.node.zones[0])
    efforts = []

    def little(kernel, wanted, priority, who, **_):
        efforts.append(priority)
        return 1 if len(efforts) < 40 else 0

    monkeypatch.setattr(kswapd, "shrink_node", little)
    balance_pgdat(machine.kernel, 0, 0)
    assert efforts[:3] == [DEF_PRIORITY, DEF_PRIORITY - 1, DEF_PRIORITY - 2]
    assert set(efforts[3:]) == {DEF_PRIORITY - 2}


@pytest.mark.parametrize("boost", [0, 512])
def test_marks_are_asked_with_their_boost(boost):
    """pgdat_balanced, and the retry of direct reclaim: free pages between the mark and the boosted mark."""
    machine = machine_with(0)
    zone = machine.kernel.node.zones[0]
    zone.watermark_boost = boost
    for mark, ask in (
        ("watermark_high", lambda: pgdat_balanced(machine.kernel, 0, 0)),
        ("watermark_min", lambda: should_reclaim_retry(machine.kernel, GFP_HIGHUSER_MOVABLE, 0)),
    ):
        free, zone.free_pages = zone.free_pages, getattr(zone, mark) + boost + 1
        assert ask()
        zone.free_pages -= 1
        assert not ask()
        zone.free_pages = free


def test_an_early_wake_keeps_the_order_and_a_lost_balance_does_not():
    """kswapd_try_to_sleep(): the order comes back only if it is woken during the short sleep."""
    for woken in (True, False):
        machine = machine_with(0)
        node = machine.kernel.node
        sleep = kswapd.kswapd_try_to_sleep(machine.kernel, 3, 3, 0)
        next(sleep)
        node.kswapd_order = 0
        node.kswapd_woken = woken
        node.zones[0].watermark_high = node.zones[0].free_pages
        assert next(sleep, None) is None
        assert node.kswapd_order == (3 if woken else 0)


@pytest.mark.parametrize("free_first", [0, 5, 31])
def test_direct_reclaim_frees_a_batch(free_first, monkeypatch):
    """It goes on until 32 pages are free, though the caller needs one and a round brings fewer."""
    machine = machine_with(0, cache=400)
    from thplab.mm.vmscan import direct

    rounds = []

    def little(kernel, wanted, priority, who, **_):
        rounds.append(priority)
        return free_first if len(rounds) == 1 else 10

    monkeypatch.setattr(direct, "shrink_node", little)
    freed = do_try_to_free_pages(machine.kernel, GFP_HIGHUSER_MOVABLE, 0)
    more = -(-(SWAP_CLUSTER_MAX - free_first) // 10)
    assert freed == free_first + 10 * more
    assert rounds == list(range(DEF_PRIORITY, DEF_PRIORITY - 1 - more, -1))


def test_one_zone_that_is_ready_ends_it_after_one_round():
    """Zone DMA32 has room to compact, Normal none: one round for Normal, and then compaction."""
    memory = Memory(zones=(("DMA32", 8192), ("Normal", 8192)), pcp=0)
    machine = Machine(memory_pages=16384, start_pfn=0x100000, memory=memory)
    low, normal = machine.kernel.node.zones
    for _ in range(100):
        read_page(machine.kernel)
    normal.free_pages, free = normal.watermark_min, normal.free_pages
    freed = try_to_free_pages(machine.kernel, GFP_TRANSHUGE, 9)
    assert freed == machine.vmstat("pgsteal_direct") > 0
    assert machine.vmstat("allocstall_movable") == 1
    # With both ready nothing is scanned: 1 says that compaction may begin.
    normal.free_pages = free
    scanned = machine.vmstat("pgscan_direct")
    assert try_to_free_pages(machine.kernel, GFP_TRANSHUGE, 9) == 1
    assert machine.vmstat("pgscan_direct") == scanned
    assert low.free_pages == 8192
