"""docs/scenario-format.md and the JSON Schema: made of the specification, true to what is run."""

from __future__ import annotations

import json
import random
import re
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conformance.captures import FILES, rows
from thplab import cli
from thplab.scenario import NAMED, Scenario, ScenarioError
from thplab.scenario.data import MachineSpec
from thplab.scenario.intruders import INTRUDER_KEYS
from thplab.scenario.observe import GLYPHS
from thplab.scenario.schema import MACHINE_KEYS, SCENARIO_KEYS
from thplab.scenario.settings import SETTINGS
from thplab.scenario.spec import INTRUDER_OPS, OPS
from thplab.scenario.steps import STEPS
from tools.scenario_format import PAGE, SCHEMA, page, schema

TEXT = PAGE.read_text("utf-8")
EXAMPLES = re.findall(r"```json scenario\n(.*?)```.*?```json answer ?([^\n]*)\n(.*?)```", TEXT, re.DOTALL)


def test_the_page_is_up_to_date() -> None:
    assert page(TEXT) == TEXT, "run python -m tools.scenario_format"


def test_the_schema_is_up_to_date() -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == json.loads(json.dumps(schema())), (
        "run python -m tools.scenario_format"
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[1] or "all")
def test_each_example_is_answered_as_it_says(
    example: tuple[str, str, str], tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command itself answers: what the page shows is what a reader sees."""
    data, keys, shown = example
    file = tmp_path / "mine.json"
    file.write_text(data)
    assert cli.main(["predict", str(file)]) == 0
    answer = json.loads(capsys.readouterr().out)
    expected = json.loads(shown)
    assert {key: answer[key] for key in keys.split() or answer} == expected


def test_every_row_is_on_the_page() -> None:
    assert len(EXAMPLES) >= 5
    names = [*OPS, *STEPS, *SETTINGS, *INTRUDER_OPS, *INTRUDER_KEYS, *GLYPHS, *SCENARIO_KEYS, *MACHINE_KEYS]
    assert [name for name in names if f"`{name}`" not in TEXT] == []


def test_the_machine_has_a_field_for_each_key() -> None:
    assert set(MACHINE_KEYS) == set(MachineSpec.__dataclass_fields__)


@cache
def validator() -> Draft202012Validator:
    found = json.loads(SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


@pytest.mark.parametrize("name", NAMED)
def test_the_schema_accepts_named_scenarios(name: str) -> None:
    validator().validate(json.loads(json.dumps(NAMED[name].raw)))


@pytest.mark.parametrize("file", FILES)
def test_the_schema_accepts_recorded_scenarios(file: str) -> None:
    for row in rows(file)[::25]:
        validator().validate(row.scenario)
        validator().validate({"scenario": row.scenario, "before": row.observed["before"]})


#: Values that are wrong nearly everywhere. Texts of digits and floats are read in two ways: left out.
JUNK: list[Any] = [None, -1, 1 << 60, "", "a b", "hugepag", [], [5], {}, {"zz": 1}, [[5, 5]], "rw", "none", 3]
#: What JSON Schema cannot say; nor that the value of an op ``set`` must suit its key.
BEYOND = ("first < end", "same name", "is taken by", "nested more")


def _places(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [place for key, each in inner for place in ((*at, key), *_places(each, (*at, key)))]


def mutated(data: Any, rng: random.Random) -> tuple[Any, tuple[Any, ...]]:
    """One key or value of the data dropped, added, renamed or replaced; and where."""
    data = deepcopy(data)
    *path, last = rng.choice(_places(data))
    holder = data
    for key in path:
        holder = holder[key]
    how = rng.choice(("drop", "junk", "junk", "rename", "add"))
    if how == "drop":
        del holder[last]
    elif how == "junk":
        holder[last] = rng.choice(JUNK)
    elif how == "rename" and isinstance(holder, dict):
        holder[f"{last}t"] = holder.pop(last)
    elif isinstance(holder, dict):
        holder[rng.choice(("zz", "pages", "ops", "proc"))] = rng.choice(JUNK)
    return data, (*path, last)


def refused(data: Any) -> str:
    try:
        Scenario.from_data(data)
    except ScenarioError as error:
        return str(error)
    return ""


def test_the_schema_refuses_what_the_checker_refuses() -> None:
    """600 changes drawn by a seed: both say yes, or both say no, where a schema can say it at all."""
    rng = random.Random(20261130)
    whole = [json.loads(json.dumps(each.raw)) for each in NAMED.values()]
    whole += [row.scenario for row in rows("named")[::10]]
    counts, wrong = {True: 0, False: 0}, []
    for _ in range(600):
        data, place = mutated(rng.choice(whole), rng)
        said = refused(data)
        if "scenario" in data or any(words in said for words in BEYOND) or place[-1] in ("key", "value"):
            continue
        counts[not said] += 1
        if validator().is_valid(data) is bool(said):
            wrong.append((said, data))
    assert wrong == []
    assert min(counts.values()) > 60
