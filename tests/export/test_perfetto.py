"""--perfetto: a valid Chrome trace, and what it says is what the recording says."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from thplab.cli import main
from thplab.export import perfetto
from thplab.ledger import Meter
from thplab.recording import Recording, record_scenario

Event = dict[str, Any]


@pytest.fixture(scope="module")
def timed() -> Recording:
    """A collapse, and a program that asks for the lock meanwhile."""
    return record_scenario("S08.race.munmap.after_fence", depth="functions", alongside=Meter)


@pytest.fixture(scope="module")
def events(timed: Recording) -> list[Event]:
    found: list[Event] = json.loads(perfetto(timed))["traceEvents"]
    return found


def named(events: list[Event]) -> dict[int, str]:
    return {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}


def test_it_keeps_the_rules_of_the_format(events: list[Event]) -> None:
    needed = {
        "X": {"ts", "dur"},
        "i": {"ts", "s"},
        "b": {"ts", "id", "cat"},
        "e": {"ts", "id", "cat"},
        "M": {"args"},
    }
    for event in events:
        assert {"ph", "name", "pid", "tid"} | needed[event["ph"]] <= set(event)
        assert event.get("dur", 0) >= 0
    times = [event["ts"] for event in events if "ts" in event]
    assert times == sorted(times)
    assert {event["tid"] for event in events} == set(named(events))


def test_slices_of_a_thread_nest(events: list[Event]) -> None:
    open_until: dict[int, list[float]] = defaultdict(list)
    for event in (event for event in events if event["ph"] == "X"):
        stack, end = open_until[event["tid"]], event["ts"] + event["dur"]
        while stack and stack[-1] <= event["ts"] + 1e-5:
            stack.pop()
        assert not stack or end <= stack[-1] + 1e-5, event
        stack.append(end)


def test_each_lock_is_taken_before_it_is_released(events: list[Event]) -> None:
    ends = {event["id"]: event for event in events if event["ph"] == "e"}
    begins = [event for event in events if event["ph"] == "b"]
    assert len(begins) == len(ends)
    for begin in begins:
        assert {**begin, "ph": "e", "ts": 0, "args": 0} == {**ends[begin["id"]], "ts": 0, "args": 0}
        assert begin["ts"] <= ends[begin["id"]]["ts"]


def test_functions_stand_in_the_lane_of_their_task_and_in_their_time(
    events: list[Event], timed: Recording
) -> None:
    lanes = named(events)
    assert next(iter(lanes.values())) == "processor"
    assert "khugepaged" in lanes.values()
    call = timed.find_call("collapse_huge_page")
    assert call is not None
    (found,) = (e for e in events if e["name"] == "collapse_huge_page" and e["args"]["moment"] == call)
    assert lanes[found["tid"]] == "khugepaged"
    time = timed.sections["m_time"]
    end = next(n for n in range(call, len(timed)) if timed.moment(n).kind == "return"
               and timed.moment(n).frame == timed.moment(call).frame)  # fmt: skip
    assert found["ts"] == pytest.approx(time[call] / 1000, abs=len(timed) / 1000)
    assert found["dur"] == pytest.approx((time[end] - time[call]) / 1000, abs=len(timed) / 1000)
    assert found["dur"] > 100


def test_trace_lines_are_instants(events: list[Event], timed: Recording) -> None:
    told = [event["args"]["line"] for event in events if event["ph"] == "i"]
    assert told == [line["text"].strip() for line in timed.header["trace"]]


def test_who_waits_is_said(events: list[Event], timed: Recording) -> None:
    (wait,) = (event for event in events if event["ph"] == "b" and event["cat"] == "wait")
    assert "waits for mmap_lock" in wait["name"]


def test_the_command_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", "S07.none_411", "--perfetto"]) == 0
    assert capsys.readouterr().out == "S07.none_411.perfetto.json\n"
    assert json.loads(Path("S07.none_411.perfetto.json").read_text("utf-8"))["otherData"]["kernel"] == "6.18"
