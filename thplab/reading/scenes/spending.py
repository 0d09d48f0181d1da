"""What the units of a pass were spent on, and khugepaged's list: what stage/js/scenes/passes.js reads."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from thplab.reading.moment import ReadMoment
from thplab.recording.recording import Sentence
from thplab.recording.story.windows import brief

_NO_LIMIT = 1_000_000_000
_KINDS = {"visit": "visit", "vma_passed_over": "vma", "vma_passed_over_too": "vma"}
_BEGINS, _ENDS = "pass_begins", "pass_ends"


@dataclass
class Spending:
    """Of the pass that began last, of one process or of all of them.

    ``over``: why it is over, in a few words; ``units``: of each kind (visit, vma, window); ``windows``: how
    many; ``huge``: so many were collapsed; ``refused``: so many were not, by the reason.
    """

    number: int = 0
    budget: int = 0
    windows: int = 0
    huge: int = 0
    over: str = ""
    units: dict[str, int] = field(default_factory=lambda: {"visit": 0, "vma": 0, "window": 0})
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def spent(self) -> int:
        """Units of the pass so far."""
        return sum(self.units.values())

    @property
    def limit(self) -> str:
        """The budget in words."""
        return "unlimited" if self.budget >= _NO_LIMIT else str(self.budget)


def spending(at: ReadMoment, mm: str = "") -> Spending:
    """Up to the moment, for the process of that name or for all; its number is 0 if no pass has begun."""
    found, spent = Spending(), 0
    for each in _of_pass(at):
        kind, values = each.kind, each.values
        if kind == _BEGINS:
            found.number, found.budget = int(values["number"]), int(values["budget"])
            continue
        if kind == _ENDS:
            found.over = str(values["over"])
            continue
        ends = kind.startswith("visit_ends")
        # What no sentence told of: a mapping that lies behind the cursor.
        cost = max(0, int(values["spent"]) - spent) if ends else int(values["cost"])
        spent += cost
        if mm in ("", values["mm"]):
            name = "vma" if ends else _KINDS.get(kind, "window")
            found.units[name] += cost
            found.windows += name == "window"
            found.huge += kind == "window_paid_huge"
            if kind == "window_paid":
                found.refused[brief(str(values["result"]))] += 1
    return found


def _of_pass(at: ReadMoment) -> list[Sentence]:
    """What is told of the pass of the moment, from its begin on."""
    found: list[Sentence] = []
    for each in _backwards(at, (_BEGINS, _ENDS, "visit", "vma_passed_over", "window_paid")):
        found.append(each)
        if each.kind == _BEGINS:
            return found[::-1]
    return []


def visited(at: ReadMoment) -> str:
    """The name of the process that was visited last, or passed by; empty before the first."""
    of_visits = _backwards(at, ("visit", "passed_by", "vma_passed_over", "window_paid"))
    return next((str(each.values["mm"]) for each in of_visits), "")


def _backwards(at: ReadMoment, heads: tuple[str, ...]) -> Iterator[Sentence]:
    """What was told up to the moment and has a kind that begins so, the last first."""
    sections = at.recording.sections
    wanted = [template["kind"].startswith(heads) for template in at.header["templates"]]
    for place in range(bisect_right(sections["t_moment"], at.number) - 1, -1, -1):
        if wanted[sections["t_template"][place]]:
            yield at.recording.told_as(place)


@dataclass(frozen=True)
class Listed:
    """khugepaged's list, its cursor (empty: on none) and its counters."""

    names: tuple[str, ...]
    cursor: str
    laps: int
    collapsed: int


def listed(at: ReadMoment) -> Listed:
    """At the moment."""
    state = at.state
    slots, cursor = state.path("khugepaged.mm_head"), state.path("khugepaged.scan_mm_slot")
    names = tuple(str(state.get(state.get(slot, "mm"), "name")) for slot in slots)
    here = "" if cursor is None else str(state.get(state.get(cursor, "mm"), "name"))
    return Listed(names, here, state.path("khugepaged.full_scans"), state.path("khugepaged.pages_collapsed"))
