"""The tables of notebook 07: pairs at a border, the same window under other kernels."""

from __future__ import annotations

from thplab.kernels import PROFILES
from thplab.lessons.runs.looking import look_at
from thplab.scenario import scenario
from thplab.table import Table

#: Scenarios of lesson 7, two by two: just allowed, and one more.
_PAIRS = (
    ("S07.none_412", "S07.none_411"),
    ("S07.swap64", "S07.swap65"),
    ("S07.shared256", "S07.shared257"),
    ("S07.one_young", "S07.old"),
    ("S07.swap_young256", "S07.swap_young255"),
)

#: Windows that the kernels judge differently: name in words -> scenario
VERSION_CASES = {
    "all of it read-only": "S07.ro",
    "one page of it given back by MADV_FREE": "S07.lazy",
    "nothing of it ever touched": "S07.result.pmd_none",
}


def pairs_table() -> Table:
    """Each pair of windows that differ by one: what the scan counted, and what it said."""
    rows = []
    for pair in _PAIRS:
        for name in pair:
            chosen, seen = scenario(name), look_at(scenario(name))
            stopped = "read all" if seen.stopped is None else seen.stopped
            counts = (seen.referenced, seen.none_or_zero, seen.unmapped)
            rows.append((name, chosen.story, seen.status, stopped, *counts))
    heads = ("scenario", "window", "verdict", "stopped at", "referenced", "none_or_zero", "unmapped")
    return Table.of(heads, rows, "Two lines belong together: a limit passes, one more does not.")


def versions_table() -> Table:
    """Windows that the kernels judge differently."""
    rows = [
        (words, *(look_at(scenario(name), kernel).status for kernel in PROFILES))
        for words, name in VERSION_CASES.items()
    ]
    return Table.of(("a window", *PROFILES), rows)
