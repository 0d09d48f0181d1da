"""thplab present and --slides: a deck in one file; what can't be used is one line."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from tests.stage.conftest import SMALL, small  # noqa: F401 # a fixture
from thplab.cli import main
from thplab.export import notebook_deck, reveal, slides
from thplab.export.deck import Shelf
from thplab.export.notebook_slides import notebook_slides
from thplab.export.pictures import Pictures
from thplab.recording import Recording, record_scenario
from thplab.scenario import Scenario

MARKUP = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
STAGE = f"""
from thplab.recording import record_scenario
from thplab.scenario import Scenario
from thplab.stage import Stage
import ipywidgets
stop = [{{"step": 3, "title": "third", "ask": "What?"}}]
ipywidgets.VBox([Stage(record_scenario(Scenario.from_data({SMALL!r})), step=2, stops=stop)])
"""
#: A sweep's progress bar, and a question that nobody will answer.
QUESTION = """
from thplab.lessons import ask, speed_table
from thplab.sweeps import SerialExecutor, run, sweep
run._PATIENCE = 1e-9
rows = sweep(str.split, ("a bar", "of two"), executor=SerialExecutor())
ask("00.entries", shows=speed_table)
"""
CELLS = [
    ("markdown", "slide", "# The *title*\n\n[away](https://example.org)"),
    ("markdown", "notes", "Say **hello**."),
    ("code", "slide", STAGE),
    ("markdown", "fragment", "Appears later."),
    ("code", "skip", "kept = 'from a cell that is skipped'"),
    ("code", "subslide", "print(kept)\nipywidgets.IntSlider(3, description='needs Python')"),
    ("markdown", None, "goes on"),
    ("code", "subslide", QUESTION),
    ("markdown", "notes", "Ask them."),
]


def write(path: Path, cells: list[tuple[str, str | None, str]]) -> Path:
    made = []
    for number, (kind, mark, text) in enumerate(cells):
        marks = {"slideshow": {"slide_type": mark}} if mark else {}
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": f"c{number}",
            "metadata": marks,
            "source": text.strip(),
        }
        if kind == "code":
            cell |= {"outputs": [], "execution_count": None}
        made.append(cell)
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}), "utf-8")
    return path


@pytest.fixture(scope="module")
def presented(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A notebook and its deck."""
    folder = tmp_path_factory.mktemp("presented")
    notebook, file = write(folder / "own.ipynb", CELLS), folder / "deck.html"
    assert main(["present", str(notebook), "--yes", "--no-open", "-o", str(file)]) == 0
    return notebook, file


def sections(text: str) -> list[str]:
    return re.findall(r"<section>((?:(?!</?section>).)*)</section>", text, re.DOTALL)


def test_cells_become_the_slides_that_they_say(presented: tuple[Path, Path]) -> None:
    away = "https://example.org"
    title, stage, below, _, _ = sections(presented[1].read_text("utf-8"))
    assert f'<a href="{away}" target="_blank" title="{away}" rel="noopener noreferrer">away</a>' in title
    assert re.search(r'<aside class="notes"><p>Say <strong>hello</strong>.</p>\s*</aside>', title)
    assert '<div class="fragment"><p>Appears later.</p>' in stage
    assert "from a cell that is skipped</pre>" in below
    assert 'class="needs-python">IntSlider(value=3' in below
    assert below.endswith("<p>goes on</p>\n")


def test_a_question_is_answered_at_the_next_key_and_a_bar_is_gone(presented: tuple[Path, Path]) -> None:
    asked, answer = sections(presented[1].read_text("utf-8"))[-2:]
    assert "<b>Question.</b> A window has 2048 KiB" in asked
    assert "<p>The run says: 512 entries<br>" in answer
    assert "pages_to_scan" in answer
    assert all('<aside class="notes"><p>Ask them.</p>' in slide for slide in (asked, answer))
    assert "_.check" not in asked
    assert "Progress" not in asked
    assert "sweep:" not in asked


def test_stages_are_alive_and_their_recording_is_in_the_file(
    presented: tuple[Path, Path],
    small: Recording,  # noqa: F811
) -> None:
    text = presented[1].read_text("utf-8")
    name, options = re.findall(r'class="live"[^>]*data-recording="([^"]*)" data-options="([^"]*)"', text)[0]
    held = re.search(rf'id="{name}">([^<]*)<', text)
    assert held
    assert b64decode(held[1]) == small.to_bytes()
    told = json.loads(options.replace("&quot;", '"'))
    assert told["step"] == 2
    assert told["stops"] == [{"step": 3, "title": "third", "ask": "What?"}]


def test_a_deck_asks_nobody(presented: tuple[Path, Path]) -> None:
    text = presented[1].read_text("utf-8")
    body = re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"""\bsrc=["']?(?!data:)""", body)
    assert re.findall(r"""<(\w+)[^>]* href=""", body) == ["a"]


def test_what_is_up_to_date_is_not_run_again(
    presented: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook, file = presented
    monkeypatch.setattr(notebook_deck, "run_notebook", lambda *_: pytest.fail("it was run"))
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: not opened.append(address))
    assert main(["present", str(notebook), "-o", str(file)]) == 0
    assert opened == [file.resolve().as_uri()]
    assert capsys.readouterr().out == f"{file}\n"
    other = write(file.with_name("other.ipynb"), [*CELLS, ("markdown", "slide", "more")])
    assert notebook_deck.is_current(file, notebook)
    assert not notebook_deck.is_current(file, other)


def test_a_cell_that_fails_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = write(
        tmp_path / "bad.ipynb", [("code", "slide", "good = 1"), ("code", "skip", "x = good / 0\nx")]
    )
    assert main(["present", str(notebook), "--yes", "--no-open", "-o", str(tmp_path / "x.html")]) == 2
    said = capsys.readouterr().err
    assert "bad.ipynb: ZeroDivisionError: division by zero in the cell that begins 'x = good / 0'" in said
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["77"], ["no notebook '77'", "05-who-called"]),
        (["05-who-caled"], ["did you mean 05-who-called-prep-transhuge-page?"]),
        (["05", "-o", "no/such/x.html"], ["no/such/x.html", "no such folder"]),
    ],
)
def test_what_can_not_be_used_is_one_line(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["present", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def test_what_is_no_notebook_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("not json", "{}"):
        (tmp_path / "x.ipynb").write_text(text)
        assert main(["present", str(tmp_path / "x.ipynb"), "--no-open"]) == 2
        assert "x.ipynb: not a notebook" in capsys.readouterr().err


def test_without_marks_headings_begin_slides() -> None:
    import nbformat

    output = nbformat.v4.new_output("stream", text="out")
    cells = [
        nbformat.v4.new_markdown_cell("# One"), nbformat.v4.new_code_cell("a", outputs=[output]),
        nbformat.v4.new_code_cell("b", outputs=[output]), nbformat.v4.new_markdown_cell("## Two\n\n# no"),
        nbformat.v4.new_markdown_cell("### Below"), nbformat.v4.new_code_cell("c"),
    ]  # fmt: skip
    columns = notebook_slides(nbformat.v4.new_notebook(cells=cells), Pictures(), Shelf())
    assert [len(column) for column in columns] == [2, 2]


def test_without_reveal_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(reveal, "find_spec", lambda _: None)
    monkeypatch.chdir(tmp_path)
    for arguments in (["export", "S07.none_411", "--slides"], ["present", "05", "--no-open"]):
        assert main(arguments) == 2
        assert "pip install 'thplab[slides]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_scenario_has_a_slide_for_each_trace_line_and_stays_text() -> None:
    recording = record_scenario(Scenario.from_data({**SMALL, "name": MARKUP, "story": MARKUP}))
    text = slides(recording)
    assert MARKUP not in text
    assert "<img" not in re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)
    found = sections(text)
    assert len(found) == 3 + len(recording.header["trace"])
    for line, slide in zip(recording.header["trace"], found[2:], strict=False):
        assert f"<h3>{line['event']}</h3><pre>{line['text'].strip()}</pre>" in slide
