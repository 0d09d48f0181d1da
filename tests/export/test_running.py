"""thplab present runs code: only what is ours, or what is wanted; and it says what is no notebook."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.export.test_present import write
from tests.notebooks.execute import FOLDER, notebooks
from thplab.cli import main
from thplab.export import notebook_deck, ours
from thplab.export.notebook_read import read_notebook
from tools.notebooks import digests

RUNS = [("code", "slide", "open('it ran', 'w').close()")]


class Terminal(io.StringIO):
    """Somebody who types this."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "own.ipynb", RUNS)


def test_without_a_terminal_a_foreign_notebook_is_refused(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["present", "own.ipynb", "--no-open"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    for words in ("own.ipynb: not a notebook of this course", "with your rights", "--yes"):
        assert words in err
    assert os.listdir() == ["own.ipynb"]


@pytest.mark.parametrize("closed", [None, io.StringIO("y\n")])
def test_nor_does_a_pipe_or_a_closed_input_answer(
    own: Path, monkeypatch: pytest.MonkeyPatch, closed: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stdin", closed)
    assert main(["present", "own.ipynb", "--no-open"]) == 2
    assert os.listdir() == ["own.ipynb"]


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "no\n", "yess\n", "run\n", " \n"])
def test_no_other_answer_than_yes_runs_it(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert main(["present", "own.ipynb", "--no-open"]) == 1
    err = capsys.readouterr().err
    assert "with your rights" in err
    assert "Run it? [y/N] " in err
    assert "nothing was run" in err
    assert os.listdir() == ["own.ipynb"]


def test_yes_runs_it_and_what_is_up_to_date_asks_nothing(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(" Y \n"))
    assert main(["present", "own.ipynb", "--no-open"]) == 0
    assert {"own.html", "it ran"} <= set(os.listdir())
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["present", "own.ipynb", "--no-open"]) == 0
    assert capsys.readouterr().err == ""


def test_help_says_that_code_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["present", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "running the notebook's code, with your rights" in said
    assert "--yes" in said


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_the_courses_own_are_known_and_a_change_of_their_code_is_noticed(path: Path, tmp_path: Path) -> None:
    notebook = read_notebook(path)
    assert ours.is_ours(path, notebook)
    assert not ours.is_ours(tmp_path / path.name, notebook)
    assert not ours.is_ours(path.with_name("other.ipynb"), notebook)
    prose = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    prose.source += " more"
    assert ours.is_ours(path, notebook)
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    before, code.source = code.source, f"{code.source} "
    assert not ours.is_ours(path, notebook)
    code.source = before
    notebook.metadata.kernelspec.name = "other"
    assert not ours.is_ours(path, notebook)


def test_what_the_package_knows_them_by_is_up_to_date() -> None:
    assert ours.DIGESTS.read_text("utf-8") == digests(), "make notebooks"


def test_a_link_into_the_course_is_followed_to_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").symlink_to(FOLDER / "00-start-here.ipynb")
    assert ours.is_ours(tmp_path / "x.ipynb", read_notebook(tmp_path / "x.ipynb"))


@pytest.mark.parametrize(("output", "words"), [(".", "a folder"), ("no/such.html", "no such folder")])
def test_an_output_that_can_not_be_is_said_before_anything_runs(
    own: Path, capsys: pytest.CaptureFixture[str], output: str, words: str
) -> None:
    assert main(["present", "own.ipynb", "--yes", "-o", output]) == 2
    assert words in capsys.readouterr().err
    assert os.listdir() == ["own.ipynb"]


def notebook(**parts: Any) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [], **parts}


def code(**parts: Any) -> dict[str, Any]:
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": "1",
        "outputs": [],
        "execution_count": None,
    }
    return notebook(cells=[{**cell, **parts}])


NEEDED = ("nbformat", "cells", "metadata")
WRONG_TYPES: list[Any] = [None, 5, 1.5, True, "x", [1], {"x": 1}, [], {}]
BROKEN = [
    b"", b" \n", b"not json", b"[]", b'"x"', b"5", b"null", b"true", b"{}", b"{", b'{"cells": null}',
    b"\xff\xfe{}", b"[" * 100_000, b'{"a":' * 100_000, b'{"nbformat": ' + b"9" * 5000 + b"}", b"NaN",
    b"\x80", b"\x00",
    *(json.dumps(each).encode() for each in [
        *(notebook(nbformat=value) for value in [*WRONG_TYPES, 0, 5, -1, 10**20]),
        *(notebook(cells=value) for value in WRONG_TYPES if value != []),
        *(notebook(metadata=value) for value in WRONG_TYPES if not isinstance(value, dict)),
        *(notebook(cells=[value]) for value in WRONG_TYPES),
        *(code(source=value) for value in (None, 5, True, {"x": 1}, [1])),
        *(code(outputs=value) for value in (None, 5, "x", [1], {"x": 1})),
        *(code(metadata=value) for value in (None, 5, "x", [1])),
        *(code(metadata={"tags": value}) for value in (5, "x", {"x": 1}, [1])),
        *(code(metadata={"slideshow": value}) for value in (None, 5, "x", [1], True)),
        *(code(metadata={"slideshow": {"slide_type": value}}) for value in (None, 5, [1], {"x": 1}, True)),
        *(code(cell_type=value) for value in (None, 5, "unknown", [1])),
        *(notebook(metadata={"kernelspec": value}) for value in (5, "x", [1])),
        *({key: value for key, value in notebook().items() if key != gone} for gone in NEEDED),
        code(source="x = '\ud800'"),
        {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": 5},
    ]),
]  # fmt: skip


def test_whatever_is_no_notebook_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.ipynb"
    for content in BROKEN:
        path.write_bytes(content)
        assert main(["present", str(path), "--yes", "--no-open"]) == 2, content[:200]
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"thplab: {path}: not a notebook: "), (content[:200], err)
        assert "JupyterLab" in err
        assert err.count("\n") == 1
        assert len(err) < 700


def test_a_folder_and_a_file_that_can_not_be_read_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.ipynb").mkdir()
    assert main(["present", str(tmp_path / "x.ipynb"), "--yes"]) == 2
    assert "a folder" in capsys.readouterr().err
    path = write(tmp_path / "y.ipynb", RUNS)
    denied = PermissionError(13, "Permission denied", str(path))
    monkeypatch.setattr(Path, "read_bytes", lambda _: (_ for _ in ()).throw(denied))
    assert main(["present", str(path), "--yes"]) == 2
    assert capsys.readouterr().err == f"thplab: {path}: Permission denied\n"


def test_an_unknown_kernel_is_named_with_those_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "no-such\x1b[2J", "display_name": "x"}})
    nbformat.write(made, tmp_path / "x.ipynb")
    assert main(["present", str(tmp_path / "x.ipynb"), "--yes"]) == 2
    err = capsys.readouterr().err
    assert "no-such" in err
    assert "python3" in err
    assert "\x1b" not in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("minor", [0, 4, 5, 9])
def test_older_and_younger_notebooks_are_read(tmp_path: Path, minor: int) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps({**code(source=["1\n", "2"]), "nbformat_minor": minor}), "utf-8")
    assert [cell.source for cell in read_notebook(path).cells] == ["1\n2"]


VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.mark.parametrize(
    "data",
    [
        *({VIEW: value, "text/plain": "the text"} for value in WRONG_TYPES),
        *({VIEW: {"model_id": name}, "text/plain": "the text"} for name in ("gone", "circle", "odd")),
        *({"image/png": value, "text/plain": "the text"} for value in [*WRONG_TYPES, "<svg>", "AAAA"]),
        *({"image/svg+xml": value, "text/plain": "the text"} for value in [*WRONG_TYPES, "<svg>"]),
        *({"text/html": f"<p>the text {value}"} for value in WRONG_TYPES),
    ],
)  # fmt: skip
def test_an_output_of_any_form_becomes_its_text(data: dict[str, Any]) -> None:
    from thplab.export.deck import Shelf
    from thplab.export.outputs import output_html
    from thplab.export.pictures import Pictures

    widgets: dict[str, Any] = {
        "circle": {"state": {"children": ["IPY_MODEL_circle"]}},
        "odd": {
            "state": {"children": 5, "recording": "x"},
            "buffers": [5, {"path": ["recording"], "data": 5}],
        },
    }
    output = {"output_type": "display_data", "data": data}
    assert "the text" in "".join(output_html(output, widgets, Shelf(), Pictures()))


def test_a_notebook_is_read_before_it_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.ipynb").write_text("[]")
    monkeypatch.setattr(notebook_deck, "run_notebook", lambda *_: pytest.fail("it was run"))
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert main(["present", str(tmp_path / "x.ipynb")]) == 2
    assert "Run it?" not in capsys.readouterr().err
