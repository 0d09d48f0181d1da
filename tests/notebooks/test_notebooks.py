"""Each notebook runs from top to bottom, and is committed as source only."""

from __future__ import annotations

import re
import resource
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.notebooks.coverage import gaps, rows
from tests.notebooks.execute import errors_in, execute, notebooks, unguarded
from tools.notebooks import TEXTS, from_text, to_text

NOTEBOOKS = pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
CPU_SECONDS = 60


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.course
@NOTEBOOKS
def test_runs_without_an_error_in_time_and_shows_what_docs_coverage_says(path: Path) -> None:
    before = cpu_of_children()
    notebook = execute(path)
    assert errors_in(notebook) == []
    assert cpu_of_children() - before < CPU_SECONDS
    assert gaps(notebook, path.stem[:2]) == []
    assert unguarded(notebook) == [], "a key that is typed there reaches the notebook's shortcuts"


@NOTEBOOKS
def test_notebook_and_text_agree(path: Path) -> None:
    text, notebook = (TEXTS / f"{path.stem}.md").read_text("utf-8"), path.read_text("utf-8")
    assert from_text(text) == notebook, "edited the text? make notebooks"
    assert to_text(notebook) == text, "edited the notebook? python -m tools.notebooks --text"


def test_every_text_has_its_notebook() -> None:
    assert {path.stem for path in TEXTS.glob("*")} == {path.stem for path in notebooks()}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('+++ {"slideshow": {"slide_type": "skip"}}\n\nNameless.\n', "no id: 'Nameless.'"),
        ('+++ {"id": "a"}\n\nOne.\n\n+++ {"id": "a"}\n\nTwo.\n', "the id a"),
    ],
)
def test_a_cell_needs_an_id_of_its_own(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        from_text(text)


@NOTEBOOKS
def test_is_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.language_info) == {"name"}
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or (cell.outputs == [] and cell.execution_count is None), cell.id


@NOTEBOOKS
def test_cells_are_short_and_define_nothing_worth_importing(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 12, cell.id
            assert not [line for line in cell.source.splitlines() if line.startswith(("def ", "class "))], (
                cell.id
            )


SLIDES = {"slide", "subslide", "fragment", "notes", "skip"}
LESSONS = pytest.mark.parametrize(
    "path", [p for p in notebooks() if p.stem[:2].isdecimal()], ids=lambda p: p.stem
)


@LESSONS
def test_every_cell_says_whether_it_belongs_to_the_lecture(path: Path) -> None:
    kinds = [
        cell.metadata.get("slideshow", {}).get("slide_type")
        for cell in nbformat.read(path, as_version=4).cells
    ]
    assert set(kinds) <= SLIDES
    assert kinds[0] == "slide"
    if not path.stem.startswith("00"):
        assert kinds.count("slide") >= 4
        assert kinds.count("notes") >= 4


#: What a code cell ends with that shows a stage.
STAGE = re.compile(r"^(Stage|explore|jumps|RaceInjector)\(|^compare\(.*\.stage\(|^stage$", re.MULTILINE)


@NOTEBOOKS
def test_a_stage_has_a_slide_of_its_own(path: Path) -> None:
    """It takes the whole slide; with a text or a question beside it it would be too high."""
    slides: list[list[str]] = []
    stages = set()
    for cell in nbformat.read(path, as_version=4).cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "")
        if kind in ("slide", "subslide"):
            slides.append([])
        if kind not in ("skip", "notes"):
            slides[-1].append(cell.id)
            stages |= {cell.id} if cell.cell_type == "code" and STAGE.search(cell.source) else set()
    assert stages
    assert [ids for ids in slides if stages & set(ids) and len(ids) > 1] == []


@LESSONS
def test_a_lesson_has_the_parts_that_all_have(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    ids = {cell.id for cell in cells}
    if path.stem.startswith("00"):
        assert {"title", "progress"} <= ids
        return
    assert {
        "title",
        "imports",
        "recall",
        "clinic",
        "real-world",
        "exit",
        "progress",
        "why-people-argued",
    } <= ids
    assert sum(cell.id.startswith("predict-") and cell.cell_type == "code" for cell in cells) >= 3
    text = "\n".join(cell.source for cell in cells)
    assert all(
        words in text for words in ("You will be able to", "You need", "Read the source with me", "subgoals(")
    )


def test_every_objective_misconception_and_claim_of_these_notebooks_is_served() -> None:
    names = [row.name for row in rows()]
    assert set(names) >= {f"O{n}" for n in range(11, 25)} | {str(n) for n in range(1, 15)}
    assert {row.notebook for row in rows()} == {"05", "06", "07", "08", "09", "10"}
    assert len(names) == len(set(names))


def test_what_a_notebook_does_not_show_is_found() -> None:
    notebook = new_notebook(cells=[new_code_cell("1", id="a")])
    notebook.cells[0].outputs = [{"output_type": "stream", "name": "stdout", "text": "exceed_none_pte"}]
    page = "\n".join(f"| M | w | 09 | `{cell}` | `{scenario}` | {shows} |" for cell, scenario, shows in [
        ("a", "S07.none_411", "exceed_none_pte"), ("b", "note", "x"), ("a", "S07.old", "page_locked"),
        ("a", "S07.swap64", "exceed_none_pte"), ("a", "S07.none", "exceed_none_pte"),
    ])  # fmt: skip
    assert gaps(notebook, "09", page) == [
        "M: no cell 'b'",
        "M: a does not show 'page_locked'",
        "M: S07.old ends with lack_referenced_page",
        "M: S07.swap64 ends with succeeded",
        "M: no scenario 'S07.none'",
    ]


#: One mistake in each place where an error can hide; each raises an error of its own kind.
BROKEN = {
    "ZeroDivisionError": "1 / 0",
    "IndexError": "import ipywidgets as w\no = w.Output()\nwith o:\n    [][0]\no",
    "KeyError": "import ipywidgets as w\n@w.interact(x=(0, 3))\ndef f(x):\n    return {}[x]",
    "ValueError": (
        "import ipywidgets as w\ns = w.IntSlider()\ns.observe(lambda c: int('x'), 'value')\ns.value = 5"
    ),
    "AttributeError": "import ipywidgets as w\nb = w.Button()\nb.on_click(lambda _: b.nothing)\nb.click()",
}


def test_an_error_is_seen_wherever_it_hides(tmp_path: Path) -> None:
    """In a cell, in an Output widget, under interact, in an observer, behind a button."""
    path = tmp_path / "broken.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in BROKEN.values()]), path)
    found = errors_in(execute(path))
    assert len(found) == len(BROKEN)
    assert {kind for kind in BROKEN if any(kind in each for each in found)} == set(BROKEN)
