"""Branches: the run up to a moment is the same, what is edited happens there, and the rest follows."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.sampling import some
from tests.stage.conftest import SMALL
from thplab.ledger import Meter
from thplab.reading.text import window_keys
from thplab.recording import Recording, record_scenario
from thplab.scenario import Scenario, ScenarioError
from thplab.scenario.gaps import GAPS
from thplab.stage import Comparison, Stage, branch, compare, moment_text
from thplab.stage.places import next_place


@pytest.fixture(scope="module")
def refused_functions() -> Recording:
    return record_scenario("S07.none_411", depth="functions")


@pytest.fixture(scope="module")
def clean() -> Recording:
    return record_scenario("S08.clean512", depth="functions", alongside=Meter)


def verdicts(recording: Recording) -> list[str]:
    return [line["fields"]["status"] for line in recording.header["trace"]]


def test_a_knob_turned_before_the_run_turns_the_verdict(refused_functions: Recording) -> None:
    other = branch(refused_functions, knobs="max_ptes_none=412")
    assert verdicts(refused_functions)[0] == "exceed_none_pte"
    assert verdicts(other.recording)[0] == "succeeded"
    assert other.recording.state(len(other.recording) - 1).path("knobs.max_ptes_none") == 412


def test_one_more_page_turns_it_as_well(refused_functions: Recording) -> None:
    other = branch(refused_functions, paint="101x present, 411x none").recording
    assert verdicts(other)[0] == "succeeded"
    assert set(window_keys(other, len(other) - 1)) == {"huge"}


def test_up_to_the_place_nothing_is_different(clean: Recording) -> None:
    other = branch(clean, op="munmap 0-255", gap="after_fence")
    found = compare(clean, other)
    assert found.parted is not None
    assert other.place.moment <= found.parted <= other.place.moment + 2
    for moment in (0, other.place.moment // 2, other.place.moment - 1):
        assert clean.state(moment).bytes() == other.recording.state(moment).bytes()


def test_whoever_needs_a_lock_that_is_held_waits_for_it(clean: Recording) -> None:
    other = branch(clean, op="munmap 0-255", gap="after_fence").recording
    [report] = other.header["intruders"]
    assert report["ran"] == "after waiting for mmap_lock a for writing"
    assert "succeeded" in verdicts(other)
    early = branch(clean, op="munmap 0-255", gap="after_alloc").recording
    assert early.header["intruders"][0]["ran"] == "at once"
    assert "succeeded" not in verdicts(early)


@pytest.mark.parametrize("gap", some([gap for gap in GAPS if gap != "before_swapin"], 5))
def test_the_moment_of_a_gap_is_where_an_intruder_acts(clean: Recording, gap: str) -> None:
    place = next_place(clean, 0, gap)
    other = branch(clean, knobs={"max_ptes_swap": 1}, gap=gap)
    parted = compare(clean, other).parted
    assert parted is not None
    assert abs(parted - place.moment) <= 1
    written = other.recording.last_change(other.recording.cell_of("knobs.max_ptes_swap"), parted + 60)
    assert written is not None
    assert place.moment <= written <= parted + 60


def test_a_gap_can_be_reached_more_than_once() -> None:
    data: dict[str, Any] = {**deepcopy(SMALL), "action": {"type": "khugepaged"}}
    data["procs"][0]["ops"] = [*data["procs"][0]["ops"][:2], {"op": "advise", "advice": "hugepage"}]
    recording = record_scenario(Scenario.from_data(data), depth="functions")
    first = next_place(recording, 0, "before_scan")
    second = next_place(recording, first.moment + 1, "before_scan")
    assert (first.nth, second.nth) == (1, 2)
    found = compare(recording, branch(recording, second.moment, op="fork"))
    assert found.parted is not None
    assert abs(found.parted - second.moment) <= 2


def test_after_the_last_step_it_can_still_go_on(clean: Recording) -> None:
    other = branch(clean, len(clean) - 1, op="munmap 0-255")
    assert str(other.place) == f"at moment {len(clean) - 1}, before step 2 of the scenario"
    assert window_keys(other.recording, len(other.recording) - 1).count("none") == 256


def test_a_branch_can_be_branched(refused_functions: Recording) -> None:
    once = branch(refused_functions, knobs={"max_ptes_none": 412}).recording
    twice = branch(once, len(once) - 1, op="advise dontneed 0-511").recording
    assert set(window_keys(twice, len(twice) - 1)) == {"none"}


@pytest.mark.parametrize(
    ("edit", "field", "words"),
    [
        ({"knobs": "max_ptes_none=513"}, "knobs", "513 is not accepted; allowed: an integer from 0 to 511"),
        ({"knobs": "max_pte_none=5"}, "knobs", "did you mean max_ptes_none?"),
        ({"knobs": "max_ptes_none"}, "knobs", "allowed: a knob, =, and its value"),
        ({"paint": "3x blue"}, "paint", "'3x blue' is not accepted"),
        ({"paint": "100x present"}, "paint", "painted as they are already"),
        ({"op": "mumap 3"}, "op", "'mumap 3' is not accepted; allowed: munmap 0-255"),
        ({"op": "z: fork"}, "op", "no process 'z'; there are app"),
        ({"op": "munmap 5-x"}, "op", "is not accepted"),
        ({}, "", "nothing to change"),
    ],
)
def test_a_refusal_names_the_field(
    refused_functions: Recording, edit: dict[str, str], field: str, words: str
) -> None:
    with pytest.raises(ScenarioError) as refused:
        branch(refused_functions, **edit)  # type: ignore[arg-type]
    assert words in str(refused.value)
    assert getattr(refused.value, "field", None) == field


def test_what_an_intruder_cannot_do_is_refused(clean: Recording) -> None:
    with pytest.raises(ScenarioError, match="unpin by a: unpin: page 3 is not pinned"):
        branch(clean, op="unpin 3", gap="after_alloc")
    with pytest.raises(ValueError, match="gap 'before_swapin' is not reached"):
        branch(clean, op="fork", gap="before_swapin")
    with pytest.raises(IndexError):
        branch(clean, len(clean), op="fork")


def test_what_was_not_made_from_a_scenario_cannot_be_run_on() -> None:
    from tests.recording.small import collapse

    with pytest.raises(ValueError, match="not made from a scenario"):
        branch(collapse(depth="events"), op="fork")


def test_the_differences_are_listed(refused_functions: Recording) -> None:
    found = compare(refused_functions, branch(refused_functions, knobs={"max_ptes_none": 412}))
    rows = {row[0]: row[1:] for row in found.rows}
    assert rows["window at the end"] == ("100x present, in use; 412x empty", "512x mapped by one huge page")
    assert rows["max_ptes_none"] == ("411 PTEs", "412 PTEs")
    assert rows["khugepaged/pages_collapsed"] == ("0 windows", "1 window")
    assert rows["verdict 1"][0] == "khugepaged_scan_pmd: exceed_none_pte"
    assert "max_ptes_none is set to 412" in str(found)
    assert "<table" in found._repr_html_()
    assert found.joined is not None
    (mine, other), s = found.joined, (found.first.sections, found.second.sections)
    assert s[0]["m_line"][mine : mine + 15] == s[1]["m_line"][other : other + 15]


def test_equal_recordings_have_no_difference(clean: Recording) -> None:
    found = compare(clean, clean)
    assert (found.parted, found.rows) == (None, ())
    assert str(found) == "No difference."


def test_a_stage_shows_both_and_keeps_one(refused_functions: Recording) -> None:
    stage = Stage(refused_functions)
    found = stage.branch(0, knobs="max_ptes_none=412")
    assert isinstance(found, Comparison)
    assert stage.second == found.second.to_bytes()
    assert stage.differences["parted"] == found.parted
    stage.alone()
    assert stage.second == b""
    Stage(refused_functions, theme="dark").beside(found).keep_second()
    stage.beside(found).keep_second()
    assert Recording.from_bytes(stage.recording).header["title"] == "S07.none_411, otherwise"
    assert stage.step == found.parted


def test_what_the_browser_asks_for_is_answered(refused_functions: Recording) -> None:
    stage = Stage(refused_functions)
    sent: list[Any] = []
    stage.send = sent.append  # type: ignore[method-assign]

    def ask(**edit: Any) -> Any:
        sent.clear()
        texts = {"paint": "", "knobs": "", "op": "", "gap": ""}
        stage._handle_custom_msg({"edit": {"at": 0, **texts, **edit}}, [])
        assert sent[0] == {"listening": True}
        return sent[1]

    assert ask(knobs="max_ptes_none=513")["refused"]["field"] == "knobs"
    assert ask(gap="nowhere", op="fork")["refused"]["field"] == ""
    assert ask(at="x")["refused"]["text"].startswith("the request is not one")
    assert stage.second == b""
    assert ask(knobs="max_ptes_none=412") == {"branched": True}
    assert stage.second
    stage._handle_custom_msg({"keep": True}, [])
    assert stage.second == b""
    stage._handle_custom_msg("nonsense", [])


def test_a_turned_knob_says_what_it_was(refused_functions: Recording) -> None:
    other = branch(refused_functions, knobs="max_ptes_none=412").recording
    lines = moment_text(other, len(other) - 1).splitlines()
    assert "max_ptes_none = 412 PTEs (was 411 PTEs)" in lines
    assert "max_ptes_swap = 64 PTEs" in lines
