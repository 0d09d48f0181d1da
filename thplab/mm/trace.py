"""Tracepoints: events with the kernel's names and fields, printed as ftrace prints them.

include/trace/events/huge_memory.h and others; the line's shape is that of kernel/trace/trace_output.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from zlib import crc32

from thplab.kernels import ScanResult
from thplab.mm.include.page import page_to_pfn
from thplab.mm.include.state import Struct
from thplab.mm.trace_events import event_text

if TYPE_CHECKING:
    from thplab.mm.include.mm_types import Mm
    from thplab.mm.system import Kernel

__all__ = ["TraceEvent", "Tracing", "trace"]

_NO_PFN = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One event: who (comm, pid), when (ns), which, and its fields in the kernel's order.

    ``mm`` names the address space it is about and ``page`` the page of ``scan_pfn``, where the
    event has them; both are for readers of the model: the text has neither.
    """

    comm: str
    pid: int
    time_ns: int
    name: str
    fields: tuple[tuple[str, str], ...]
    mm: str | None = None
    address: int | None = None

    def text(self) -> str:
        """The line of the ``trace`` file."""
        seconds, ns = divmod(self.time_ns, 1_000_000_000)
        body = event_text(self.name, self.fields)
        who = f"{self.comm:>16}-{self.pid:<7d}"
        return f"{who} [000] ..... {seconds:5d}.{ns // 1000:06d}: {self.name}: {body}"

    def value(self, field: str) -> str:
        """One field as printed; KeyError if the event has no such field."""
        return dict(self.fields)[field]


class Tracing(Struct):
    """The ring buffer, which never overflows: ``events`` and how many were written (int)."""

    __slots__ = ("events", "nr_written")
    NOT_STATE: ClassVar[frozenset[str]] = frozenset({"events"})
    events: list[TraceEvent]
    nr_written: int

    def __init__(self) -> None:
        """An empty buffer."""
        self.events = []
        self.nr_written = 0


def mm_pointer(mm: Mm) -> str:
    """``%p`` of an mm: a stable hash of 32 bits, as the kernel prints pointers by default."""
    return f"{crc32(mm.name.encode() + b'mm_struct'):016x}"


def scan_pfn(kernel: Kernel, page: int | None) -> str:
    """``0x%lx`` of a page's pfn, or of -1 for no page."""
    return f"{_NO_PFN if page is None else page_to_pfn(kernel.mem_map, page):#x}"


def trace_order(kernel: Kernel) -> int | None:
    """The ``order`` field of a collapse event; None where this kernel does not print it."""
    return kernel.geometry.HPAGE_PMD_ORDER if kernel.profile.trace_has_order else None


def trace(
    kernel: Kernel,
    name: str,
    *fields: tuple[str, object],
    mm: Mm | None = None,
    address: int | None = None,
) -> None:
    """Emit event ``name``; a field whose value is None is one that this kernel does not print."""
    shown = tuple(
        (field, value.value if isinstance(value, ScanResult) else str(value))
        for field, value in fields
        if value is not None
    )
    event = TraceEvent(
        kernel.current.comm,
        kernel.current.pid,
        kernel.clock.now,
        name,
        shown,
        mm.name if mm else None,
        address,
    )
    kernel.tracing.events.append(event)
    kernel.tracing.nr_written += 1
