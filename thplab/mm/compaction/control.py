"""What a run of compaction keeps in hand: results, modes, struct compact_control (mm/internal.h, 6.18)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from thplab.mm.include.mmzone import Zone, pageblock_start_pfn
from thplab.mm.include.state import Struct
from thplab.mm.trace import trace

if TYPE_CHECKING:
    from thplab.mm.system import Kernel

__all__ = ["CaptureControl", "CompactControl", "CompactResult", "MigrateMode", "compact_scanners_met"]


class CompactResult(IntEnum):
    """enum compact_result; a larger number tells more, so of several zones the largest counts."""

    NOT_SUITABLE_ZONE = 0
    SKIPPED = 1
    DEFERRED = 2
    NO_SUITABLE_PAGE = 3
    CONTINUE = 4
    COMPLETE = 5
    PARTIAL_SKIPPED = 6
    CONTENDED = 7
    SUCCESS = 8


SKIPPED, DEFERRED = CompactResult.SKIPPED, CompactResult.DEFERRED


class MigrateMode(IntEnum):
    """enum migrate_mode: may the one who moves pages wait?"""

    ASYNC = 0
    SYNC_LIGHT = 1
    SYNC = 2


class CompactControl(Struct):
    """struct compact_control. Positions are pfns, counts are pages.

    ``order``: the block wanted; -1: the whole zone, as a write to compact_memory asks. ``migratetype``:
    what kind of pages it is for. ``migrate_pfn``, ``free_pfn``: where the two scanners stand.
    ``nr_migratepages``, ``nr_freepages``: pages in hand, sources and targets; their lists begin at
    ``migratepages`` and ``freepages + order``. ``fast_start_pfn``: the lowest block that the migrate scanner
    jumped to (0: none yet, None: it went back there). ``finish_pageblock``: take all of the present block.
    """

    __slots__ = (
        "alloc_flags", "contended", "direct_compaction", "fast_search_fail", "fast_start_pfn",
        "finish_pageblock", "free_pfn", "freepages", "highest_zoneidx", "ignore_block_suitable",
        "ignore_skip_hint", "migrate_pfn",
        "migratepages", "migratetype", "mode", "nr_freepages", "nr_migratepages", "order",
        "proactive_compaction", "search_order", "total_free_scanned", "total_migrate_scanned",
        "whole_zone", "zone",
    )  # fmt: skip
    zone: Zone
    order: int
    search_order: int
    migratetype: int
    mode: MigrateMode
    alloc_flags: int
    highest_zoneidx: int
    migrate_pfn: int
    free_pfn: int
    nr_migratepages: int
    nr_freepages: int
    migratepages: int
    freepages: int
    total_migrate_scanned: int
    total_free_scanned: int
    fast_search_fail: int
    fast_start_pfn: int | None
    direct_compaction: bool
    proactive_compaction: bool
    whole_zone: bool
    ignore_skip_hint: bool
    ignore_block_suitable: bool
    finish_pageblock: bool
    contended: bool

    def __init__(self, kernel: Kernel, zone: Zone, order: int, migratetype: int, mode: MigrateMode) -> None:
        """Nothing isolated yet, nothing ignored."""
        self.zone = zone
        self.order = order
        self.search_order = order
        self.migratetype = migratetype
        self.mode = mode
        self.alloc_flags = 0
        self.highest_zoneidx = zone.index
        self.migrate_pfn = self.free_pfn = 0
        self.nr_migratepages = self.nr_freepages = 0
        self.migratepages = kernel.node.compact_lists
        self.freepages = kernel.node.compact_lists + 1
        self.total_migrate_scanned = self.total_free_scanned = self.fast_search_fail = 0
        self.fast_start_pfn = 0
        self.direct_compaction = self.proactive_compaction = self.whole_zone = False
        self.ignore_skip_hint = self.ignore_block_suitable = False
        self.finish_pageblock = self.contended = False

    @property
    def via_compact_memory(self) -> bool:
        """True if the goal is the whole zone, not a block (is_via_compact_memory)."""
        return self.order == -1


class CaptureControl(Struct):
    """struct capture_control: the block that a direct compactor waits for; ``page`` once it is whole."""

    __slots__ = ("migratetype", "order", "page", "zone")
    zone: Zone
    order: int
    migratetype: int
    page: int | None

    def __init__(self, zone: Zone, order: int, migratetype: int) -> None:
        """Nothing captured yet."""
        self.zone = zone
        self.order = order
        self.migratetype = migratetype
        self.page = None


def compact_scanners_met(kernel: Kernel, cc: CompactControl) -> bool:
    """True once both scanners stand in the same pageblock, or have passed each other."""
    return pageblock_start_pfn(kernel, cc.free_pfn) <= pageblock_start_pfn(kernel, cc.migrate_pfn)


def compact_cluster_max(kernel: Kernel) -> int:
    """COMPACT_CLUSTER_MAX: pages in a batch, a sixteenth of a pageblock (32)."""
    return max(1, kernel.geometry.HPAGE_PMD_NR // 16)


def freelist_scan_limit(kernel: Kernel, cc: CompactControl) -> int:
    """How many list entries a search looks at: less after each failure."""
    shift = min(12, cc.fast_search_fail)
    return max(1, ((compact_cluster_max(kernel) >> shift) + 1) >> 1)


def get_pageblock_skip(kernel: Kernel, pfn: int) -> bool:
    """Has compaction noted that nothing is to be had in this pageblock?"""
    mem_map = kernel.mem_map
    return bool(mem_map.pageblock_skip[(pfn >> mem_map.pageblock_order) - _first_block(kernel)])


def set_pageblock_skip(kernel: Kernel, pfn: int, *, skip: bool = True) -> None:
    """Note it, or forget it."""
    mem_map = kernel.mem_map
    mem_map.pageblock_skip[(pfn >> mem_map.pageblock_order) - _first_block(kernel)] = int(skip)


def _first_block(kernel: Kernel) -> int:
    return kernel.mem_map.start_pfn >> kernel.mem_map.pageblock_order


def isolation_suitable(kernel: Kernel, cc: CompactControl, pfn: int) -> bool:
    """May the pageblock be looked at: it has no skip hint, or hints are ignored."""
    return cc.ignore_skip_hint or not get_pageblock_skip(kernel, pfn)


def trace_isolate(kernel: Kernel, what: str, start: int, end: int, scanned: int, taken: int) -> None:
    """The three events of the scanners: which range was looked at, how many pages, how many taken."""
    trace(
        kernel,
        f"mm_compaction_{what}",
        ("start_pfn", f"{start:#x}"),
        ("end_pfn", f"{end:#x}"),
        ("nr_scanned", scanned),
        ("nr_taken", taken),
    )
