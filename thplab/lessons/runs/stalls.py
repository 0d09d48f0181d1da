"""Who waits how long: what lanes cost, and how long a collapse keeps faults out."""

from __future__ import annotations

from collections.abc import Sequence

from thplab.experiments.lanes import LANES
from thplab.ledger import SHAPE, Bill, Meter, bill_of
from thplab.lessons.runs.lanes import run_lanes
from thplab.phases import GET_MEMORY
from thplab.plots.spans import MMAP_WRITE, collapse_spans
from thplab.recording import record_scenario
from thplab.table import Table


def bills_of_lanes(letters: Sequence[str] = tuple(LANES)) -> dict[str, Bill]:
    """What each lane cost whom: a bill for each, by name, for ``bill_plot``."""
    recordings = run_lanes(letters, ledger=True).recordings
    return {f"{letter}  {LANES[letter].who}": bill_of(recordings[letter]) for letter in letters}


def stall_table() -> Table:
    """How long faults of the process are kept out, and how long with the allocation under the lock."""
    runs = {
        "a block is free": record_scenario("S08.clean512", depth="functions", alongside=Meter),
        "memory is fragmented": run_lanes(("F",), depth="functions", ledger=True).recordings["F"],
    }
    rows = []
    for name, recording in runs.items():
        phases, locks = collapse_spans(recording)
        allocate = sum(span.end - span.begin for span in phases if span.row == str(GET_MEMORY))
        write = sum(span.end - span.begin for span in locks if span.row == MMAP_WRITE)
        rows.append((name, *(f"{ns / 1000:.0f}" for ns in (allocate, write, allocate + write))))
    what_if = "if it were allocated under the write lock (µs)"
    heads = ("", "the allocation takes (µs)", "faults wait (µs)", what_if)
    return Table.of(heads, rows, SHAPE)
