"""The named starts of memory: what is free when the first step begins, and what a fault makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from thplab.scenario import Scenario, ScenarioError, ScenarioRun, run_scenario


def scenario(machine: dict[str, Any], **settings: Any) -> Scenario:
    return Scenario.from_data(
        {
            "settings": {"enabled": "always", **settings},
            "machine": {"memory_pages": 4096, **machine},
            "ops": [{"op": "mmap", "start": 0, "pages": 512}],
            "action": {"type": "fault", "touches": [{"page": 0, "write": True}]},
        }
    )


def free_blocks(run: ScenarioRun) -> dict[int, int]:
    return {order: count for order, count in enumerate(run.machine.kernel.zone.nr_free) if count}


def test_fragmented_memory_has_three_free_frames_of_four_and_no_large_block() -> None:
    run = ScenarioRun(scenario({"memory": "fragmented"}))
    assert run.machine.kernel.zone.free_pages == 3072
    assert set(free_blocks(run)) == {0, 1}


@pytest.mark.parametrize("free", [0, 1, 100, 256])
def test_full_memory_has_so_many_free_frames_and_no_two_side_by_side(free: int) -> None:
    run = ScenarioRun(scenario({"memory": "full", "free_pages": free}))
    assert free_blocks(run) == ({0: free} if free else {})


def state(machine: dict[str, Any], **settings: Any) -> tuple[str, dict[str, int]]:
    run = ScenarioRun(scenario(machine, **settings))
    seen = run.step(run.scenario.steps[0])["touches"][0]["state"]
    names = ("compact_stall", "compact_success", "compact_daemon_wake", "pswpout", "thp_fault_fallback")
    return seen, {name: count for name in names if (count := run.machine.vmstat(name))}


@pytest.mark.parametrize(
    ("defrag", "expected", "counters"),
    [
        ("always", "H512", {"compact_stall": 1, "compact_success": 1}),
        ("madvise", "p1 .511", {"thp_fault_fallback": 1}),
        ("never", "p1 .511", {"thp_fault_fallback": 1}),
    ],
)
def test_which_word_of_defrag_lets_a_fault_compact(
    defrag: str, expected: str, counters: dict[str, int]
) -> None:
    assert state({"memory": "fragmented"}, defrag=defrag) == (expected, counters)


def test_an_unmovable_page_in_each_block_leaves_nothing_to_compact() -> None:
    seen, counters = state({"memory": "fragmented", "unmovable_blocks": 8}, defrag="always")
    assert seen == "p1 .511"
    assert "compact_success" not in counters
    assert counters["compact_stall"] > 0


def test_kswapd_swaps_where_there_is_swap() -> None:
    full = {"memory": "full", "free_pages": 64}
    assert "pswpout" not in state(full, defrag="defer")[1]
    assert state({**full, "swap_pages": 4096}, defrag="defer")[1]["pswpout"] > 0


def test_the_name_of_the_other_process_is_taken() -> None:
    with pytest.raises(ScenarioError, match="'hog' is taken"):
        Scenario.from_data({"procs": [{"name": "hog", "ops": []}], "action": {"type": "none"}})


def test_the_processes_have_their_memory_before() -> None:
    data = {
        **scenario({"memory": "full"}).raw,
        "ops": [{"op": "mmap", "start": 0, "pages": 512}, {"op": "write"}],
    }
    assert run_scenario(Scenario.from_data(data))["before"]["a"]["windows"] == ["H512"]
