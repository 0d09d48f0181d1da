"""Setting up and stepping: the order of things is that in which the recordings were made."""

from __future__ import annotations

from typing import Any

import pytest

from thplab.scenario import Scenario, ScenarioError, ScenarioRun, Unsupported, run_scenario
from thplab.scenario.memory import memory_needed, swap_needed
from thplab.scenario.surroundings import Surroundings

OPS = [
    {"op": "mmap", "start": 0, "pages": 1024},
    {"op": "write", "pages": [[0, 1024]]},
    {"op": "advise", "advice": "hugepage"},
]


def scenario(**changes: Any) -> Scenario:
    data = {"settings": {"pages_to_scan": 1_000_000}, "ops": OPS, "action": {"type": "khugepaged"}}
    return Scenario.from_data({**data, **changes})


def test_set_up_wakes_nobody() -> None:
    run = ScenarioRun(scenario())
    assert run.before["a"]["windows"] == ["p512", "p512"]
    assert [slot.mm.name for slot in run.machine.kernel.khugepaged.mm_head] == ["keeper", "a"]


def test_without_a_keeper_registering_wakes_the_daemon() -> None:
    run = ScenarioRun(scenario(machine={"keeper": False}))
    assert run.before["a"]["windows"] == ["H512", "H512"]


def test_never_is_madvise_while_setting_up() -> None:
    run = ScenarioRun(scenario(settings={"enabled": "never"}))
    assert run.machine.kernel.knobs.enabled == "never"
    assert run.machine.kernel.khugepaged.thread is None
    assert [slot.mm.name for slot in run.machine.kernel.khugepaged.mm_head] == ["keeper", "a"]


def test_setup_settings_hold_only_for_the_set_up() -> None:
    run = ScenarioRun(scenario(setup_settings={"enabled": "never"}))
    assert run.machine.kernel.knobs.enabled == "madvise"
    assert run.before["a"]["windows"] == ["p512", "p512"]


def test_missing_settings_are_named() -> None:
    seen = run_scenario(scenario(settings={"mthp_2048": "madvise"}), "6.1")
    assert seen.get("missing_settings", []) in ([], ["mthp_2048"])


def test_wakeups_are_told_apart() -> None:
    seen = run_scenario(scenario(action={"type": "khugepaged", "wakeups": 3}, settings={"pages_to_scan": 1}))
    wakeups = seen["steps"][0]["wakeups"]
    assert [sum(e["ev"] == "collapse" for e in wakeup["events"]) for wakeup in wakeups] == [0, 1, 1]
    assert all(wakeup["daemon_runs"] for wakeup in wakeups)


def test_steps_in_turn() -> None:
    steps = [
        {"type": "none"},
        {"type": "set", "settings": {"max_ptes_none": 0}},
        {"type": "ops", "ops": [{"op": "advise", "advice": "dontneed", "pages": [[0, 1]]}]},
        {"type": "khugepaged"},
        {"type": "fault", "touches": [{"page": 0, "write": True}, {"page": 600}]},
        {"type": "madvise_collapse", "ranges": [[0, 512]]},
        {"type": "exit"},
    ]
    seen = run_scenario(Scenario.from_data({"ops": OPS, "steps": steps}))
    assert [step["type"] for step in seen["steps"]] == [step["type"] for step in steps]
    scans = [e["status"] for e in seen["steps"][3]["wakeups"][0]["events"] if e["ev"] == "scan_pmd"]
    assert scans == ["exceed_none_pte", "succeeded"]
    assert [touch["state"] for touch in seen["steps"][4]["touches"]] == ["p512", "H512"]
    assert seen["steps"][5]["calls"] == [{"pages": [0, 512], "ret": 0, "errno": 0}]
    assert seen["after"] == {}


def test_a_collapse_without_ranges_is_one_call_for_each_vma() -> None:
    ops = [*OPS, {"op": "munmap", "pages": [[512, 600]]}]
    seen = run_scenario(Scenario.from_data({"ops": ops, "action": {"type": "madvise_collapse"}}))
    calls = [(call["pages"], call["ret"], call["errno"]) for call in seen["steps"][0]["calls"]]
    assert calls == [([0, 512], 0, 0), ([600, 1024], -1, "EINVAL")]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([{"type": "khugepaged"}, {"type": "exit", "proc": "b"}], "no process 'b'; there are a"),
        ([{"type": "exit"}, {"type": "exit"}], "process 'a' has exited"),
        ([{"type": "ops", "ops": [{"op": "lock_mm"}]}, {"type": "exit"}], "would wait for its mmap_lock"),
    ],
)
def test_steps_that_can_not_be_taken(steps: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        run_scenario(Scenario.from_data({"ops": OPS, "steps": steps}))


def test_budget_scenarios_begin_at_their_first_process() -> None:
    run = ScenarioRun(scenario(budget=True), surroundings=Surroundings(keeper=3, usual=(2, 4)))
    scan = run.machine.kernel.khugepaged
    assert [slot.mm.name for slot in scan.mm_head] == ["keeper", "marker", "a"]
    assert scan.scan_mm_slot is not None
    assert (scan.scan_mm_slot.mm.name, scan.scan_address) == ("a", 0)
    vmas = {slot.mm.name: len(slot.mm.vmas) for slot in scan.mm_head}
    assert vmas == {"keeper": 3, "marker": 1 + 2 + 4, "a": 1 + 2 + 4}


def test_a_process_that_never_registers_can_not_be_where_the_budget_begins() -> None:
    with pytest.raises(ScenarioError, match="khugepaged never comes to process 'a'"):
        ScenarioRun(scenario(ops=OPS[:2], budget=True))


def test_surroundings_come_from_photographs() -> None:
    assert Surroundings.from_photographs({"a": {"windows": []}}) == Surroundings()
    around = Surroundings.from_photographs({"a": {"vmas_below": 7, "vmas_above": 60}})
    assert (around.keeper, around.usual) == (66, (7, 60))


def test_memory_for_what_is_touched_not_for_what_is_mapped() -> None:
    big = [{"op": "mmap", "start": 0, "pages": 1 << 26}, {"op": "write", "pages": [[5, 6]]}]
    small = [{"op": "mmap", "start": 0, "pages": 512}, {"op": "write"}]
    assert memory_needed(scenario(ops=big)) == memory_needed(scenario(ops=small))
    with pytest.raises(Unsupported, match="GiB"):
        memory_needed(scenario(ops=[big[0], {"op": "write"}]))


def test_a_swap_device_only_where_something_is_paged_out() -> None:
    assert swap_needed(scenario()) == 0
    assert swap_needed(scenario(ops=[*OPS, {"op": "advise", "advice": "pageout"}])) == 256 << 20 >> 12


def test_unknown_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no kernel profile '6\.2'"):
        run_scenario(scenario(), "6.2")
