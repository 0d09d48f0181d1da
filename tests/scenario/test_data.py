"""Reading scenarios: what is accepted, and the words in which anything else is refused."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.captures import FILES, rows
from tests.sampling import check_drawn, draws
from thplab.scenario import Scenario, ScenarioError, experiment

GOOD: dict[str, Any] = {
    "name": "good",
    "settings": {"max_ptes_none": 100},
    "ops": [{"op": "mmap", "start": 0, "pages": 512}, {"op": "write", "pages": [[0, 512]]}],
    "action": {"type": "khugepaged"},
}


@pytest.mark.parametrize("file", FILES)
def test_every_recorded_scenario_is_read(file: str) -> None:
    for row in rows(file):
        scenario = Scenario.from_data(row.scenario)
        assert scenario.name == row.name
        assert len(scenario.steps) == len(row.steps)


def test_one_process_is_called_a_and_one_action_is_a_list_of_one() -> None:
    scenario = Scenario.from_data(GOOD)
    assert [spec.name for spec in scenario.processes] == ["a"]
    assert [step["type"] for step in scenario.steps] == ["khugepaged"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ops": 5}, ("ops", "a list")),
        ({"ops": [5]}, ("ops[0]", "an object")),
        ({"ops": [{}]}, ("ops[0]", "'op'", "mmap")),
        ({"ops": [{"op": "mmpa"}]}, ("ops[0].op", "mmpa", "did you mean mmap")),
        ({"ops": [{"op": "mmap", "start": 0}]}, ("ops[0]", "'pages'", "missing")),
        ({"ops": [{"op": "mmap", "start": 0, "pages": 0}]}, ("ops[0].pages", "0", "from 1")),
        ({"ops": [{"op": "mmap", "start": 0, "pages": True}]}, ("ops[0].pages", "an integer")),
        ({"ops": [{"op": "mmap", "start": -1, "pages": 1}]}, ("ops[0].start", "-1")),
        ({"ops": [{"op": "mmap", "start": 0, "pages": 1, "prot": "w"}]}, ("ops[0].prot", "rw | r | none")),
        ({"ops": [{"op": "mmap", "start": 0, "pages": 1, "kind": "x"}]}, ("ops[0].kind", "memfd_shared")),
        ({"ops": [{"op": "mmap", "start": 0, "pages": 1, "size": 1}]}, ("ops[0]", "'size'", "prot")),
        ({"ops": [{"op": "write", "pages": [[5, 5]]}]}, ("ops[0].pages[0]", "[5, 5]", "first < end")),
        ({"ops": [{"op": "write", "pages": [[-1, 5]]}]}, ("ops[0].pages[0]", "0 <= first")),
        ({"ops": [{"op": "write", "pages": [[0, 2**40]]}]}, ("ops[0].pages[0]", "134217728")),
        ({"ops": [{"op": "write", "pages": [[0, 1.5]]}]}, ("ops[0].pages[0]", "1.5")),
        ({"ops": [{"op": "write", "pages": [5]}]}, ("ops[0].pages[0]", "[first, end)")),
        ({"ops": [{"op": "write", "pages": "all"}]}, ("ops[0].pages", "'all'")),
        ({"ops": [{"op": "advise", "advice": "huge"}]}, ("ops[0].advice", "'huge'", "hugepage")),
        ({"ops": [{"op": "set", "key": "x", "value": 1}]}, ("ops[0].key", "'x'")),
        ({"ops": [{"op": "set", "key": "max_ptes_none", "value": 512}]}, ("max_ptes_none", "0 to 511")),
        ({"ops": [{"op": "kid", "ops": [{"op": "x"}]}]}, ("ops[0].ops[0].op", "'x'")),
        ({"settings": []}, ("settings", "an object")),
        ({"settings": {"max_ptes": 1}}, ("settings", "'max_ptes'", "max_ptes_none")),
        ({"settings": {"max_ptes_none": 512}}, ("settings.max_ptes_none", "512", "0 to 511")),
        ({"settings": {"enabled": "on"}}, ("settings.enabled", "always | madvise | never")),
        ({"setup_settings": {"defrag": 1}}, ("setup_settings.defrag", "defer+madvise")),
        ({"action": 5}, ("action", "an object")),
        ({"action": {"type": "nap"}}, ("action.type", "khugepaged")),
        ({"action": {"type": "khugepaged", "wakeups": 0}}, ("action.wakeups", "from 1")),
        ({"action": {"type": "fault"}}, ("action", "'touches'")),
        ({"action": {"type": "fault", "touches": [{"page": -1}]}}, ("action.touches[0].page", "-1")),
        ({"action": {"type": "exit", "proc": 5}}, ("action.proc", "a name")),
        ({"name": 5}, ("name", "a text")),
        ({"budget": "yes"}, ("budget", "true or false")),
        ({"machine": {"entries": 100}}, ("machine.entries", "8, 16")),
        ({"machine": {"region": 4096}}, ("machine.region", "a multiple of")),
        ({"machine": {"cpus": 2}}, ("machine", "'cpus'", "start_pfn")),
        ({"surprise": 1}, ("'surprise'", "settings")),
        ({"steps": []}, ("action", "steps")),
        ({"procs": [{"name": "a", "ops": []}]}, ("ops", "procs")),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ScenarioError) as refused:
        Scenario.from_data({**GOOD, **change})
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize("key", ["ops", "action"])
def test_a_scenario_needs_ops_and_an_action(key: str) -> None:
    with pytest.raises(ScenarioError, match=key):
        Scenario.from_data({name: value for name, value in GOOD.items() if name != key})


def test_processes_have_names_of_their_own() -> None:
    data = {"procs": [{"name": "a", "ops": []}] * 2, "action": {"type": "none"}}
    with pytest.raises(ScenarioError, match="same name"):
        Scenario.from_data(data)
    with pytest.raises(ScenarioError, match="keeper"):
        Scenario.from_data({**data, "procs": [{"name": "keeper", "ops": []}]})


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "1" * 5000, "{'a': 1}", "NaN", "null"])
def test_text_that_is_no_scenario_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError):
        Scenario.from_json(text)


def test_children_of_children_of_children_have_an_end() -> None:
    ops: list[Any] = []
    for _ in range(300):
        ops = [{"op": "kid", "ops": ops}]
    with pytest.raises(ScenarioError, match="nested"):
        Scenario.from_data({**GOOD, "ops": ops})


_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_json = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
)
_near = st.fixed_dictionaries(
    {},
    optional={
        "name": _leaves,
        "settings": st.dictionaries(st.sampled_from(["enabled", "max_ptes_none", "x"]), _leaves, max_size=2),
        "ops": st.lists(
            st.fixed_dictionaries(
                {"op": st.sampled_from(["mmap", "write", "advise", "fork", "kid", "set", "unpin"])},
                optional={"pages": _json, "start": _leaves, "advice": _leaves, "ops": _json, "key": _leaves},
            ),
            max_size=3,
        ),
        "action": st.fixed_dictionaries(
            {"type": st.sampled_from(["khugepaged", "fault", "exit", "none"])},
            optional={"wakeups": _leaves, "touches": _json, "proc": _leaves},
        ),
        "machine": st.dictionaries(st.sampled_from(["entries", "region", "start_pfn"]), _leaves, max_size=2),
    },
)


@draws(100)
def test_any_data_is_a_scenario_or_a_scenario_error(examples: int) -> None:
    check_drawn(is_a_scenario_or_a_scenario_error, examples)


@given(_json | _near)
def is_a_scenario_or_a_scenario_error(data: Any) -> None:
    scenario = None
    with contextlib.suppress(ScenarioError):
        scenario = Scenario.from_data(data)
    if scenario is not None:
        assert json.loads(json.dumps(scenario.raw)) == data


@pytest.mark.parametrize("entries", [8, 512])
@pytest.mark.parametrize("several", [False, True])
def test_windows_in_words_are_the_ops_that_make_them_so(entries: int, several: bool) -> None:
    texts = [f"1x swap, {entries - 1}x young", f"2x shared, 3x zero, {entries - 5}x none", f"{entries}x huge"]
    machine = {"entries": entries}
    said = {"windows": texts, "ops": [{"op": "fork", "id": "late"}]}
    data = {"procs": [{"name": "a", **said}]} if several else said
    found = Scenario.from_data({**data, "machine": machine, "action": {"type": "none"}})
    wanted = experiment(*texts, advised=False, last=said["ops"], then="none", machine=machine)
    assert found.processes == wanted.processes


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        (["511x young"], "has not 512 pages"),
        (["1x huge, 511x young"], "a whole window"),
        (["512x jung"], "windows[0]: '512x jung' is not accepted"),
        ([], "not empty"),
        ("512x young", "not empty"),
    ],
)
def test_a_window_that_is_none_is_named(windows: object, words: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(words)):
        Scenario.from_data({"windows": windows, "action": {"type": "none"}})


def test_windows_and_several_processes_exclude_each_other() -> None:
    with pytest.raises(ScenarioError, match="either 'windows' and 'ops'"):
        Scenario.from_data(
            {"windows": ["512x young"], "procs": [{"name": "b", "ops": []}], "action": {"type": "none"}}
        )
