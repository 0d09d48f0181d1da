"""Progress: kept in one file, told as a table, and never in the way."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from thplab.lessons import exit_ticket, progress, recall, subgoals
from thplab.lessons.catalogue import ask, predict
from thplab.lessons.progress_file import ENVIRONMENT, forget, progress_file


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "somewhere" / "progress.json"
    monkeypatch.setenv(ENVIRONMENT, str(path))
    return path


def row(notebook: str) -> dict[str, str]:
    table = progress()
    return next(dict(zip(table.heads, cells, strict=True)) for cells in table.rows if cells[0] == notebook)


def test_answers_are_counted_by_notebook(kept: Path) -> None:
    box = ask("05.isolate")
    box.check("512")
    box.check("0")
    box.check("0")
    ask("05.isolate", seed=1).check(0)
    ask("07.limit", seed=1).check(512 - 351)
    assert row("05") == {
        "notebook": "05", "predicted": "0", "answered": "2", "right": "2", "at once": "1", "looked up": "0",
        "think again about": "",
    }  # fmt: skip
    assert row("07")["think again about"] == "M6"
    assert str(kept) in progress().caption


def test_a_prediction_is_neither_right_nor_wrong(kept: Path) -> None:
    predict("05.isolate").check("512")
    assert row("05")["predicted"] == "1"
    assert row("05")["answered"] == row("05")["right"] == "0"


def test_what_was_looked_up_is_not_right(kept: Path) -> None:
    box = ask("05.isolate")
    box.check("7")
    box.reveal()
    box.check("0")
    assert row("05")["looked up"] == "1"
    assert row("05")["right"] == "0"


def test_the_file_has_no_more_than_the_answers(kept: Path) -> None:
    ask("05.isolate").check("512")
    data = json.loads(kept.read_text())
    assert data == {
        "version": 1,
        "answers": {
            "05.isolate 0": {"tries": 1, "right": False, "looked": False, "predicted": "", "tags": {}}
        },
    }
    assert [path.name for path in kept.parent.iterdir() if not path.name.endswith(".lock")] == [kept.name]


def test_it_can_be_switched_off_and_forgotten(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("05.isolate").check("0")
    forget()
    forget()
    assert progress().rows == ()
    monkeypatch.setenv(ENVIRONMENT, "off")
    assert progress_file() is None
    ask("05.isolate").check("0")
    assert "Nothing is kept" in progress().caption


def test_it_lies_where_a_system_keeps_such_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = progress_file()
    assert path is not None
    assert path.parts[-2:] == ("thplab", "progress.json")
    assert sys.platform != "linux" or path.is_relative_to(tmp_path / "data")


# Sets of questions, and the strip of steps.


def test_recall_asks_about_earlier_notebooks_only() -> None:
    names = [box.question.name for box in recall(7).boxes]
    assert [name[:2] for name in names[:2]] == ["06", "06"]
    assert names[2][:2] in ("05", "00")
    assert len(set(names)) == 3
    assert {box.question.name[:2] for box in recall(5, seed=2).boxes} == {"00"}
    with pytest.raises(ValueError, match="no notebook before 0"):
        recall(0)


def test_an_exit_ticket_is_about_its_notebook_and_drawn_by_seed() -> None:
    def prompts(seed: int) -> list[str]:
        return [box.question.prompt for box in exit_ticket(7, seed).boxes]

    assert all(box.question.name.startswith("07.") for box in exit_ticket(7).boxes)
    assert prompts(1) == prompts(1) != prompts(2)
    assert "_[2].check(" in exit_ticket(7).text()
    with pytest.raises(ValueError, match="notebook 99 has 0 questions"):
        exit_ticket(99)


def test_the_steps_strip_marks_where_one_is() -> None:
    strip = repr(subgoals("look", "copy"))
    assert strip.startswith("find work  ·  [look]  ·  decide  ·  1 get memory  ·  2 re-check  ·  3 fence")
    assert strip.endswith("4 isolate  ·  [5 copy]  ·  6 free  ·  7 publish")
    assert repr(subgoals("5 copy", "look")) == strip
    assert subgoals("collapse")._repr_html_().count('aria-current="step"') == 7
    with pytest.raises(ValueError, match=r"no step 'move'; there are find work, look, .* collapse for all"):
        subgoals("move")
