"""A bill: who spent how long on which step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from thplab.ledger.costs import STEPS, Costs, shipped_costs
from thplab.table import Table

#: Said wherever a figure of the ledger is shown.
SHAPE = "Shape, not measurement: read the proportions, not the figures."

_DAEMONS = ("khugepaged", "kcompactd", "kswapd")


@dataclass(slots=True)
class BillRow:
    """``party`` did ``step`` ``count`` times, which took ``ns``.

    ``locked_ns`` of it while an mmap_lock was held for writing: whoever needed it had to wait.
    """

    party: str
    step: str
    count: int = 0
    ns: int = 0
    locked_ns: int = 0


class Bill:
    """Rows by party, in the order in which they came up, and step, priced with ``costs``.

    ``told`` is told of each charge: who, the step in words, how many, ns, whether it was locked.
    """

    def __init__(self, costs: Costs | None = None) -> None:
        """An empty bill, with the shipped figures unless others are given."""
        self.costs = costs or shipped_costs()
        self.told: Callable[[str, str, int, int, bool], None] | None = None
        self._rows: dict[tuple[str, str], BillRow] = {}

    @property
    def steps(self) -> list[str]:
        """All steps in words."""
        return list(STEPS.values())

    @property
    def source(self) -> str:
        """Where the figures come from, and what they are good for."""
        return f"{SHAPE} Figures: {self.costs.source}."

    @property
    def rows(self) -> list[BillRow]:
        """All rows."""
        order = list(STEPS)
        steps = {party: [r for r in self._rows.values() if r.party == party] for party in self.parties()}
        return [row for rows in steps.values() for row in sorted(rows, key=lambda r: order.index(r.step))]

    def charge(self, party: str, step: str, count: int = 1, *, locked: bool = False) -> int:
        """Put ``count`` steps on the bill; what they cost in ns. KeyError for no step."""
        ns = self.costs.ns(step, count)
        if count:
            row = self._rows.setdefault((party, step), BillRow(party, step))
            row.count += count
            row.ns += ns
            row.locked_ns += ns if locked else 0
            if self.told is not None:
                self.told(party, STEPS[step], count, ns, locked)
        return ns

    def charge_scan(self, party: str, present: int, empty: int) -> int:
        """A window whose scan read that many entries. The first one is in the price of the window."""
        return (
            self.charge(party, "scan_window")
            + self.charge(party, "scan_pte_present", present - bool(present))
            + self.charge(party, "scan_pte_none", empty - (not present))
        )

    def count(self, step: str, party: str | None = None) -> int:
        """How often a step was done, by one party or by all."""
        return sum(row.count for row in self.rows if row.step == step and party in (None, row.party))

    def ns(self, party: str | None = None) -> int:
        """How long one party, or all of them, took."""
        return sum(row.ns for row in self.rows if party in (None, row.party))

    def parties(self) -> list[str]:
        """Who is on the bill: processes by name, and daemons."""
        return list(dict.fromkeys(party for party, _ in self._rows))

    def waited(self) -> int:
        """ns that processes, not daemons, spent: what somebody waited for."""
        return sum(row.ns for row in self.rows if not row.party.startswith(_DAEMONS))

    def table(self) -> Table:
        """The bill as a table; a last row for each party sums it up."""
        rows: list[tuple[str, ...]] = []
        for party in self.parties():
            mine = [row for row in self.rows if row.party == party]
            rows += [(party, STEPS[r.step], str(r.count), _us(r.ns), _us(r.locked_ns)) for r in mine]
            total, locked = sum(r.ns for r in mine), sum(r.locked_ns for r in mine)
            rows.append((party, "all together", "", _us(total), _us(locked)))
        heads = ("who", "step", "count", "µs", "µs with mmap_lock held for writing")
        return Table.of(heads, rows, self.source)

    def __str__(self) -> str:
        """The table as text."""
        return str(self.table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        return self.table()._repr_html_()


def _us(ns: int) -> str:
    return f"{ns / 1000:.1f}"
