"""The named scenarios that lessons, tests and the command line share, each with a story of one line."""

from __future__ import annotations

from difflib import get_close_matches

from thplab.scenario.data import Scenario
from thplab.scenario.named import nb05, nb06, nb07, nb07_results, nb08, nb08_races, nb12, nb13

__all__ = ["NAMED", "scenario"]

#: name -> scenario, in the order of the course
NAMED: dict[str, Scenario] = {
    each.name: each
    for lesson in (nb05, nb06, nb07, nb07_results, nb08, nb08_races, nb12, nb13)
    for each in lesson.SCENARIOS
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
