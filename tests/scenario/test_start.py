"""Runs that start from recorded photographs."""

from __future__ import annotations

from typing import Any

import pytest

from thplab.scenario import Scenario, ScenarioError, Unsupported, run_scenario
from thplab.scenario.photographs import check_photographs, glyphs_of
from thplab.scenario.start import start_run

PAGED_OUT = Scenario.from_data(
    {
        "settings": {"pages_to_scan": 1_000_000},
        "ops": [
            {"op": "mmap", "start": 0, "pages": 512},
            {"op": "write", "pages": [[0, 512]]},
            {"op": "advise", "advice": "pageout", "pages": [[0, 65]]},
            {"op": "advise", "advice": "hugepage"},
        ],
        "action": {"type": "khugepaged"},
    }
)


def before(window: str) -> dict[str, Any]:
    return {"a": {"windows": [window], "vmas_below": 0, "vmas_above": 0}}


def scan(seen: dict[str, Any]) -> dict[str, Any]:
    return seen["steps"][0]["wakeups"][0]["events"][-1]


def test_without_photographs_the_ops_decide() -> None:
    seen = run_scenario(PAGED_OUT)
    assert seen["before"]["a"]["windows"] == ["w65 p447"]
    assert (scan(seen)["status"], scan(seen)["unmapped"]) == ("exceed_swap_pte", 65)


def test_pages_that_were_left_in_memory_stay_there_and_are_young() -> None:
    seen = run_scenario(PAGED_OUT, before=before("w10 p2 w53 p447"))
    assert seen["before"]["a"]["windows"] == ["w10 p2 w53 p447"]
    found = scan(seen)
    assert (found["status"], found["unmapped"], found["referenced"]) == ("succeeded", 63, 449)


@pytest.mark.parametrize("window", ["w66 p446", "w65 p446 .1", "H512"])
def test_what_no_op_explains_gets_no_answer(window: str) -> None:
    with pytest.raises(Unsupported, match="'before' shows page"):
        run_scenario(PAGED_OUT, before=before(window))


def test_shared_or_exclusive_is_no_kind_of_its_own() -> None:
    run = start_run(PAGED_OUT, "6.18", before("w65 s447"))
    assert run.before["a"]["windows"] == ["w65 p447"]


def test_glyphs() -> None:
    assert glyphs_of("p2 .3") == "pp..."
    for text in ("", "p", "2p", "p2  .3", "x5", "p99999"):
        with pytest.raises(ScenarioError, match="runs of a glyph"):
            glyphs_of(text)


@pytest.mark.parametrize(
    ("photographs", "words"),
    [
        ([], "process -> photograph"),
        ({}, "no photograph of process 'a'"),
        ({"a": 5}, "a list 'windows'"),
        ({"a": {"windows": [5]}}, "a run-length text"),
        ({"a": {"windows": ["p511"]}}, "512 pages"),
        ({"a": {"windows": ["p512"], "vmas_above": -1}}, "vmas_above"),
    ],
)
def test_photographs_are_checked(photographs: Any, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        check_photographs(photographs, PAGED_OUT)
