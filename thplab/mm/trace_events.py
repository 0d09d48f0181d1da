"""How the fields of each trace event are put into text (include/trace/events/*.h, 6.18).

The events of huge_memory.h separate their fields by commas. Those of compaction.h, migrate.h, vmscan.h
and kmem.h mostly do not, and two print a pair of fields as a range.
"""

from __future__ import annotations

__all__ = ["FORMATS", "event_text"]

_POSITIONS = "zone_start={zone_start} migrate_pfn={migrate_pfn} free_pfn={free_pfn} zone_end={zone_end}, "
_RANGE = "range=({start_pfn} ~ {end_pfn}) nr_scanned={nr_scanned} nr_taken={nr_taken}"
_ZONE = "node={node} zone={zone:<8} order={order} "
_DEFER = _ZONE + "order_failed={order_failed} consider={consider} limit={limit}"
_KCOMPACTD = "nid={nid} order={order} classzone_idx={classzone_idx:<8}"

#: event -> its text, as a format string over the names of its fields.
FORMATS = {
    "mm_compaction_begin": _POSITIONS + "mode={mode}",
    "mm_compaction_end": _POSITIONS + "mode={mode} status={status}",
    "mm_compaction_finished": _ZONE + "ret={ret}",
    "mm_compaction_suitable": _ZONE + "ret={ret}",
    "mm_compaction_isolate_migratepages": _RANGE,
    "mm_compaction_isolate_freepages": _RANGE,
    "mm_compaction_fast_isolate_freepages": _RANGE,
    "mm_compaction_migratepages": "nr_migrated={nr_migrated} nr_failed={nr_failed}",
    "mm_compaction_try_to_compact_pages": "order={order} gfp_mask={gfp_mask} priority={priority}",
    "mm_compaction_defer_compaction": _DEFER,
    "mm_compaction_deferred": _DEFER,
    "mm_compaction_defer_reset": _DEFER,
    "mm_compaction_wakeup_kcompactd": _KCOMPACTD,
    "mm_compaction_kcompactd_wake": _KCOMPACTD,
    "mm_compaction_kcompactd_sleep": "nid={nid}",
    "mm_vmscan_wakeup_kswapd": "nid={nid} order={order} gfp_flags={gfp_flags}",
    "mm_vmscan_kswapd_wake": "nid={nid} order={order}",
    "mm_vmscan_kswapd_sleep": "nid={nid}",
}
#: Events that print all their fields, separated by blanks.
_BLANKS = ("mm_migrate_pages", "mm_page_alloc_extfrag")


def event_text(name: str, fields: tuple[tuple[str, str], ...]) -> str:
    """The event's own part of a trace line. KeyError if a field is missing that the event prints."""
    if name in FORMATS:
        return FORMATS[name].format(**dict(fields))
    separator = " " if name in _BLANKS else ", "
    return separator.join(f"{field}={value}" for field, value in fields)
