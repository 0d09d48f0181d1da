"""What a run of compaction keeps in hand: results, modes, struct compact_control (mm/internal.h, 6.18)."""

from __future__ import annotations

from enum import IntEnum

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mmzone import Node, Zone, pageblock_start_pfn
from thplab.mm.include.state import Struct
from thplab.mm.trace import trace


class CompactResult(IntEnum):
    """enum compact_result; a larger number tells more, so of several zones the largest counts."""

    NOT_SUITABLE_ZONE = 0  # in traces only: too little memory, not fragmentation
    SKIPPED = 1  # not started: it could not help
    DEFERRED = 2  # not started: it failed here lately
    NO_SUITABLE_PAGE = 3  # in traces only: no block yet
    CONTINUE = 4  # internal: keep scanning
    COMPLETE = 5  # the whole zone was scanned without success
    PARTIAL_SKIPPED = 6  # a part of the zone was scanned without success
    CONTENDED = 7  # given up early
    SUCCESS = 8  # an allocation should work now


SKIPPED, DEFERRED = CompactResult.SKIPPED, CompactResult.DEFERRED


class MigrateMode(IntEnum):
    """enum migrate_mode: may the one who moves pages wait?"""

    ASYNC = 0  # never waits: what is locked or under writeback stays
    SYNC_LIGHT = 1  # may wait, but not for writeback
    SYNC = 2  # may wait for everything


class CompactControl(Struct):
    """struct compact_control: one run of compaction. Positions are pfns, counts are pages.

    ``order``: the block wanted; -1: the whole zone, as a write to compact_memory asks. ``migratetype``:
    the kind of pages that the block is for. ``migrate_pfn``, ``free_pfn``: the positions of the two
    scanners. ``nr_migratepages``, ``nr_freepages``: pages isolated by them, sources and targets; their
    lists begin at ``migratepages`` and ``freepages + order``. ``fast_start_pfn``: the lowest block that
    the migrate scanner jumped to (0: none yet, None: it went back there). ``finish_pageblock``: isolate
    all of the present block. The struct belongs to the task that compacts, so no lock protects it.
    """

    __slots__ = (
        "alloc_flags", "contended", "direct_compaction", "fast_search_fail", "fast_start_pfn",
        "finish_pageblock", "free_pfn", "freepages", "highest_zoneidx", "ignore_block_suitable",
        "ignore_skip_hint", "migrate_pfn",
        "migratepages", "migratetype", "mode", "nr_freepages", "nr_migratepages", "order",
        "proactive_compaction", "search_order", "total_free_scanned", "total_migrate_scanned",
        "whole_zone", "zone",
    )  # fmt: skip
    zone: Zone  # struct zone *
    order: int
    search_order: int  # short: where the next search of the free lists begins
    migratetype: int
    mode: MigrateMode
    alloc_flags: int  # unsigned int: ALLOC_*, names the watermark to reach
    highest_zoneidx: int  # int: the best zone that the request could have used
    migrate_pfn: int  # unsigned long
    free_pfn: int  # unsigned long
    nr_migratepages: int  # unsigned int
    nr_freepages: int  # unsigned int
    migratepages: int  # struct list_head, here the number of the list head
    freepages: int  # struct list_head[NR_PAGE_ORDERS], here the number of the first
    total_migrate_scanned: int  # unsigned long
    total_free_scanned: int  # unsigned long
    fast_search_fail: int  # unsigned short: failed searches in a row
    fast_start_pfn: int | None  # unsigned long; None: ULONG_MAX
    direct_compaction: bool  # the task compacts for its own allocation
    proactive_compaction: bool  # kcompactd compacts because of the score
    whole_zone: bool  # no cached position: from end to end
    ignore_skip_hint: bool  # scan blocks in which others found nothing
    ignore_block_suitable: bool  # take targets from pageblocks of any type
    finish_pageblock: bool  # isolate all that is left of the present pageblock
    contended: bool  # the kernel met a lock that another task holds

    def __init__(self, kernel: Kernel, zone: Zone, order: int, migratetype: int, mode: MigrateMode) -> None:
        """Nothing isolated yet, nothing ignored."""
        self.zone = zone
        self.order = order
        # A search begins at the order that served the last one.
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
    zone: Zone  # struct zone * (in the kernel: of the compact_control)
    order: int
    migratetype: int
    page: int | None  # struct page *; None: NULL, nothing captured

    def __init__(self, zone: Zone, order: int, migratetype: int) -> None:
        """Nothing captured yet."""
        self.zone = zone
        self.order = order
        self.migratetype = migratetype
        self.page = None


def compact_scanners_met(kernel: Kernel, cc: CompactControl) -> bool:
    """True once both scanners are in the same pageblock, or have passed each other.

    Pageblocks are compared, not pfns: a block that gives sources must not give targets too.
    """
    return pageblock_start_pfn(kernel, cc.free_pfn) <= pageblock_start_pfn(kernel, cc.migrate_pfn)


def compact_cluster_max(kernel: Kernel) -> int:
    """COMPACT_CLUSTER_MAX: pages in a batch (unsigned long), a sixteenth of a pageblock (32)."""
    return max(1, kernel.geometry.HPAGE_PMD_NR // 16)


def freelist_scan_limit(kernel: Kernel, cc: CompactControl) -> int:
    """How many list entries (unsigned int) a search may read: half as many after each failure."""
    shift = min(12, cc.fast_search_fail)
    return max(1, ((compact_cluster_max(kernel) >> shift) + 1) >> 1)


def get_pageblock_skip(kernel: Kernel, pfn: int) -> bool:
    """Has compaction noted that nothing can be isolated from this pageblock? ``pfn``: unsigned long.

    The hint is one bit that may be out of date, never more than a hint.
    Locks expected: none.
    """
    mem_map = kernel.mem_map
    return bool(mem_map.pageblock_skip[(pfn >> mem_map.pageblock_order) - _first_block(kernel)])


def set_pageblock_skip(kernel: Kernel, pfn: int, *, skip: bool = True) -> None:
    """Set or clear (``skip`` false) the hint of the pageblock of ``pfn``. Locks expected: none."""
    mem_map = kernel.mem_map
    mem_map.pageblock_skip[(pfn >> mem_map.pageblock_order) - _first_block(kernel)] = int(skip)


def _first_block(kernel: Kernel) -> int:
    """Number of the first pageblock: memory may begin in the middle of the address space."""
    return kernel.mem_map.start_pfn >> kernel.mem_map.pageblock_order


def isolation_suitable(kernel: Kernel, cc: CompactControl, pfn: int) -> bool:
    """May the pageblock be scanned: it has no skip hint, or hints are ignored. Locks expected: none."""
    return cc.ignore_skip_hint or not get_pageblock_skip(kernel, pfn)


def trace_isolate(kernel: Kernel, event: str, start: int, end: int, scanned: int, taken: int) -> None:
    """The three events of the scanners: the range (pfns), pages scanned, pages isolated."""
    trace(kernel, event, start_pfn=f"{start:#x}", end_pfn=f"{end:#x}", nr_scanned=scanned, nr_taken=taken)


def trace_result(kernel: Kernel, event: str, zone: Zone, order: int, result: CompactResult) -> None:
    """The events that say what became of one zone for one order."""
    trace(kernel, event, node=Node.NODE_ID, zone=zone.name, order=order, ret=result.name.lower())
