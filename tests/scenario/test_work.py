"""Scenarios that would not end, or need memory without bound: given up in words, on every machine alike."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sampling import sample
from thplab import cli
from thplab.limits import Limits
from thplab.mm.include import lock
from thplab.scenario import NAMED, run_scenario, scenario
from thplab.scenario.predict import predict, predict_line, predict_lines
from thplab.scenario.values import LAST_PAGE
from thplab.scenario.work import NotFinished, limited

FEW = Limits(steps=20_000, memory=16)
SMALL = {"entries": 8}
BASE = [{"op": "mmap", "start": 0, "pages": 16}, {"op": "write"}, {"op": "advise", "advice": "hugepage"}]
GOOD = {"name": "good", "ops": BASE, "action": {"type": "khugepaged"}, "machine": SMALL}


def endless(ops: list[Any], *steps: Any, **more: Any) -> dict[str, Any]:
    return {"name": "endless", "ops": ops, "steps": list(steps) or [{"type": "none"}], **more}


def _giant(kind: str, **more: Any) -> list[Any]:
    return [{"op": "mmap", "start": 0, "pages": LAST_PAGE, "kind": kind, **more}]


def _family(count: int) -> list[Any]:
    return [op for n in range(count) for op in ({"op": "fork", "id": f"k{n}"},)]


SLEEP = {"type": "sleep", "milliseconds": 1 << 40}
#: What makes a scenario long, by its kind.
LONG: dict[str, dict[str, Any]] = {
    **{
        f"sleep_{ms}": endless(BASE, SLEEP, settings={"scan_sleep_millisecs": ms}, machine=SMALL)
        for ms in (0, 1, 10_000)
    },
    "sleep_full_memory": endless(BASE, SLEEP, machine={"memory": "full", "memory_pages": 2048}),
    "wakeups": endless(BASE, {"type": "khugepaged", "wakeups": 100_000}, machine=SMALL),
    "untouched": endless(_giant("anon"), {"type": "khugepaged"}),
    "shared": endless(_giant("shared"), {"type": "madvise_collapse"}),
    "written": endless([*_giant("anon"), {"op": "write"}], machine={"memory_pages": 4096}),
    "read": endless([*_giant("anon"), {"op": "read"}], machine={"memory_pages": 4096}),
    "locked": endless(_giant("anon", locked=True), machine={"memory_pages": 1 << 22}),
    "populated": endless(
        [*_giant("anon"), {"op": "advise", "advice": "populate_write"}], machine={"memory_pages": 1 << 22}
    ),
    "million_pages": endless([{"op": "mmap", "start": 0, "pages": 1 << 20}, {"op": "write"}]),
    "huge_pages": endless([*_giant("anon"), {"op": "advise", "advice": "hugepage"}, {"op": "mlock"}],
                          machine={"memory_pages": 1 << 22}),
    "free": endless([*_giant("anon"), {"op": "advise", "advice": "free"}, {"op": "clear_refs"}]),
    "children": endless([*BASE, *_family(400)], machine=SMALL),
    "processes": {
        "name": "endless",
        "procs": [{"name": f"p{n}", "ops": BASE} for n in range(900)],
        "action": {"type": "none"},
        "machine": SMALL,
    },
    "ops": endless([*BASE, *[{"op": "write"}, {"op": "clear_refs"}] * 4000], machine=SMALL),
    "mappings": endless([{"op": "mmap", "start": 2 * n, "pages": 1} for n in range(4000)]),
    "writes_to_mappings": endless(
        [op for n in range(400) for op in ({"op": "mmap", "start": 2 * n, "pages": 1}, {"op": "write"})],
        machine=SMALL,
    ),
    "set": endless(
        [*BASE, *[{"op": "set", "key": "scan_sleep_millisecs", "value": n % 7} for n in range(4000)]],
        machine={**SMALL, "keeper": False},
    ),
    "intruders": endless(
        BASE,
        {
            "type": "khugepaged",
            "wakeups": 40_000,
            "intruders": [{"at": "before_scan", "nth": n, "op": {"op": "write"}} for n in range(1, 300)],
        },
        machine=SMALL,
    ),
    "full_machine": endless(BASE, machine={"memory": "full", "memory_pages": 1 << 25}),
    "fragmented_machine": endless(BASE, machine={"memory": "fragmented", "memory_pages": 1 << 25}),
    "swap": endless(BASE, machine={"swap_pages": 1 << 25}),
    "frames": endless(BASE, machine={"memory_pages": 1 << 25}),
    "ksm": endless(
        [*_giant("anon"), {"op": "advise", "advice": "mergeable"}, {"op": "write_same", "pages": [[0, 4000]]},
         *[{"op": "ksm_wait"}] * 50]
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", LONG)
def test_what_would_not_end_is_given_up_in_words(kind: str) -> None:
    answers = list(predict_lines(_lines(LONG[kind], GOOD), "6.18", "f", FEW))
    assert [answer["name"] for answer in answers] == ["endless", "good"]
    assert answers[0]["error"].startswith("f, line 1: not finished: more than ")
    option = "memory" if "16 MiB" in answers[0]["error"] else "steps"
    assert answers[0]["error"].endswith(f"allow more with --{option}, in Python with Limits({option}=...)")
    assert "error" not in answers[1]


def _lines(*data: object) -> Iterator[bytes]:
    return (json.dumps(each).encode() + b"\n" for each in data)


def test_it_says_how_far_it_came() -> None:
    error = predict_line(json.dumps(LONG["sleep_1"]), limits=FEW)["error"]
    passes = int(error.split(" passes of khugepaged")[0].split()[-1])
    assert "20000 steps of the model are needed while step 1 of 1 runs, sleep; " in error
    assert 1000 < passes < 20_000
    error = predict_line(json.dumps(LONG["locked"]), limits=Limits(steps=20_000))["error"]
    assert "while process a is set up: op 1 of 1, mmap; 0 ms" in error


@pytest.mark.parametrize("kind", ["sleep_1", "ops", "children"])
def test_the_limit_is_the_same_each_time(kind: str) -> None:
    text = json.dumps(LONG[kind])
    assert predict_line(text, limits=FEW) == predict_line(text, limits=FEW)


def test_more_can_be_allowed(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    file = tmp_path / "s.jsonl"
    file.write_text(json.dumps(GOOD))
    assert cli.main(["predict", str(file), "--steps", "50"]) == 1
    assert "more than 50 steps" in json.loads(capsys.readouterr().out)["error"]
    assert cli.main(["predict", str(file), "--steps", "100000"]) == 0
    for word in ("0", "-1", "1e9", "x", "9" * 40, "\u0663"):
        with pytest.raises(SystemExit):
            cli.main(["predict", str(file), "--memory", word])
        assert "allowed: 1 to 10**12" in capsys.readouterr().err


def test_a_limit_changes_no_answer_and_leaves_the_model_as_it_was() -> None:
    before = {name: module for name, module in sys.modules.items() if name.startswith("thplab.mm")}
    names = {name: dict(vars(module)) for name, module in before.items()}
    for name in ("note", "S08.race.munmap.after_alloc"):
        answer = predict(NAMED[name].raw)
        assert answer == run_scenario(scenario(name))
    with pytest.raises(NotFinished), limited(Limits(steps=10)):
        run_scenario(scenario("note"))
    assert {name: dict(vars(module)) for name, module in before.items()} == names
    assert lock.down_read.__module__ == lock.__name__
    assert not hasattr(lock.down_read, "__wrapped__")


@pytest.mark.parametrize("few", [8, pytest.param(len(NAMED), marks=pytest.mark.long)])
def test_each_named_scenario_has_ten_times_as_much(few: int) -> None:
    for name in sample(sorted(NAMED), few):
        with limited(Limits(Limits().steps // 10, Limits().memory // 10)):
            run_scenario(scenario(name))
