"""37 lanes recorded on two kernels, each done again by the model from the same state of memory.

The same window is huge or small, the same errno, the same resident pages after every step; the same task
compacts; stalls, successes, failures, wakes and fallbacks are equal wherever the repetitions agree.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conformance.lanes.compare import ACCIDENTS, Observed, judge, judge_all
from tests.conformance.lanes.rows import KERNELS, lane_rows
from tests.conformance.lanes.table import HEAD, lane_lines
from tests.sampling import sample

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every lane runs in a fork of one machine")


@pytest.mark.course
def test_every_lane_of_a_sampled_kernel_ends_as_it_was_recorded() -> None:
    [kernel] = sample(KERNELS, 1)
    test_every_lane_ends_as_it_was_recorded(kernel)
    test_a_block_costs_what_was_used_of_it(kernel)


@pytest.mark.long
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_lane_ends_as_it_was_recorded(kernel: str) -> None:
    """No difference in any of them, and what docs/fidelity.md says of each is what came out."""
    verdicts = judge_all(kernel)
    assert len(verdicts) == 37
    assert {v.row.lane: v.differs for v in verdicts if v.differs} == {}
    page = PAGE.read_text()
    assert HEAD in page
    listed = [line for line in page.splitlines() if f" | {kernel} | " in line and line.count(" | ") == 7]
    assert listed == lane_lines(kernel), "run: python -m tools.report"


@pytest.mark.long
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_block_costs_what_was_used_of_it(kernel: str) -> None:
    """Shape: a quarter of the memory is used, so a block costs at least a quarter of 512 moves.

    Recorded: 120 to 300 (6.12) and up to 512 (6.1, where a full block lay first).
    """
    moved = {v.row.lane: v.observed.counters.get("pgmigrate_success", 0) for v in judge_all(kernel)}
    huge = {v.row.lane: v.observed.steps[-1]["huge"] for v in judge_all(kernel)}
    for lane in ("B", "B1", "B2", "C2a", "D", "J2B"):
        assert 128 <= moved[lane] / huge[lane] <= 512, lane
    assert moved["B"] == moved["B1"] == moved["B2"]
    assert 0 < moved["G12"] < moved["G20"] < moved["G60"] < moved["G100"]


def test_a_difference_is_seen() -> None:
    """A judge that lets everything pass would be no use."""
    row = next(row for row in lane_rows("6.12") if row.lane == "A")
    steps = [{"huge": 0, "rss": number, "errno": None} for number in (1, 2)]
    assert judge(row, Observed(steps, {"thp_fault_fallback": 2}, 0, set())).word == "equal"
    for wrong in (
        Observed(steps, {"thp_fault_fallback": 1}, 0, set()),
        Observed(steps, {"thp_fault_fallback": 2, "compact_stall": 1}, 0, set()),
        Observed(steps, {"thp_fault_fallback": 2}, 1, set()),
        Observed(steps, {"thp_fault_fallback": 2}, 0, {"toucher"}),
        Observed([steps[0], {**steps[1], "huge": 1}], {"thp_fault_fallback": 2}, 0, set()),
    ):
        assert judge(row, wrong).word == "differs"


def test_accidents_are_few_and_say_why() -> None:
    assert len(ACCIDENTS) <= 4
    assert all(names and reason for names, reason in ACCIDENTS.values())
