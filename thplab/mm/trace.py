"""Tracepoints: the model emits an event with the kernel's name and fields (kernel/trace/)."""

from __future__ import annotations

from zlib import crc32

from thplab.kernels import ScanResult
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mm_types import Mm
from thplab.mm.include.page import page_to_pfn
from thplab.mm.include.trace_events import TRACE_EVENTS, TraceEvent

_NO_PFN = (1 << 64) - 1


def mm_pointer(mm: Mm) -> str:
    """``%p`` of an mm: a stable hash of 32 bits, as the kernel prints pointers by default."""
    return f"{crc32(mm.name.encode() + b'mm_struct'):016x}"


def scan_pfn(kernel: Kernel, page: int | None) -> str:
    """``0x%lx`` of a page's pfn, or of -1 for no page."""
    return f"{_NO_PFN if page is None else page_to_pfn(kernel.mem_map, page):#x}"


def trace(
    kernel: Kernel, name: str, /, *, mm: Mm | None = None, address: int | None = None, **values: object
) -> None:
    """Emit event ``name`` if this kernel has it, with those of its fields that this kernel prints.

    ``mm``, ``address``: the window it is about; the mm is printed where the event has such a field.
    Raises KeyError for an event that is not in TRACE_EVENTS, or for other fields than it has.
    """
    event = TRACE_EVENTS[name]
    if mm is not None and "mm" in event.fields:
        values["mm"] = mm_pointer(mm)
    if values.keys() != set(event.fields):
        raise KeyError(f"{name} has the fields {', '.join(event.fields)}, not {', '.join(values)}")
    missing = [field for field, fact in event.needs.items() if not getattr(kernel.profile, fact)]
    if "" in missing:
        return
    shown = tuple((field, _text(values[field])) for field in event.fields if field not in missing)
    task, now = kernel.current, kernel.clock.now
    kernel.tracing.events.append(
        TraceEvent(task.comm, task.pid, now, name, shown, mm.name if mm else None, address)
    )
    kernel.tracing.nr_written += 1


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return value.value if isinstance(value, ScanResult) else str(value)
