"""Races, run: somebody strikes in a phase of a collapse; what becomes of the collapse, and of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial

from thplab.scenario import ScenarioRun, scenario
from thplab.scenario.gaps import GAPS, probed
from thplab.scenario.named.nb08_races import PHASES, RACES
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

__all__ = ["PHASES", "RACES", "Race", "phase_words", "race", "race_name", "races_table"]


@dataclass(frozen=True, slots=True)
class Race:
    """``status`` of the first look at the window; ``ran``: when the other task acted.

    ``caught`` is the phase whose check met it; None if the collapse succeeded.
    """

    kind: str
    phase: int
    status: str
    ran: str
    caught: int | None

    @property
    def waited(self) -> bool:
        """Did the other task have to wait for the collapse, or for a part of it?"""
        return self.ran.startswith("after waiting")


def race_name(kind: str, phase: int) -> str:
    """The scenario of a race. ValueError for a kind or phase that is none."""
    if kind not in RACES:
        raise ValueError(f"no race {kind!r}; there are {', '.join(RACES)}")
    if phase not in PHASES:
        raise ValueError(f"no phase {phase}; races happen in phases {min(PHASES)} to {max(PHASES)}")
    return f"S08.race.{kind}.{phase}"


def phase_words(phase: int) -> str:
    """What the one who collapses is doing in a phase, and which locks it holds."""
    gap = GAPS[PHASES[phase]]
    return f"{gap.says} (held: {gap.held})"


@cache
def race(kind: str, phase: int, kernel: str = "6.18") -> Race:
    """Run the race of the lesson's matrix."""
    run = ScenarioRun(scenario(race_name(kind, phase)), kernel)
    reached: list[str] = []
    with probed({gap: partial(reached.append, gap) for gap in _WAY}):
        seen = run.step(run.scenario.steps[0])
    events = [event for wakeup in seen["wakeups"] for event in wakeup["events"]]
    name = run.scenario.processes[0].name
    status = next(e["status"] for e in events if e["ev"] == "scan_pmd" and e["proc"] == name)
    caught = None if status == "succeeded" else _furthest(reached)
    return Race(kind, phase, status, seen["intruders"][0]["ran"], caught)


def _furthest(reached: list[str]) -> int:
    """The phase to which the first collapse came; past the allocation it has begun to look again."""
    first = reached[1:]
    if "before_scan" in first:
        first = first[: first.index("before_scan")]
    return max(2, *(GAPS[gap].phase for gap in first))


def races_table(kinds: Iterable[str] = tuple(RACES), phases: Iterable[int] = tuple(PHASES)) -> Table:
    """A row for each phase of the collapse, a column for each one who strikes in it."""
    columns, phases = tuple(kinds), tuple(phases)
    for kind in columns:
        for phase in phases:
            race_name(kind, phase)
    rows = [
        (phase, GAPS[PHASES[phase]].says, *(_cell(race(kind, phase)) for kind in columns)) for phase in phases
    ]
    caption = "huge: the collapse succeeded; later: the other one had to wait until the lock was free."
    return Table.of(("phase", "at this moment", *columns), rows, caption)


def _cell(seen: Race) -> str:
    status = "huge" if seen.status == "succeeded" else seen.status
    return f"{status}, later" if seen.waited else status
