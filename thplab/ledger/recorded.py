"""A bill worked out afterwards: of a recording, or of counters of /proc/vmstat before and after.

A recording says who ran at each moment, which counters moved, how many entries a scan had read, and
which trace events were written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thplab.kernels import ScanResult
from thplab.ledger.bill import Bill
from thplab.ledger.costs import Costs
from thplab.ledger.faults import FaultReader
from thplab.recording import Recording

_COUNTED = {
    "pswpin": "swap_in_page",
    "thp_collapse_alloc": "alloc_huge_page",
    "pgmigrate_success": "migrate_page",
}


def bill_of(recording: Recording, costs: Costs | None = None) -> Bill:
    """What the steps of a recording would cost, whether or not a meter ran. Any depth will do."""
    reader = _Reader(recording, costs)
    for number in range(len(recording)):
        reader.read(number)
    reader.end_fault()
    return reader.bill


def bill_of_counters(
    before: Mapping[str, int], after: Mapping[str, int], costs: Costs | None = None, party: str = "machine"
) -> Bill:
    """The same of counters of /proc/vmstat, a real machine's or the model's: nobody can tell who did it.

    Faults that were not huge count as base pages; scans and copies leave no counter.
    """
    moved = {name: after[name] - before.get(name, 0) for name in after}
    bill = Bill(costs)
    huge = moved.get("thp_fault_alloc", 0)
    bill.charge(party, "fault_huge_page", huge)
    bill.charge(party, "fault_base_page", max(moved.get("pgfault", 0) - huge, 0))
    for counter, step in _COUNTED.items():
        bill.charge(party, step, moved.get(counter, 0))
    return bill


class _Reader:
    """Goes through the changes of state, and the trace events between them, once."""

    def __init__(self, recording: Recording, costs: Costs | None) -> None:
        self.bill = Bill(costs)
        self._recording = recording
        self._names: list[str] = recording.header["vmstat"]
        self._base = recording.counter_cell(self._names[0])
        start, self._end = recording.state(0), recording.state(len(recording) - 1)
        self._values = [start.cell(self._base + i) for i in range(len(self._names))]
        self._entries: int = recording.header["geometry"]["entries"]
        self._current = recording.cell_of("current")
        self._party: str = start.path("current.comm")
        self._ptes_read = {
            each["base"] + each["fields"].index("ptes_read")
            for each in recording.header["objects"]
            if "ptes_read" in each["fields"]
        }
        self._fault = FaultReader()
        self._changes = recording.moment(0).changes
        self._lines = recording.moment(0).trace_lines
        self._read = 0
        self._holes = 0

    def read(self, number: int) -> None:
        """One moment: what changed before it, then its trace event."""
        s = self._recording.sections
        changes, lines = s["m_changes_end"][number], s["m_trace_end"][number]
        for i in range(self._changes, changes):
            self._changed(s["c_cell"][i], s["c_kind"][i], s["c_lo"][i], s["c_hi"][i])
        for line in self._recording.header["trace"][self._lines : lines]:
            self._event(line["event"], line["fields"])
        self._changes, self._lines = changes, lines

    def _changed(self, cell: int, kind: int, lo: int, hi: int) -> None:
        if cell == self._current:
            self.end_fault()
            self._party = self._end.get(self._end.decode(kind, lo, hi), "comm")
        elif 0 <= cell - self._base < len(self._names):
            self._counted(cell - self._base, lo | hi << 32)
        elif cell in self._ptes_read:
            self._read = lo

    def end_fault(self) -> None:
        """Whatever comes now is not part of a fault."""
        self._charge(self._fault.ended())

    def _charge(self, step: str | None, count: int = 1, *, locked: bool = False) -> None:
        if step is not None:
            self.bill.charge(self._party, step, count, locked=locked)

    def _counted(self, which: int, value: int) -> None:
        name, delta = self._names[which], value - self._values[which]
        self._values[which] = value
        self._charge(self._fault.moved(name, delta))
        if name in _COUNTED and name != "pswpin":  # which the reader of faults has seen to
            self._charge(_COUNTED[name], delta)

    def _event(self, event: str, fields: Mapping[str, Any]) -> None:
        if event == "mm_khugepaged_scan_pmd":
            self._scanned(fields)
        elif event == "mm_collapse_huge_page_isolate":
            self._holes = int(fields["none_or_zero"])
            done = fields["status"] == "succeeded"
            isolated = self._entries - self._holes if done else int(fields["referenced"])
            self._charge("isolate_page", isolated, locked=True)
        elif event == "mm_collapse_huge_page" and fields["status"] == "succeeded":
            self._charge("copy_page", self._entries - self._holes, locked=True)
            self._charge("clear_page", self._holes, locked=True)

    def _scanned(self, fields: Mapping[str, Any]) -> None:
        empty = int(fields["none_or_zero"]) + int(fields["unmapped"])
        if self._read:
            self.bill.charge_scan(self._party, self._read - empty, empty)
        else:
            self._charge("scan_huge" if fields["status"] == ScanResult.PMD_MAPPED.value else "scan_no_table")
