"""The trace events of the model: their fields and their text (include/trace/events/*.h, 6.18).

A new event is a row here, the call of :func:`thplab.mm.trace.trace` where it happens, and a test.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from string import Formatter
from typing import ClassVar, overload

from thplab.mm.include.state import Struct


@dataclass(frozen=True, slots=True)
class EventFormat:
    """``text``: a format string over all fields that some kernel prints, in the kernel's order.

    ``needs``: field -> the fact of the profile without which a kernel does not print it; the fact
    of "" is the one without which there is no such event.
    """

    text: str
    needs: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """The fields are the names in the text."""
        names = tuple(name for _, name, _, _ in Formatter().parse(self.text) if name)
        object.__setattr__(self, "fields", names)

    def line(self, values: Mapping[str, str]) -> str:
        """The event's own part of a trace line. KeyError if a field is missing that each kernel prints."""
        text = self.text
        # Trace lines of each kernel have only its own fields: the text of the others goes.
        for name in self.needs.keys() - values.keys():
            text = re.sub(rf",? {name}={{{name}}}", "", text)
        return text.format(**values)


def _listed(fields: str, separator: str = ", ", **needs: str) -> EventFormat:
    """An event that prints its fields one after the other, as ``name=value``."""
    return EventFormat(separator.join(f"{name}={{{name}}}" for name in fields.split()), needs)


_POSITIONS = "zone_start={zone_start} migrate_pfn={migrate_pfn} free_pfn={free_pfn} zone_end={zone_end}, "
_RANGE = EventFormat("range=({start_pfn} ~ {end_pfn}) nr_scanned={nr_scanned} nr_taken={nr_taken}")
_ZONE = "node={node} zone={zone:<8} order={order} "
_RESULT = EventFormat(_ZONE + "ret={ret}")
_DEFER = EventFormat(_ZONE + "order_failed={order_failed} consider={consider} limit={limit}")
_KCOMPACTD = EventFormat("nid={nid} order={order} classzone_idx={classzone_idx:<8}")
_NR = "nr_succeeded nr_failed nr_thp_succeeded nr_thp_failed nr_thp_split nr_split"
_ORDERS = "alloc_order fallback_order pageblock_order alloc_migratetype fallback_migratetype"

#: event -> its fields and its text
TRACE_EVENTS: dict[str, EventFormat] = {
    # huge_memory.h separates fields by commas, the others mostly do not.
    "mm_khugepaged_scan_pmd": _listed(
        "mm scan_pfn writable referenced none_or_zero status unmapped", writable="trace_has_writable"
    ),
    "mm_khugepaged_scan": EventFormat(
        "mm={mm}, progress={progress}, full_scan_finished={full_scan_finished}", {"": "trace_has_visits"}
    ),
    "mm_khugepaged_scan_file": _listed("mm scan_pfn filename present swap result"),
    "mm_khugepaged_collapse_file": EventFormat(
        "mm={mm}, hpage_pfn={hpage_pfn}, index={index}, addr={addr}, is_shmem={is_shmem}, "
        "filename={filename}, nr={nr}, result={result}",
        {"": "trace_has_collapse_file"},
    ),
    "mm_collapse_huge_page": _listed("mm isolated status order", order="trace_has_order"),
    "mm_collapse_huge_page_isolate": _listed(
        "scan_pfn none_or_zero referenced writable status order",
        writable="trace_has_writable",
        order="trace_has_order",
    ),
    "mm_collapse_huge_page_swapin": _listed("mm swapped_in referenced ret order", order="trace_has_order"),
    "mm_compaction_begin": EventFormat(_POSITIONS + "mode={mode}"),
    "mm_compaction_end": EventFormat(_POSITIONS + "mode={mode} status={status}"),
    "mm_compaction_finished": _RESULT,
    "mm_compaction_suitable": _RESULT,
    "mm_compaction_isolate_migratepages": _RANGE,
    "mm_compaction_isolate_freepages": _RANGE,
    "mm_compaction_fast_isolate_freepages": _RANGE,
    "mm_compaction_migratepages": _listed("nr_migrated nr_failed", " "),
    "mm_compaction_try_to_compact_pages": _listed("order gfp_mask priority", " "),
    "mm_compaction_defer_compaction": _DEFER,
    "mm_compaction_deferred": _DEFER,
    "mm_compaction_defer_reset": _DEFER,
    "mm_compaction_wakeup_kcompactd": _KCOMPACTD,
    "mm_compaction_kcompactd_wake": _KCOMPACTD,
    "mm_compaction_kcompactd_sleep": _listed("nid"),
    "mm_migrate_pages": _listed(f"{_NR} mode reason", " ", nr_split="trace_has_nr_split"),
    "mm_page_alloc_extfrag": _listed(f"pfn {_ORDERS} fragmenting change_ownership", " "),
    "mm_vmscan_wakeup_kswapd": _listed("nid order gfp_flags", " "),
    "mm_vmscan_kswapd_wake": _listed("nid order", " "),
    "mm_vmscan_kswapd_sleep": _listed("nid"),
}


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One event: who (comm, pid), when (ns), which, and its fields in the kernel's order.

    ``mm`` names the address space it is about and ``address`` its window, where the event has them;
    both are for readers of the model: the text need not have either.
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
        body = TRACE_EVENTS[self.name].line(dict(self.fields))
        who = f"{self.comm:>16}-{self.pid:<7d}"
        return f"{who} [000] ..... {seconds:5d}.{ns // 1000:06d}: {self.name}: {body}"

    def value(self, field: str) -> str:
        """One field as printed; KeyError if the event has no such field."""
        return dict(self.fields)[field]


#: How many events a ring buffer keeps: some 150 MB.
MOST_EVENTS = 1 << 17


class Events(Sequence[TraceEvent]):
    """A ring buffer of events, numbered from the first one that was ever written.

    The oldest make room for new ones; a slice that begins among those has only what is left.
    """

    def __init__(self) -> None:
        """Empty."""
        self._kept: deque[TraceEvent] = deque(maxlen=MOST_EVENTS)
        self.lost = 0

    def append(self, event: TraceEvent) -> None:
        """Write one."""
        self.lost += len(self._kept) == self._kept.maxlen
        self._kept.append(event)

    def clear(self) -> None:
        """Forget all, their numbers too."""
        self._kept.clear()
        self.lost = 0

    def __len__(self) -> int:
        """How many were written."""
        return self.lost + len(self._kept)

    @overload
    def __getitem__(self, which: int) -> TraceEvent: ...

    @overload
    def __getitem__(self, which: slice) -> list[TraceEvent]: ...

    def __getitem__(self, which: int | slice) -> TraceEvent | list[TraceEvent]:
        """IndexError for an event that is not there any more."""
        if isinstance(which, slice):
            numbers = range(len(self))[which]
            # From the end, where readers look: a deque is slow in its middle.
            if numbers and numbers.step == 1 and numbers.stop == len(self):
                last = islice(reversed(self._kept), min(len(numbers), len(self._kept)))
                return list(last)[::-1]
            return [self._kept[number - self.lost] for number in numbers if number >= self.lost]
        number = range(len(self))[which] - self.lost
        if number < 0:
            raise IndexError(f"trace event {which} was overwritten; there are {self.lost} to {len(self) - 1}")
        return self._kept[number]

    def __iter__(self) -> Iterator[TraceEvent]:
        """Those that are left."""
        return iter(self._kept)

    def __eq__(self, other: object) -> bool:
        """Equal to any sequence of the same events."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


class Tracing(Struct):
    """``events``, and how many were written (int)."""

    __slots__ = ("events", "nr_written")
    NOT_STATE: ClassVar[frozenset[str]] = frozenset({"events"})
    events: Events
    nr_written: int

    def __init__(self) -> None:
        """An empty buffer."""
        self.events = Events()
        self.nr_written = 0
