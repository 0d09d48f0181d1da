"""The named scenarios that lessons, tests and the command line share, each with a story of one line.

Most are lines of data/scenarios.jsonl, in the format of everyone's files; the modules here are for those
that follow from a loop or a table.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files

from thplab.scenario.data import Scenario
from thplab.scenario.named import nb06, nb08_races

__all__ = ["NAMED", "scenario"]

_LINES = (files("thplab") / "data/scenarios.jsonl").read_text("utf-8").splitlines()

#: name -> scenario
NAMED: dict[str, Scenario] = {
    each.name: each
    for group in (map(Scenario.from_json, _LINES), nb06.SCENARIOS, nb08_races.SCENARIOS)
    for each in group
}

_SHOWN = 12  # names in an error


def scenario(name: str) -> Scenario:
    """The scenario called ``name``. Raises ValueError, with near matches, if there is none."""
    if name in NAMED:
        return NAMED[name]
    near = get_close_matches(name, NAMED, n=3, cutoff=0.4)
    more = f"{', '.join(list(NAMED)[:_SHOWN])} and {len(NAMED) - _SHOWN} more, see thplab.scenario.NAMED"
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; known: {more}"
    raise ValueError(f"no scenario {name!r}{hint}")
