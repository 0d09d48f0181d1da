"""What steps cost, and who waited: a cost ledger beside the model, which knows of none.

with Meter(machine) as meter:          # the clock advances at each step that costs something
    process.write(address, token=1)
    machine.wake_khugepaged()
print(meter.bill)                      # who spent how long on what

bill_of(record_scenario("note"))       # the same, worked out afterwards
record_scenario("note", alongside=Meter)   # a recording whose moments lie apart in time

The figures are of one loaded machine. They give shape, not measurement: read the proportions.
"""

from __future__ import annotations

from thplab.ledger.bill import SHAPE, Bill, BillRow
from thplab.ledger.costs import STEPS, Costs, Figure, shipped_costs
from thplab.ledger.meter import Meter
from thplab.ledger.recorded import bill_of, bill_of_counters

__all__ = [
    "SHAPE",
    "STEPS",
    "Bill",
    "BillRow",
    "Costs",
    "Figure",
    "Meter",
    "bill_of",
    "bill_of_counters",
    "shipped_costs",
]
