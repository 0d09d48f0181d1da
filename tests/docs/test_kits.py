"""What docs/lecturers.md and docs/learners.md name is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.notebooks.coverage import rows
from thplab.lessons.before_after import PRETEST, pretest
from thplab.lessons.catalogue import make, questions
from thplab.scenario import NAMED

ROOT = Path(__file__).parents[2]
LECTURERS = (ROOT / "docs/lecturers.md").read_text("utf-8")


def cells(number: str) -> set[str]:
    (path,) = ROOT.glob(f"notebooks/{number}-*.ipynb")
    return {cell["id"] for cell in json.loads(path.read_text("utf-8"))["cells"]}


def test_questions_and_scenarios_of_the_lecturers_page_exist() -> None:
    names = set(re.findall(r"[`\"](\d\d\.\w+)[`\"]", LECTURERS))
    assert names
    assert names <= set(questions())
    assert set(re.findall(r"`(S\d\d\.[\w.]+)`", LECTURERS)) <= set(NAMED)


def test_its_misconceptions_point_at_cells_and_are_those_of_the_coverage_page() -> None:
    lines = re.findall(r"^\| (M\d+) \|.*\| (\d\d), `([\w-]+)` \|$", LECTURERS, re.MULTILINE)
    for name, number, cell in lines:
        assert cell in cells(number), name
    assert {name for name, *_ in lines} == {row.name for row in rows() if row.name.startswith("M")}


def test_the_exam_of_the_page_can_be_printed() -> None:
    code = re.search(r"```python\n(.*?)```", LECTURERS, re.DOTALL)
    assert code
    printed: list[str] = []
    exec(code[1], {"print": lambda *words, **_: printed.append(" ".join(map(str, words)))})
    assert len(printed) == 14
    assert printed[0].startswith("1. ")
    assert printed[7].startswith("05.gfp The run says")


def test_every_notebook_is_in_the_pretest() -> None:
    assert {name[:2] for name in PRETEST} == {"05", "06", "07", "08", "09", "10"}
    assert [box.question.prompt for box in pretest(3).boxes] == [make(name, 3).prompt for name in PRETEST]
