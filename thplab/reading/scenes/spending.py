"""What the units of a pass were spent on, and khugepaged's list: what stage/js/scenes/passes.js reads."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from thplab.reading.moment import ReadMoment
from thplab.recording.recording import Sentence

_NO_LIMIT = 1_000_000_000
_KINDS = {"visit": "visit", "vma_passed_over": "vma", "vma_passed_over_too": "vma"}
_BEGINS = "pass_begins"


@dataclass
class Spending:
    """Of the pass that began last. ``windows``: how many; ``units``: of each kind (visit, vma, window)."""

    number: int = 0
    budget: int = 0
    windows: int = 0
    units: dict[str, int] = field(default_factory=lambda: {"visit": 0, "vma": 0, "window": 0})

    @property
    def spent(self) -> int:
        """Units of the pass so far."""
        return sum(self.units.values())

    @property
    def limit(self) -> str:
        """The budget in words."""
        return "unlimited" if self.budget >= _NO_LIMIT else str(self.budget)


def spending(at: ReadMoment) -> Spending:
    """Up to the moment; its number is 0 if no pass has begun."""
    told = _of_pass(at)
    found = Spending()
    for each in told:
        kind, cost = each.kind, int(each.values.get("cost", 0))
        if kind == _BEGINS:
            found.number, found.budget = int(each.values["number"]), int(each.values["budget"])
        elif kind.startswith("visit_ends"):
            found.units["vma"] += max(0, int(each.values["spent"]) - found.spent)
        else:
            name = _KINDS.get(kind, "window")
            found.units[name] += cost
            found.windows += name == "window"
    return found


def _of_pass(at: ReadMoment) -> list[Sentence]:
    """What is told of the pass of the moment, from its begin on."""
    sections, templates = at.recording.sections, at.header["templates"]
    heads = (_BEGINS, "visit", "vma_passed_over", "window_paid")
    wanted = [template["kind"].startswith(heads) for template in templates]
    begins = [template["kind"] == _BEGINS for template in templates]
    found: list[Sentence] = []
    for place in range(bisect_right(sections["t_moment"], at.number) - 1, -1, -1):
        number = sections["t_template"][place]
        if wanted[number]:
            found.append(at.recording.told_as(place))
        if begins[number]:
            return found[::-1]
    return []


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
