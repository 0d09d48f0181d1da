"""Stops and links, without a browser."""

from __future__ import annotations

import pytest
import traitlets

from thplab.recording import Recording
from thplab.stage import Stage
from thplab.stage.link import link_text, open_link
from thplab.stage.stops import check_stops


def test_stops_come_in_order() -> None:
    assert [stop["step"] for stop in check_stops([{"step": 9}, {"step": 2}], 9)] == [2, 9]


@pytest.mark.parametrize(
    ("stop", "words"),
    [
        ({"step": 10}, "stop 0: step must be one of the moments 0 to 9"),
        ({"ask": "What?"}, "stop 0: step must be one of the moments 0 to 9"),
        ({"step": 1, "shows": 10}, "stop 0: shows must be one of the moments 0 to 9"),
        ({"step": 1, "asks": "What?"}, "stop 0: no field 'asks' .did you mean ask"),
        ({"step": "1"}, "stop 0: step is '1', not int"),
    ],
)
def test_what_is_no_stop_is_named(stop: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_stops([stop], 9)


def test_a_stage_refuses_a_wrong_stop(small: Recording) -> None:
    with pytest.raises(traitlets.TraitError, match="did you mean notes"):
        Stage(small, stops=[{"step": 0, "note": "x"}])


def test_a_named_scenario_has_a_short_link(refused: Recording) -> None:
    text = link_text(refused, 300)
    assert text == "thplab:S07.none_411@6.1/lines#300"
    stage = Stage.from_link(text)
    assert stage.step == 300
    assert stage.recording == refused.to_bytes()
    assert stage.link_to() == text


def test_another_scenario_stands_in_its_link(small: Recording) -> None:
    recording, step = open_link(link_text(small, 5))
    assert (recording.to_bytes(), step) == (small.to_bytes(), 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("note", "is no link"),
        ("thplab:nothing@6.1/lines#3", "no scenario 'nothing'"),
        ("thplab:S07.none_411@6.2/lines#3", "no kernel profile '6.2'"),
        ("thplab:S07.none_411@6.1/lines#99999", "moment 99999: this recording has moments 0 to"),
        ("thplab:data=xyz@6.1/lines#3", "cut off or changed"),
    ],
)
def test_a_link_that_leads_nowhere_says_why(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        open_link(text)


def test_a_preset_opens_its_views(small: Recording) -> None:
    assert Stage(small, views="memory").views == ["scene", "memory", "buddy"]
    with pytest.raises(traitlets.TraitError, match="no preset 'mem'; there are first"):
        Stage(small, views="mem")
