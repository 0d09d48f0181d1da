"""A small parser of ftrace text: the same for recorded kernels and for the model.

Each compaction event is written out here as the format files of the kernel have it; a line that lacks
a field, has one too many or names one differently is no such line.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CAPTURES = Path(__file__).parent.parent / "data" / "captures"

_HEX = r"0x[0-9a-f]+"
_RANGE = (
    rf"range=\((?P<start>{_HEX}) ~ (?P<end>{_HEX})\) "
    r"nr_scanned=(?P<nr_scanned>\d+) nr_taken=(?P<nr_taken>\d+)"
)
_STATUS = (
    "not_suitable_zone|skipped|deferred|no_suitable_page|continue|complete|partial_skipped|contended|success"
)
_ZONE = r"node=(?P<node>\d+) zone=(?P<zone>(?:DMA|DMA32|Normal|Movable) *) order=(?P<order>-?\d+) "
_DEFER = _ZONE + r"order_failed=(?P<order_failed>\d+) consider=(?P<consider>\d+) limit=(?P<limit>\d+)"
_POSITIONS = (
    rf"zone_start=(?P<zone_start>{_HEX}) migrate_pfn=(?P<migrate_pfn>{_HEX}) free_pfn=(?P<free_pfn>{_HEX}) "
    rf"zone_end=(?P<zone_end>{_HEX}), mode=(?P<mode>sync|async)"
)
_WAKE = (
    r"nid=(?P<nid>\d+) order=(?P<order>-?\d+) classzone_idx=(?P<classzone_idx>(?:DMA|DMA32|Normal|Movable) *)"
)

FORMATS = {
    "mm_compaction_begin": _POSITIONS,
    "mm_compaction_end": rf"{_POSITIONS} status=(?P<status>{_STATUS})",
    "mm_compaction_finished": rf"{_ZONE}ret=(?P<ret>{_STATUS})",
    "mm_compaction_suitable": rf"{_ZONE}ret=(?P<ret>{_STATUS})",
    "mm_compaction_isolate_migratepages": _RANGE,
    "mm_compaction_isolate_freepages": _RANGE,
    "mm_compaction_fast_isolate_freepages": _RANGE,
    "mm_compaction_migratepages": r"nr_migrated=(?P<nr_migrated>\d+) nr_failed=(?P<nr_failed>\d+)",
    "mm_compaction_try_to_compact_pages": (
        r"order=(?P<order>\d+) gfp_mask=(?P<gfp_mask>(?:_*GFP_\w+\|?)+) priority=(?P<priority>\d)"
    ),
    "mm_compaction_defer_compaction": _DEFER,
    "mm_compaction_deferred": _DEFER,
    "mm_compaction_defer_reset": _DEFER,
    "mm_compaction_wakeup_kcompactd": _WAKE,
    "mm_compaction_kcompactd_wake": _WAKE,
    "mm_compaction_kcompactd_sleep": r"nid=(?P<nid>\d+)",
    "mm_vmscan_wakeup_kswapd": r"nid=(?P<nid>\d+) order=(?P<order>\d+) gfp_flags=(?P<gfp>(?:_*GFP_\w+\|?)+)",
    "mm_vmscan_kswapd_wake": r"nid=(?P<nid>\d+) order=(?P<order>\d+)",
    "mm_vmscan_kswapd_sleep": r"nid=(?P<nid>\d+)",
    "mm_migrate_pages": (
        r"nr_succeeded=(?P<nr_succeeded>\d+) nr_failed=(?P<nr_failed>\d+) nr_thp_succeeded=\d+ "
        r"nr_thp_failed=\d+ nr_thp_split=\d+(?: nr_split=\d+)? mode=(?P<mode>MIGRATE_\w+) reason=compaction"
    ),
}
_LINE = re.compile(
    r"^ *(?P<comm>.{1,16}?)-(?P<pid>\d+) +\[(?P<cpu>\d{3})\] (?P<flags>.{5}) +(?P<time>\d+\.\d{6}): "
    r"(?P<event>\w+): (?P<text>.*)$"
)


class NotAnEvent(ValueError):
    """The line is not what the kernel's format says."""


class Event(NamedTuple):
    """One line: who, which event, its fields as printed."""

    comm: str
    event: str
    fields: dict[str, str]


def parse(line: str) -> Event:
    """One trace line of a known event. Raises NotAnEvent."""
    head = _LINE.match(line)
    if head is None:
        raise NotAnEvent(line)
    pattern = FORMATS.get(head["event"])
    body = re.fullmatch(pattern, head["text"]) if pattern else None
    if body is None:
        raise NotAnEvent(line)
    for name in ("zone", "classzone_idx"):
        if name in body.groupdict() and len(body[name]) < 8:
            raise NotAnEvent(f"{name} is not padded to 8: {line}")
    return Event(head["comm"].strip(), head["event"], {k: v.strip() for k, v in body.groupdict().items()})


def recorded(name: str) -> Iterator[str]:
    """The trace lines of a recorded file that are about compaction."""
    with gzip.open(CAPTURES / f"{name}.txt.gz", "rt") as file:
        for line in file:
            text = line.rstrip("\n")
            if text[:1] == " " and any(f": {event}: " in text for event in FORMATS):
                yield text
