"""Lines in, lines out: whatever a line holds, it gets its answer and the others get theirs."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.captures import rows
from tests.conformance.compare import differences
from thplab import cli
from thplab.kernels import ScanResult
from thplab.mm.khugepaged import scan as khugepaged
from thplab.scenario.predict import predict_line, predict_lines
from thplab.scenario.spec import ADVICE

ROWS = [row for row in rows("named") if row.name.startswith("none-")][:6]


def line(row: Any, **others: Any) -> str:
    return json.dumps({"scenario": row.scenario, **others})


def test_answers_are_in_the_recordings_shape_and_agree_with_them() -> None:
    answers = list(predict_lines(line(row).encode() for row in ROWS))
    assert [answer["name"] for answer in answers] == [row.name for row in ROWS]
    for row, answer in zip(ROWS, answers, strict=True):
        assert differences(row, json.loads(json.dumps(answer))) == []


def test_photographs_taken_before_are_accepted() -> None:
    for row in ROWS:
        assert differences(row, predict_line(line(row, before=row.observed["before"]))) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("5", "an object with 'scenario'"),
        ('{"scenario": 5}', "an object with keys"),
        ('{"scenario": {"ops": [{"op": "fly"}], "action": {"type": "none"}}}', "'fly'"),
        (
            '{"scenario": {"ops": [{"op": "write", "pages": [[0, 1]]}], "action": {"type": "none"}}}',
            "SIGSEGV",
        ),
        ('{"scenario": {"ops": [], "action": {"type": "exit", "proc": "z"}}}', "no process 'z'"),
        ('{"scenario": {"ops": [], "action": {"type": "none"}}, "before": 5}', "before"),
        (
            '{"scenario": {"ops": [], "action": {"type": "none"}}, "before": {}}',
            "no photograph of process 'a'",
        ),
        ('{"scenario": {"ops": [], "action": {"type": "none"}}, "before": {"a": {"windows": ["p9"]}}}', "p9"),
    ],
)
def test_a_bad_line_gets_an_error_in_words(text: str, words: str) -> None:
    answer = predict_line(text)
    assert set(answer) == {"name", "error"}
    assert words in answer["error"]


def test_an_error_names_the_scenario() -> None:
    answer = predict_line('{"scenario": {"name": "mine", "ops": 5, "action": {"type": "none"}}}')
    assert answer["name"] == "mine"


def test_a_fault_of_the_model_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> ScanResult:
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr(khugepaged, "_verdict_of_a_whole_scan", broken)
    answer = predict_line(line(ROWS[0]))
    assert "ZeroDivisionError" in answer["error"]


def test_the_answer_comes_from_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take one rule out of the model, and the predictions are others."""
    row = next(row for row in rows("named") if row.name == "none-100-one-more")
    before = predict_line(line(row))

    def no_limits(*_: object) -> tuple[int, int, int]:
        return 511, 511, 511

    monkeypatch.setattr(type(run_knobs()), "max_ptes_none", property(lambda self: 511, lambda self, v: None))
    after = predict_line(line(row))
    status = [answer["steps"][0]["wakeups"][0]["events"][-1]["status"] for answer in (before, after)]
    assert status == ["exceed_none_pte", "succeeded"]
    assert (before["after"]["a"]["huge"], after["after"]["a"]["huge"]) == ([False], [True])


def run_knobs() -> Any:
    from thplab.machine import Machine

    return Machine().kernel.knobs


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(f"{line(ROWS[0])}\nrubbish\n{line(ROWS[1])}\n")
    assert cli.main(["predict", str(file)]) == 1
    answers = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert [answer["name"] for answer in answers] == [ROWS[0].name, None, ROWS[1].name]
    file.write_text(line(ROWS[0]))
    assert cli.main(["predict", str(file), "--kernel", "6.1"]) == 0


def test_command_reads_the_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line(ROWS[0]).encode())))
    assert cli.main(["predict", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == ROWS[0].name


def test_command_that_can_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", str(tmp_path / "missing")]) == 2
    assert cli.main(["predict", str(tmp_path)]) == 2
    assert cli.main(["predict", str(tmp_path), "--kernel", "6.2"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "did you mean" in lines[2].lower()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.decode(errors="replace")))
def test_any_text_gets_an_answer(text: str) -> None:
    assert set(predict_line(text)) == {"name", "error"}


_op = st.one_of(
    st.fixed_dictionaries(
        {"op": st.just("mmap"), "start": st.integers(0, 1100), "pages": st.integers(1, 1100)},
        optional={"prot": st.sampled_from(["rw", "r", "none"])},
    ),
    st.fixed_dictionaries(
        {"op": st.sampled_from(["write", "read", "munmap", "pin", "unpin", "lock_page", "unlock_page"])},
        optional={"pages": st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 90)), max_size=2)},
    ),
    st.fixed_dictionaries({"op": st.just("advise"), "advice": st.sampled_from(ADVICE)}),
    st.fixed_dictionaries({"op": st.just("mprotect"), "prot": st.sampled_from(["rw", "r", "none"])}),
    st.sampled_from(
        [
            {"op": name}
            for name in (
                "clear_refs",
                "lock_mm",
                "unlock_mm",
                "fork",
                "kid_exit",
                "mlock",
                "uffd_wp",
                "cgroup",
            )
        ]
    ).map(dict),
)
_step = st.sampled_from(
    [
        {"type": "khugepaged"},
        {"type": "madvise_collapse"},
        {"type": "exit"},
        {"type": "set", "settings": {"enabled": "never"}},
        {"type": "fault", "touches": [{"page": 3, "write": True}]},
        {"type": "sleep", "milliseconds": 5},
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_op, max_size=8), st.lists(_step, min_size=1, max_size=3), st.booleans())
def test_any_ops_get_an_answer_and_the_model_never_fails(ops: Any, steps: Any, always: bool) -> None:
    for op in ops:
        op["pages"] = (
            [[a, a + n] for a, n in op["pages"]] if isinstance(op.get("pages"), list) else op.get("pages")
        )
        if op["pages"] is None:
            del op["pages"]
    scenario = {"ops": ops, "steps": steps, "settings": {"enabled": "always"} if always else {}}
    answer = predict_line(json.dumps({"scenario": scenario}))
    assert "the model failed" not in answer.get("error", "")
    assert {"steps", "after"} <= set(answer) or set(answer) == {"name", "error"}
