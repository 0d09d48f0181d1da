"""docs/coverage.md against what the notebooks showed when they were run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from thplab.experiments.lanes import LANES
from thplab.experiments.why import CASES
from thplab.kernels import ScanResult
from thplab.lessons.catalogue import make, questions
from thplab.recording import record_scenario
from thplab.scenario import NAMED

__all__ = ["Row", "gaps", "rows"]

PAGE = Path(__file__).parents[2] / "docs/coverage.md"


@dataclass(frozen=True)
class Row:
    """A line of one of the tables."""

    name: str
    what: str
    notebook: str
    cell: str
    scenario: str
    shows: str


def rows(text: str | None = None) -> Iterator[Row]:
    """The lines of the tables whose third column is a notebook's number."""
    for line in (PAGE.read_text("utf-8") if text is None else text).splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if len(cells) == 6 and re.fullmatch(r"\d\d", cells[2]):
            yield Row(*cells)


def gaps(notebook: Any, number: str, text: str | None = None) -> list[str]:
    """What the page says of an executed notebook and the notebook does not show."""
    texts = {cell.id: shown_by(cell) for cell in notebook.cells if cell.cell_type == "code"}
    return [found for row in rows(text) if row.notebook == number for found in _gap(row, texts)]


def _gap(row: Row, texts: dict[str, str]) -> Iterator[str]:
    if row.cell not in texts:
        yield f"{row.name}: no cell {row.cell!r}"
    elif row.shows not in texts[row.cell]:
        yield f"{row.name}: {row.cell} does not show {row.shows!r}"
    if not _exists(row.scenario):
        yield f"{row.name}: no scenario {row.scenario!r}"
    elif row.scenario in NAMED and row.shows in _WORDS and row.shows not in verdicts(row.scenario):
        yield f"{row.name}: {row.scenario} ends with {', '.join(verdicts(row.scenario))}"


def shown_by(cell: Any) -> str:
    """The text of a cell's outputs, and the answers of the questions in it."""
    shown = ""
    for output in cell.outputs:
        shown += output.get("text", "") + output.get("data", {}).get("text/plain", "") + "\n"
    for name, seed in re.findall(r"^(?:Question|Predict) \(([\w.]+), seed (\d+)\)", shown, re.MULTILINE):
        shown += make(name, int(seed)).answer() + "\n"
    return shown


@cache
def verdicts(scenario: str) -> tuple[str, ...]:
    """The results in the trace lines of a scenario's run."""
    lines = record_scenario(scenario, depth="events").header["trace"]
    return tuple(dict.fromkeys(line["fields"]["status"] for line in lines if "status" in line["fields"]))


_WORDS = frozenset(result.value for result in ScanResult)


def _exists(scenario: str) -> bool:
    kind, _, which = scenario.partition(" ")
    return (
        scenario in NAMED
        or scenario in questions()
        or scenario == "S03.comb34"
        or (kind == "lane" and which in LANES)
        or (kind == "case" and which in {str(case.number) for case in CASES})
    )
