"""The meter: a machine's clock advances by what its steps cost, for as long as the meter runs.

The model knows no costs. The meter watches which of its functions are called, and with what, by
sys.setprofile; at those named below it puts the step on a bill and moves the clock on. There is one
processor: while a daemon works, time passes for everybody.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import CodeType, FrameType
from typing import Any

from thplab.kernels import ScanResult
from thplab.ledger.bill import Bill
from thplab.ledger.costs import Costs
from thplab.ledger.faults import FaultReader
from thplab.machine import Machine
from thplab.mm import vmstat
from thplab.mm.include import lock
from thplab.mm.include.pgtable import entry_pfn
from thplab.mm.khugepaged import collapse
from thplab.mm.khugepaged import pages as collapse_pages
from thplab.mm.khugepaged import scan as khugepaged
from thplab.mm.khugepaged.scan import trace_mm_khugepaged_scan_pmd
from thplab.mm.memory import fault as memory

__all__ = ["Meter"]

#: Where a step is paid: function of the model -> method of the meter, when it is called ...
_AT_CALL = {
    trace_mm_khugepaged_scan_pmd: "_not_scanned",
    lock.up_write: "_scanned",
    collapse_pages.__collapse_huge_page_copy_succeeded: "_copied",
    vmstat.count_vm_event: "_counted",
}
#: ... and when it returns.
_AT_RETURN = {
    collapse.alloc_charge_folio: "_allocated",
    collapse_pages.__collapse_huge_page_isolate: "_isolated",
    memory.handle_mm_fault: "_faulted",
}


class Meter:
    """``with Meter(machine) as meter:`` then ``meter.bill``; what was profiling before goes on afterwards."""

    def __init__(self, machine: Machine, costs: Costs | None = None) -> None:
        """With the shipped figures unless others are given."""
        self.kernel = machine.kernel
        self.bill = Bill(costs)
        self._fault = FaultReader()
        self._before: Any = None
        self._at_call, self._at_return = self._by_code(_AT_CALL), self._by_code(_AT_RETURN)

    def _by_code(self, methods: Mapping[Any, str]) -> dict[int, tuple[Callable[..., None], CodeType]]:
        """Methods by the id of a function's code, which is kept: to hash a code object takes too long."""
        return {id(f.__code__): (getattr(self, name), f.__code__) for f, name in methods.items()}

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
            handler = self._at_call.get(id(frame.f_code))
        elif event == "return":
            handler = self._at_return.get(id(frame.f_code))
        else:
            return
        if handler is not None:
            handler[0](frame, arg)

    def _charge(self, step: str | None, count: int = 1) -> None:
        if step is not None:
            locked = any(mm.mmap_lock.writer is not None for mm in self.kernel.mms)
            self._pay(self.bill.charge(self.kernel.current.comm, step, count, locked=locked))

    def _pay(self, ns: int) -> None:
        self.kernel.clock.now += ns

    def _mine(self, local: Mapping[str, Any]) -> bool:
        """Is it a step of this machine, not of another one?"""
        owner = local["vma"].mm if "vma" in local else local["mm"]
        return bool(owner.kernel is self.kernel)

    def _not_scanned(self, frame: FrameType, _: object) -> None:
        """The event of a window whose entries nobody read: there is no table, or it is huge already."""
        local = frame.f_back.f_locals if frame.f_back is not None else {}
        if self._mine(local) and not local["cc"].ptes_read:
            self._charge("scan_huge" if local["result"] is ScanResult.PMD_MAPPED else "scan_no_table")

    def _scanned(self, frame: FrameType, _: object) -> None:
        """The loop over the entries has ended, and the PTE lock is about to be released."""
        caller = frame.f_back
        if caller is None or caller.f_code is not khugepaged.scan_pmd.__code__:
            return
        local = caller.f_locals
        if self._mine(local):
            empty = local["none_or_zero"] + local["unmapped"]
            present = local["cc"].ptes_read - empty
            self._pay(self.bill.charge_scan(self.kernel.current.comm, present, empty))

    def _allocated(self, frame: FrameType, returned: tuple[object, int | None] | None) -> None:
        """A failed allocation has no price: what it costs is what compaction and reclaim did for it."""
        if returned is not None and returned[1] is not None and self._mine(frame.f_locals):
            self._charge("alloc_huge_page")

    def _isolated(self, frame: FrameType, returned: object) -> None:
        if returned is not None and self._mine(frame.f_locals):
            self._charge("isolate_page", len(frame.f_locals["isolated"]))

    def _copied(self, frame: FrameType, _: object) -> None:
        local = frame.f_locals
        if self._mine(local):
            entries, zero_pfn = local["pte_table"], self.kernel.zero_pfn
            holes = sum(1 for pte in entries if not pte or entry_pfn(pte) == zero_pfn)
            self._charge("copy_page", len(entries) - holes)
            self._charge("clear_page", holes)

    def _counted(self, frame: FrameType, _: object) -> None:
        local = frame.f_locals
        if local["kernel"] is self.kernel:
            self._charge(self._fault.moved(local["name"], local["delta"]))
            if local["name"] == "pgmigrate_success":
                self._charge("migrate_page", local["delta"])

    def _faulted(self, frame: FrameType, _: object) -> None:
        if self._mine(frame.f_locals):
            self._charge(self._fault.ended())
