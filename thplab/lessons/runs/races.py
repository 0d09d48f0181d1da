"""Races, run: somebody strikes at a gap of a collapse; what becomes of the collapse, and of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial

from thplab import phases
from thplab.phases import PHASES, Phase
from thplab.scenario import ScenarioRun, scenario
from thplab.scenario.gaps import GAPS, probed
from thplab.scenario.named.nb08_races import RACES, WHERE
from thplab.scenario.observe import SCANNED
from thplab.table import Table

#: Gaps that a collapse comes by only if it gets to their phase.
_WAY = (
    "before_scan",
    "after_alloc",
    "recheck",
    "before_swapin",
    "write_locked",
    "after_fence",
    "before_copy",
)

__all__ = ["RACES", "WHERE", "Race", "gap_words", "race", "race_name", "races_table"]


@dataclass(frozen=True, slots=True)
class Race:
    """``status`` of the first look at the window; ``ran``: when the other task acted.

    ``caught`` is the phase whose check met it; None if the collapse succeeded.
    """

    kind: str
    gap: str
    status: str
    ran: str
    caught: Phase | None

    @property
    def waited(self) -> bool:
        """Did the other task have to wait for the collapse, or for a part of it?"""
        return self.ran.startswith("after waiting")


def race_name(kind: str, gap: str) -> str:
    """The scenario of a race. ValueError for a kind or gap that has none."""
    if kind not in RACES:
        raise ValueError(f"no race {kind!r}; there are {', '.join(RACES)}")
    if gap not in WHERE:
        raise ValueError(f"no race at {gap!r}; races happen at {', '.join(WHERE)}")
    return f"S08.race.{kind}.{gap}"


def gap_words(gap: str) -> str:
    """In which phase a gap is, what the one who collapses is doing there, and which locks it holds."""
    at = GAPS[gap]
    return f"{at.phase}: {at.says} (held: {at.held})"


@cache
def race(kind: str, gap: str, kernel: str = "6.18") -> Race:
    """Run the race of the lesson's matrix."""
    run = ScenarioRun(scenario(race_name(kind, gap)), kernel)
    reached: list[str] = []
    with probed({each: partial(reached.append, each) for each in _WAY}):
        seen = run.step(run.scenario.steps[0])
    events = [event for wakeup in seen["wakeups"] for event in wakeup["events"]]
    name = run.scenario.processes[0].name
    status = next(e["status"] for e in events if e["ev"] == SCANNED and e["proc"] == name)
    caught = None if status == "succeeded" else _furthest(reached)
    return Race(kind, gap, status, seen["intruders"][0]["ran"], caught)


def _furthest(reached: list[str]) -> Phase:
    """The phase to which the first collapse came; past the allocation it has begun to look again."""
    first = reached[1:]
    if "before_scan" in first:
        first = first[: first.index("before_scan")]
    return max(phases.READING, *(GAPS[gap].phase for gap in first), key=PHASES.index)


def races_table(kinds: Iterable[str] = tuple(RACES), gaps: Iterable[str] = tuple(WHERE)) -> Table:
    """A row for each gap of the collapse, a column for each one who strikes there."""
    columns, gaps = tuple(kinds), tuple(gaps)
    for kind in columns:
        for gap in gaps:
            race_name(kind, gap)
    rows = [(GAPS[gap].phase, GAPS[gap].says, *(_cell(race(kind, gap)) for kind in columns)) for gap in gaps]
    caption = "huge: the collapse succeeded; later: the other one had to wait until the lock was free."
    return Table.of(("phase", "at this moment", *columns), rows, caption)


def _cell(seen: Race) -> str:
    status = "huge" if seen.status == "succeeded" else seen.status
    return f"{status}, later" if seen.waited else status
