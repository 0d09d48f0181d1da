"""A number in a notebook's prose is one that the machine or a scenario has: none is just typed in."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.execute import notebooks
from thplab.experiments.comb import COMB_FRAMES, used_frames
from thplab.kernels import profile
from thplab.lessons.runs.looking import look_at
from thplab.lessons.runs.passes import passes
from thplab.lessons.runs.scanners import proactive_rows
from thplab.mm.include.geometry import X86_64
from thplab.scenario import NAMED, scenario

#: Smaller ones count things on the page ("three routes", "frame 3").
SMALL = 10
#: What is no measurement: how long a sitting takes, the notebooks' own numbers.
CONVENTIONS = {45, 50, 55, 60, 0, 5, 10}


def of_scenarios() -> set[int]:
    """What the scenarios of the notebooks have in numbers: pages, holes, limits, MiB mapped."""
    found: set[int] = set()
    for name in ("note", "S07.none_411"):
        raw = scenario(name).raw
        for op in raw["procs"][0]["ops"]:
            written = sum(end - first for first, end in op.get("pages", [])) if op["op"] == "write" else 0
            found |= {written, X86_64.HPAGE_PMD_NR - written}
            if op["op"] == "mmap":
                found.add(op["pages"] * X86_64.PAGE_SIZE >> 20)
        found |= {value for value in raw["settings"].values() if isinstance(value, int)}
    return found


def of_looks() -> set[int]:
    """What khugepaged counts in the windows of lesson 7, and at which entry it stops."""
    looks = [
        look_at(each) for name, each in NAMED.items() if name.startswith("S07.") and ".result." not in name
    ]
    counts = {n for seen in looks for n in (seen.referenced, seen.none_or_zero, seen.unmapped)}
    return counts | {seen.stopped for seen in looks if seen.stopped is not None}


#: What a window with its visit costs in the run: the units of one pass over windows that all collapse.
_FIRST = passes("S06.one16")[0]
COST = _FIRST.units // _FIRST.collapsed
#: Of the comb: frames in use in each block, and how far the two marks of kcompactd lie apart by default.
COMB = {len(used_frames()) * X86_64.HPAGE_PMD_NR // COMB_FRAMES}
COMB |= {row.high_mark - row.low_mark for row in proactive_rows(20)}
ALLOWED = {X86_64.HPAGE_PMD_NR, COST} | of_scenarios() | of_looks() | COMB | CONVENTIONS
#: Releases that are spoken of: profiles, stops in gdb, and history (where a rule came or went).
RELEASES = {"6.1", "6.12", "6.18", "7.3", "6.2", "6.4", "6.17", "7.2", "2.6.38"}


_NO_PROSE = r"`[^`]*`|\]\([^)]*\)|^#+ .*$|<small>.*?</small>|\*\*\d+:\d\d"


def prose(path: Path) -> list[tuple[str, str]]:
    """(cell, text) without code, links' targets, headings, clock times and quotations of the note."""
    cells = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            cells.append((cell.id, re.sub(_NO_PROSE, " ", cell.source, flags=re.MULTILINE)))
    return cells


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_numbers_in_prose_are_those_of_the_machine(path: Path) -> None:
    strange = []
    for cell, text in prose(path):
        releases = re.findall(r"\b\d+(?:\.\d+)+\b", text)
        strange += [f"{cell}: {each}" for each in releases if each not in RELEASES]
        rest = re.sub(r"\b\d+(?:\.\d+)+\b", " ", text)
        numbers = [int(each.replace(",", "")) for each in re.findall(r"(?<![\w.])\d[\d,]*(?!\w)", rest)]
        strange += [f"{cell}: {each}" for each in numbers if each >= SMALL and each not in ALLOWED]
    assert strange == []


def test_releases_with_a_profile_are_profiles() -> None:
    assert {profile(name).name for name in ("6.1", "6.18", "7.3")} <= RELEASES
