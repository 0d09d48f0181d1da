"""The meter: a machine's clock advances by what its steps cost, for as long as the meter runs.

The model knows no costs. The meter watches which of its functions are called, and with what, by
sys.setprofile; at those named below it puts the step on a bill and moves the clock on. There is one
processor: while a daemon works, time passes for everybody.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from thplab import points
from thplab.kernels import ScanResult
from thplab.ledger.bill import Bill
from thplab.ledger.costs import Costs
from thplab.ledger.faults import FaultReader
from thplab.machine import Machine
from thplab.mm.include.pgtable import entry_pfn
from thplab.points import Locals, Point


class Meter:
    """``with Meter(machine) as meter:`` then ``meter.bill``; what was profiling before goes on afterwards."""

    def __init__(self, machine: Machine, costs: Costs | None = None) -> None:
        """With the shipped figures unless others are given."""
        self.kernel = machine.kernel
        self.bill = Bill(costs)
        self._fault = FaultReader()
        self._before: Any = None

    def __enter__(self) -> Meter:
        """Begin. RuntimeError if a meter runs already."""
        before = sys.getprofile()
        if isinstance(getattr(before, "__self__", None), Meter):
            raise RuntimeError("a meter runs already; finish it before starting another")
        self._before = before
        sys.setprofile(self._on_event)
        return self

    def __exit__(self, *_: object) -> None:
        """End, whatever happened."""
        sys.setprofile(self._before)

    def _on_event(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "call":
            found = _AT_CALL.get(id(frame.f_code))
        elif event == "return":
            found = _AT_RETURN.get(id(frame.f_code))
        else:
            return
        if found is not None:
            point, pay = found
            pay(self, Locals(point, frame.f_locals), frame.f_back if event == "call" else arg)

    def _charge(self, step: str | None, count: int = 1) -> None:
        if step is not None:
            locked = any(mm.mmap_lock.writer is not None for mm in self.kernel.mms)
            self._pay(self.bill.charge(self.kernel.current.comm, step, count, locked=locked))

    def _pay(self, ns: int) -> None:
        self.kernel.clock.now += ns

    def _mine(self, local: Locals) -> bool:
        """Is it a step of this machine, not of another one?"""
        owner = local["vma"].mm if "vma" in local else local["mm"]
        return bool(owner.kernel is self.kernel)

    def _not_scanned(self, _: Locals, caller: FrameType | None) -> None:
        """The event of a window whose entries nobody read: there is no table, or it is huge already."""
        local = _of_the_scan(caller)
        if local is not None and self._mine(local) and not local["cc"].ptes_read:
            self._charge("scan_huge" if local["result"] is ScanResult.PMD_MAPPED else "scan_no_table")

    def _scanned(self, _: Locals, caller: FrameType | None) -> None:
        """The loop over the entries has ended, and the PTE lock is about to be released."""
        local = _of_the_scan(caller)
        if local is not None and self._mine(local):
            empty = local["none_or_zero"] + local["unmapped"]
            present = local["cc"].ptes_read - empty
            self._pay(self.bill.charge_scan(self.kernel.current.comm, present, empty))

    def _copied(self, local: Locals, _: FrameType | None) -> None:
        if self._mine(local):
            entries, zero_pfn = local["pte_table"], self.kernel.zero_pfn
            holes = sum(1 for pte in entries if not pte or entry_pfn(pte) == zero_pfn)
            self._charge("copy_page", len(entries) - holes)
            self._charge("clear_page", holes)

    def _counted(self, local: Locals, _: FrameType | None) -> None:
        if local["kernel"] is self.kernel:
            self._charge(self._fault.moved(local["name"], local["delta"]))
            if local["name"] == "pgmigrate_success":
                self._charge("migrate_page", local["delta"])

    def _allocated(self, local: Locals, returned: tuple[object, int | None] | None) -> None:
        """A failed allocation has no price: what it costs is what compaction and reclaim did for it."""
        if returned is not None and returned[1] is not None and self._mine(local):
            self._charge("alloc_huge_page")

    def _isolated(self, local: Locals, returned: object) -> None:
        if returned is not None and self._mine(local):
            self._charge("isolate_page", len(local["isolated"]))

    def _faulted(self, local: Locals, _: object) -> None:
        if self._mine(local):
            self._charge(self._fault.ended())


def _of_the_scan(frame: FrameType | None) -> Locals | None:
    """The variables of scan_pmd, if it is scan_pmd's frame."""
    return Locals(points.SCAN, frame.f_locals) if frame and frame.f_code is points.SCAN.code else None


def _by_code(table: Mapping[Point, Callable[..., None]]) -> dict[int, tuple[Point, Callable[..., None]]]:
    """By the id of the code, which the points keep alive: hashing a code object takes too long."""
    return {id(point.code): (point, pay) for point, pay in table.items()}


#: Where a step is paid, and how: when the function is called ...
_AT_CALL = _by_code(
    {
        points.SCAN_TRACED: Meter._not_scanned,
        points.UP_WRITE: Meter._scanned,
        points.COPY: Meter._copied,
        points.COUNT: Meter._counted,
    }
)
#: ... and when it returns.
_AT_RETURN = _by_code(
    {points.ALLOCATE: Meter._allocated, points.ISOLATE: Meter._isolated, points.FAULT: Meter._faulted}
)
