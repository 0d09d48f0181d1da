"""What a moment means: the columns against the stack, the variables and the state of the same moment."""

from __future__ import annotations

import re
from itertools import pairwise
from random import Random

import pytest

from tests.recording.small import record
from thplab.ledger import Meter
from thplab.recording import Recording, record_scenario
from thplab.recording.derive.focus import SCENES
from thplab.recording.derive.spans import SPANS
from thplab.recording.story import Rank


@pytest.fixture(scope="module")
def race() -> Recording:
    """A munmap that waits for khugepaged, with a ledger."""
    return record_scenario("S08.race.munmap.after_fence", depth="functions", alongside=Meter)


def some_moments(recording: Recording, count: int = 60) -> list[int]:
    return sorted({0, len(recording) - 1, *Random(7).sample(range(len(recording)), count)})


def test_a_sentence_holds_until_the_next_one(note: Recording) -> None:
    """Whatever function is entered or left meanwhile."""
    moments = note.sections["t_moment"]
    for place in Random(7).sample(range(len(moments) - 1), 100):
        told, following = note.told_as(place), moments[place + 1]
        assert note.told(moments[place]) == note.told(following - 1) == told
        assert note.sentence(following - 1) == str(told)
        assert note.told(following) == note.told_as(place + 1)


def test_only_the_moment_at_which_it_is_told_has_the_sentence(note: Recording) -> None:
    at = set(note.sections["t_moment"])
    assert len(at) == len(note.sections["t_moment"])
    for n in some_moments(note, 500):
        assert note.moment(n).sentence == (note.sentence(n) if n in at else "")


def test_before_the_first_sentence_the_story_is_told(note: Recording) -> None:
    first = note.sections["t_moment"][0]
    assert first > 0
    assert note.told(first - 1) is None
    assert note.sentence(0) == note.sentence(first - 1) == note.header["story"]


def test_a_step_of_the_story_is_a_stop_where_it_says_something_new(note: Recording) -> None:
    """Stops are sentences of that rank or a higher one; a verdict that is printed and returned is one."""
    for granularity, least in (("event", Rank.STORY), ("entry", Rank.ENTRY)):
        told = [note.told_as(place) for place in range(len(note.sections["t_moment"]))]
        mine = [each for each in told if each.rank >= least]
        news = [mine[0], *(b for a, b in pairwise(mine) if (a.kind, a.values) != (b.kind, b.values))]
        stops = list(note.sections[note.header["granularity"][granularity]])[1:-1]
        assert stops == [each.moment for each in news]


def test_a_step_of_the_story_is_an_entry_too(note: Recording) -> None:
    assert set(note.sections["g_event"]) < set(note.sections["g_entry"])


def test_window_and_entry_are_those_of_the_scan(note: Recording) -> None:
    s, at = note.sections, 0
    for n in some_moments(note, 200):
        moment = note.moment(n)
        if moment.function != "scan_pmd":
            continue
        values, window = note.locals(n), note.header["windows"][s["m_window"][n] - 1]
        assert values["start_addr"] == int(window["address"]) if "start_addr" in values else True
        assert s["m_entry"][n] == values.get("index", -1) + 1
        at += "index" in values
    assert at > 20


def test_a_scene_is_that_of_the_innermost_function_that_has_one(note: Recording) -> None:
    scene_of = {
        "khugepaged_do_scan": "pass", "_scan_vmas": "process", "scan_pmd": "window",
        "collapse_huge_page": "collapse",
    }  # fmt: skip
    seen = set()
    for n in some_moments(note, 300):
        names = [frame.function for frame in note.stack(n) if frame.function in scene_of]
        if names:
            assert SCENES[note.sections["m_scene"][n]] == scene_of[names[0]]
            seen.add(names[0])
    assert {"scan_pmd", "collapse_huge_page"} <= seen


def held(recording: Recording, number: int) -> set[tuple[int, str, int]]:
    """(lock, what, for writing) of the spans that last, found one by one."""
    s = recording.sections
    rows = zip(*(s[name] for name in ("s_first", "s_end", "s_lock", "s_what", "s_write")), strict=True)
    return {
        (lock, SPANS[what], write) for first, end, lock, what, write in rows if first <= number < end and lock
    }


@pytest.mark.parametrize("name", ["race", "note"])
def test_the_locks_of_the_spans_are_those_of_the_state(name: str, request: pytest.FixtureRequest) -> None:
    recording = request.getfixturevalue(name)
    for n in some_moments(recording):
        state = recording.state(n)
        expected = set()
        for lock in state.objects("Lock"):
            if state.get(lock, "writer") is not None:
                expected.add((lock.id, "holds", 1))
            if state.get(lock, "readers"):
                expected.add((lock.id, "holds", 0))
            expected |= {(lock.id, "waits", state.get(each, "write")) for each in state.get(lock, "waiters")}
        assert held(recording, n) == expected


def test_all_that_lasts_is_on_the_way_along_outer(race: Recording) -> None:
    s = race.sections
    for n in some_moments(race):
        begun = [i for i, first in enumerate(s["s_first"]) if first <= n]
        found, at = set(), len(begun)
        while at:
            found.add(at - 1)
            at = s["s_outer"][at - 1]
        assert {i for i in begun if s["s_end"][i] > n} <= found


def test_who_runs_in_a_span_is_the_task_of_its_moments(race: Recording) -> None:
    s, lanes, tasks = race.sections, race.header["lanes"], race.header["tasks"]
    runs = [i for i, what in enumerate(s["s_what"]) if SPANS[what] == "runs"]
    running = {n: lanes[s["s_who"][i]]["comm"] for i in runs for n in range(s["s_first"][i], s["s_end"][i])}
    for n, task in enumerate(s["m_task"]):
        assert running.get(n, "swapper") == tasks[task]["comm"]


def test_a_waiter_has_a_task_and_an_op_of_its_own(race: Recording) -> None:
    state = race.state(len(race) - 1)
    assert {(state.get(each, "who"), state.get(each, "op")) for each in state.objects("Waiter")} == {
        ("a", "munmap")
    }


@pytest.mark.parametrize("depth", ["events", "functions", "lines"])
def test_the_columns_of_each_depth_read_back(depth: str) -> None:
    made, _ = record([0, 1, 9, 5, 6, 8], depth)
    assert Recording.from_bytes(made.to_bytes()).sections == made.sections


@pytest.mark.parametrize("depth", ["functions", "lines"])
def test_a_moment_is_about_the_window_that_its_sentence_names(depth: str) -> None:
    """Two processes with more than one window each: not the first window for ever."""
    made = record_scenario("S06.busyA", depth=depth)
    first, size = made.header["focus"]["address"], made.header["geometry"]["entries"] << 12
    of_moment = made.sections["m_window"]
    named = {}
    for place, moment in enumerate(made.sections["t_moment"]):
        found = re.search(r"(?:of|up) window (\d+) of process", str(made.told_as(place)))
        if found and of_moment[moment]:
            about = made.header["windows"][of_moment[moment] - 1]
            named[moment] = (int(found[1]), (int(about["address"]) - int(first)) // size)
    assert len({number for number, _ in named.values()}) > 1
    assert [pair for pair in named.values() if pair[0] != pair[1]] == []
