"""The cost of each step in nanoseconds, with where the figure comes from; the reader may put in others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parents[1] / "data" / "costs.json"

#: What a step is called in a table.
STEPS = {
    "fault_zero_page": "fault: nothing to allocate",
    "fault_base_page": "fault: base page",
    "fault_huge_page": "fault: huge page",
    "swap_in_page": "swap-in of a page",
    "scan_no_table": "scan: no page table",
    "scan_huge": "scan: huge already",
    "scan_window": "scan: a window",
    "scan_pte_present": "scan: present entry",
    "scan_pte_none": "scan: empty or swap entry",
    "alloc_huge_page": "collapse: allocate huge page",
    "isolate_page": "collapse: isolate a page",
    "copy_page": "collapse: copy a page",
    "clear_page": "collapse: clear a hole",
    "migrate_page": "compaction: move a page",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """``ns`` per step, how it was obtained, and on which machine."""

    ns: float
    method: str
    source: str


@dataclass(frozen=True)
class Costs:
    """A figure for each of :data:`STEPS`; ``source`` says in one line where most of them come from."""

    figures: Mapping[str, Figure]
    source: str

    def __post_init__(self) -> None:
        """Raises ValueError if a step has no figure, or one that is no step has."""
        if wrong := set(self.figures) ^ set(STEPS):
            raise ValueError(
                f"figures for {', '.join(sorted(wrong))}; allowed and needed: {', '.join(STEPS)}"
            )
        if bad := [name for name, figure in self.figures.items() if not figure.ns >= 0]:
            raise ValueError(f"{bad[0]}={self.figures[bad[0]].ns}: a cost is 0 ns or more")

    def ns(self, step: str, count: int = 1) -> int:
        """Nanoseconds of ``count`` such steps, to the nearest whole one."""
        return round(self.figures[step].ns * count)

    def replaced(self, source: str = "the reader's own figure", **ns: float) -> Costs:
        """The same with other figures: ``costs.replaced(copy_page=400)``. Raises ValueError for no step."""
        new = {name: Figure(value, "given", source) for name, value in ns.items()}
        return Costs({**self.figures, **new}, f"{self.source}; {source} for {', '.join(ns)}")

    @classmethod
    def from_json(cls, path: str | Path) -> Costs:
        """Figures from a file of the form of ``thplab/data/costs.json``. Raises ValueError, OSError."""
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        try:
            figures = {name: Figure(**figure) for name, figure in data["steps"].items()}
            return cls(figures, str(data["source"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path}: not a table of costs ({error}); its form is that of {_FILE.name}"
            ) from error


@cache
def shipped_costs() -> Costs:
    """The figures that come with the package."""
    return Costs.from_json(_FILE)
