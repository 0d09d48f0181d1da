"""The eight lanes side by side: a recording of each, and one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache

from thplab.experiments.lanes import LANES, WINDOW, LaneResult, run_lane
from thplab.ledger import Meter
from thplab.machine import Machine
from thplab.recording.recorder import Recorder
from thplab.recording.recording import Recording
from thplab.table import Table

_RESULTS = {
    "huge": "a huge page",
    "small": "512 small pages",
    "failed": "512 small pages, allocation failed",
    "blocks": "free blocks, no huge page",
}


@dataclass(frozen=True, slots=True)
class LaneTable:
    """``results`` and ``recordings`` by letter."""

    results: dict[str, LaneResult]
    recordings: dict[str, Recording]

    HEAD = ("lane", "who", "result", "pages moved", "pages copied", "who compacted", "who waited")

    def rows(self) -> list[tuple[str, ...]]:
        """One row for each lane, in the order of :attr:`HEAD`."""
        return [
            (
                lane.letter,
                lane.who,
                _RESULTS[lane.result],
                str(lane.moved),
                str(lane.collapsed),
                lane.worked,
                lane.waited,
            )
            for lane in self.results.values()
        ]

    def table(self) -> Table:
        """The lanes side by side."""
        caption = "Moved by compaction, copied by a collapse: base pages that had to go somewhere else."
        return Table.of(self.HEAD, self.rows(), caption)

    def __str__(self) -> str:
        """The table in plain text."""
        return str(self.table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        return self.table()._repr_html_()


def run_lanes(
    letters: Sequence[str] = tuple(LANES),
    kernel: str = "6.18",
    depth: str = "events",
    *,
    ledger: bool = False,
) -> LaneTable:
    """Run lanes and record each: ``depth`` is that of the recorder, ``ledger``: with what the steps cost.

    A lane that was run before in this way is not run again. Raises ValueError for no such lane.
    """
    runs = {letter: _run(letter, kernel, depth, ledger) for letter in letters}
    return LaneTable(
        {letter: result for letter, (result, _) in runs.items()},
        {letter: recording for letter, (_, recording) in runs.items()},
    )


def lane(letter: str) -> LaneResult:
    """What comes of a lane. Raises ValueError for no such lane."""
    return _run(letter, "6.18", "events", False)[0]


@cache
def _run(letter: str, kernel: str, depth: str, ledger: bool) -> tuple[LaneResult, Recording]:
    recorders: list[Recorder] = []

    @contextmanager
    def record(machine: Machine) -> Iterator[None]:
        own = next(mm for mm in machine.kernel.mms if mm.name == "P")
        story = f"A huge page for P on a machine without a free block: {LANES[letter].who}."
        recorder = Recorder(
            machine.kernel, depth=depth, title=f"lane {letter}", story=story, focus=(own, WINDOW)
        )
        recorders.append(recorder)
        with Meter(machine) if ledger else nullcontext() as meter, recorder:
            if meter is not None:
                recorder.follow(meter.bill)
            yield

    result = run_lane(letter, kernel, record)
    return result, recorders[0].recording
