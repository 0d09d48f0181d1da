"""Writing a scenario in words: every kind of page becomes what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thplab.scenario import Scenario, ScenarioError, experiment, run_scenario
from thplab.scenario.windows import KINDS, window


@pytest.mark.parametrize(
    ("text", "photograph"),
    [
        ("100x young, 412x none", "p100 .412"),
        ("12x old, 500x young", "p512"),
        ("8x zero, 504x young", "z8 p504"),
        ("512x huge", "H512"),
        ("3x young, 1x pinned, 508x none", "p4 .508"),
    ],
)
def test_the_photograph_shows_what_the_words_say(text: str, photograph: str) -> None:
    assert run_scenario(experiment(text, then="none"))["before"]["a"]["windows"] == [photograph]


def test_windows_stand_one_after_the_other() -> None:
    seen = run_scenario(experiment("512x huge", "1x young, 511x none", "512x none", then="none"))
    assert seen["before"]["a"]["windows"] == ["H512", "p1 .511", ".512"]
    assert len(seen["before"]["a"]["vmas"]) == 1


def test_old_pages_are_not_referenced_and_young_ones_are() -> None:
    seen = run_scenario(experiment("500x old, 12x young"))
    scan = seen["steps"][0]["wakeups"][0]["events"][-1]
    assert (scan["ev"], scan["referenced"]) == ("scan_pmd", 12)


def test_settings_and_steps_are_those_of_a_scenario() -> None:
    made = experiment("512x young", name="mine", story="One line.", then="collapse", max_ptes_none=3)
    assert (made.name, made.story, made.settings["max_ptes_none"]) == ("mine", "One line.", 3)
    assert [step["type"] for step in made.steps] == ["madvise_collapse"]
    assert Scenario.from_data(made.raw) == made


def test_smaller_tables() -> None:
    seen = run_scenario(experiment("3x young, 5x none", machine={"entries": 8}, max_ptes_none=5))
    assert seen["after"]["a"]["windows"] == ["H8"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("100x young", "has not 512 pages"),
        ("513x young", "has not 512 pages"),
        ("100x jung, 412x none", "'100x jung'"),
        ("", "''"),
        ("511x huge, 1x none", "a whole window"),
    ],
)
def test_words_that_are_no_window(text: str, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        experiment(text)


def test_then_is_checked() -> None:
    with pytest.raises(ScenarioError, match="khugepaged, collapse, none"):
        experiment("512x young", then="later")


@given(st.lists(st.tuples(st.integers(1, 200), st.sampled_from(sorted({*KINDS} - {"huge"}))), min_size=1))
def test_any_runs_that_fill_a_window_are_read_back(runs: list[tuple[int, str]]) -> None:
    pages = [kind for count, kind in runs for _ in range(count)][:512]
    pages += ["none"] * (512 - len(pages))
    text = ", ".join(f"1x {kind}" for kind in pages)
    assert window(text) == pages
