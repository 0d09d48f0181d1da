"""The trace events of the model: their fields and their text (include/trace/events/*.h, 6.18).

A new event is a row here, the call of :func:`thplab.mm.trace.trace` where it happens, and a test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import ClassVar

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
