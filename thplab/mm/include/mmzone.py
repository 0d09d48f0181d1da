"""Zones, pageblocks and the node: what the page allocator keeps account in (include/linux/mmzone.h, 6.18).

Memory of one node is cut into zones by address, a zone into pageblocks of one huge page each. A
pageblock has a migrate type: which kind of pages is to be put there, so that pages that can't move
do not end up everywhere. Each zone has, for each order and migrate type, a list of free blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from thplab.mm.include.gfp import MIGRATE_MOVABLE
from thplab.mm.include.page import MemMap
from thplab.mm.include.sched import Kthread
from thplab.mm.include.state import Column, Struct

if TYPE_CHECKING:
    from thplab.mm.include.kernel import Kernel

MIGRATE_HIGHATOMIC, MIGRATE_ISOLATE = 3, 4
#: Types that pages are asked for and that have per-CPU lists (MIGRATE_PCPTYPES).
MIGRATE_PCPTYPES = 3
MIGRATE_NAMES = ("Unmovable", "Movable", "Reclaimable", "HighAtomic", "Isolate")
MIGRATE_TYPES = len(MIGRATE_NAMES)

#: First pfn behind each zone of x86-64: 16 MiB, 4 GiB, no end.
ZONE_LIMITS = (("DMA", 1 << 12), ("DMA32", 1 << 20), ("Normal", 1 << 40))
#: All zones that a request can name (enum zone_type); the model's machines have no pages in Movable.
ZONE_NAMES = (*(name for name, _ in ZONE_LIMITS), "Movable")

#: Per-CPU lists: orders 0 to 3 for each of three types, and two for huge pages.
NR_PCP_LISTS = 4 * MIGRATE_PCPTYPES + 2
#: LRU lists: inactive and active, anonymous and file, and unevictable (enum lru_list).
NR_LRU_LISTS = 5


@dataclass(frozen=True, slots=True)
class Memory:
    """How the memory of a machine is set up.

    ``zones``: (name, pages) from the lowest address on; empty: cut by address as x86-64 does.
    ``group_by_mobility``: pageblocks have migrate types; without it all pages share one kind of list.
    ``watermarks``: reserves as the kernel computes them at boot; without them all is 0.
    ``daemons``: kswapd and kcompactd exist. ``pcp``: pages a per-CPU list may hold; None: the
    kernel's rule, 0: no per-CPU lists. ``kernel_pages``: where page tables come from: so many pages
    outside every zone, or 0: the zones themselves. ``scanners_may_touch``: the free scanner may use the
    pageblock right above the migrate scanner's last one, as textbooks have it; the kernel does not, so
    one block less comes free when a whole zone is compacted.
    """

    zones: tuple[tuple[str, int], ...] = ()
    group_by_mobility: bool = True
    watermarks: bool = True
    daemons: bool = True
    pcp: int | None = None
    kernel_pages: int = 0
    scanners_may_touch: bool = False


#: A piece of a larger machine: one zone, one kind of list, no reserves, nobody in the background.
SLICE = Memory(group_by_mobility=False, watermarks=False, daemons=False, pcp=0)


class PerCpuPages(Struct):
    """struct per_cpu_pages of the one processor: free pages kept aside, ``count`` of them.

    ``high``: more are not kept (0: none at all); ``batch``: how many go to and fro at a time;
    ``lists``: number of the first list head.
    """

    __slots__ = ("batch", "count", "high", "lists")
    count: int  # pages
    high: int  # pages; above it some go back
    batch: int  # pages at a time
    lists: int  # struct list_head[NR_PCP_LISTS], here the number of the first

    def __init__(self, lists: int) -> None:
        """Empty, and nothing may be kept."""
        self.count = 0
        self.high = 0
        self.batch = 1
        self.lists = lists


class Zone(Struct):
    """struct zone. Sizes and watermarks in pages.

    ``nr_free[order]``: free blocks (u64); ``free_pages``: NR_FREE_PAGES; ``free_lists``: number of the
    first list head; ``lowmem_reserve``: one for each zone, kept from requests that could have
    taken that zone. ``boosted``: the marks were raised and kswapd is to be told. ``compact_*``: where
    compaction left off, and how often it failed lately.
    """

    __slots__ = (
        "boosted", "compact_blockskip_flush", "compact_cached_free_pfn", "compact_cached_migrate_pfn_async",
        "compact_cached_migrate_pfn_sync", "compact_considered", "compact_defer_shift",
        "compact_init_free_pfn", "compact_init_migrate_pfn", "compact_order_failed", "free_lists",
        "free_pages", "index", "lowmem_reserve", "managed_pages", "max_order", "name", "nr_free",
        "pcp", "spanned_pages", "watermark_boost", "watermark_high", "watermark_low",
        "watermark_min", "zone_start_pfn",
    )  # fmt: skip
    name: str
    index: int  # enum zone_type, among the zones that have pages
    zone_start_pfn: int  # unsigned long
    spanned_pages: int  # unsigned long
    managed_pages: int  # atomic_long_t: what the allocator has in all
    max_order: int  # MAX_PAGE_ORDER
    nr_free: Column  # unsigned long in each struct free_area: blocks, not pages
    free_pages: int  # unsigned long, pages
    free_lists: int  # free_area[].free_list[]
    pcp: PerCpuPages
    watermark_min: int  # unsigned long: only urgent requests go below
    watermark_low: int  # unsigned long: kswapd is woken
    watermark_high: int  # unsigned long: kswapd sleeps
    watermark_boost: int  # unsigned long: added to all three after a fallback
    boosted: bool  # ZONE_BOOSTED_WATERMARK of flags
    lowmem_reserve: tuple[int, ...]  # long[MAX_NR_ZONES], pages
    compact_cached_free_pfn: int  # unsigned long
    compact_cached_migrate_pfn_async: int  # unsigned long, [0] of a pair
    compact_cached_migrate_pfn_sync: int  # unsigned long, [1] of a pair
    compact_init_migrate_pfn: int  # unsigned long: a run from here sees the whole zone
    compact_init_free_pfn: int  # unsigned long
    compact_considered: int  # unsigned int: requests since the last failure
    compact_defer_shift: int  # unsigned int: one in 2^shift requests is tried
    compact_order_failed: int  # int: the smallest order that failed
    compact_blockskip_flush: bool  # kswapd should clear the skip hints

    def __init__(self, name: str, index: int, start_pfn: int, pages: int, max_order: int, lists: int) -> None:
        """A zone none of whose pages is free yet; ``lists``: number of its first list head."""
        self.name = name
        self.index = index
        self.zone_start_pfn = start_pfn
        self.spanned_pages = pages
        self.managed_pages = pages
        self.max_order = max_order
        self.nr_free = Column("Q", max_order + 1, f"zone {name} nr_free")
        self.free_pages = 0
        self.free_lists = lists
        self.pcp = PerCpuPages(lists + MIGRATE_TYPES * (max_order + 1))
        self.watermark_min = self.watermark_low = self.watermark_high = self.watermark_boost = 0
        self.boosted = False
        self.lowmem_reserve = ()
        self.compact_considered = self.compact_defer_shift = 0
        self.compact_order_failed = 0
        self.compact_blockskip_flush = False
        self.compact_cached_migrate_pfn_async = self.compact_cached_migrate_pfn_sync = start_pfn
        # The free scanner begins with the last pageblock, which may be incomplete.
        self.compact_cached_free_pfn = (start_pfn + pages - 1) & -(1 << (max_order - 1))
        # Known only once hints have been forgotten: until then no run counts as one over the whole zone.
        self.compact_init_migrate_pfn = self.compact_init_free_pfn = 0

    @property
    def present_pages(self) -> int:
        """Pages that exist: the model's zones have no holes."""
        return self.spanned_pages

    @property
    def zone_end_pfn(self) -> int:
        """First pfn behind the zone."""
        return self.zone_start_pfn + self.spanned_pages

    @staticmethod
    def nr_list_heads(max_order: int) -> int:
        """How many list heads a zone needs."""
        return MIGRATE_TYPES * (max_order + 1) + NR_PCP_LISTS


class Node(Struct):
    """struct pglist_data: the zones, and what kswapd and kcompactd are asked for.

    ``zones`` from the lowest up; ``zonelists`` (node_zonelists): for each of ZONE_NAMES the zones up to
    that one, from the highest down. ``kernel_zone``: where page tables come from, if outside the zones.
    ``lru``, ``compact_lists``: number of the first LRU list head, and of the first that compaction
    uses. ``kswapd_order``, ``kswapd_highest_zoneidx``, ``kcompactd_max_order``,
    ``kcompactd_highest_zoneidx``: the largest pending request; ``kswapd_failures``: rounds in a row that
    reclaimed nothing; ``*_woken``: the thread is to run. ``split_queue``, ``split_list``: list heads of
    the deferred split queue and of what its shrinker works on, ``split_queue_len`` folios on both;
    ``shrinker_nr_deferred``: work that the shrinker put off.
    """

    __slots__ = (
        "compact_lists", "kcompactd", "kcompactd_highest_zoneidx", "kcompactd_max_order",
        "kcompactd_woken", "kernel_zone", "kswapd", "kswapd_failures", "kswapd_highest_zoneidx",
        "kswapd_order", "kswapd_woken", "lru", "proactive_compact_trigger", "shrinker_nr_deferred",
        "split_list", "split_queue", "split_queue_len", "zonelists", "zones",
    )  # fmt: skip
    NODE_ID: ClassVar[int] = 0
    zones: tuple[Zone, ...]
    zonelists: tuple[tuple[Zone, ...], ...]
    kernel_zone: Zone | None
    lru: int
    compact_lists: int
    kswapd: Kthread | None
    kswapd_order: int
    kswapd_highest_zoneidx: int  # enum zone_type
    kswapd_failures: int  # atomic_t (6.18), int before
    kswapd_woken: bool  # in the kernel: a wake-up of kswapd_wait
    kcompactd: Kthread | None
    kcompactd_max_order: int
    kcompactd_highest_zoneidx: int  # enum zone_type
    kcompactd_woken: bool  # in the kernel: a wake-up of kcompactd_wait
    proactive_compact_trigger: bool
    split_queue: int
    split_list: int
    split_queue_len: int  # unsigned long
    shrinker_nr_deferred: int  # atomic_long_t, of the shrinker and this node

    def __init__(self, zones: tuple[Zone, ...], kernel_zone: Zone | None, lists: int) -> None:
        """A node that nobody asks for anything; ``lists``: number of its first list head."""
        self.zones = zones
        self.zonelists = tuple(
            tuple(zone for zone in reversed(zones) if zone.name in ZONE_NAMES[: rank + 1])
            for rank in range(len(ZONE_NAMES))
        )
        self.kernel_zone = kernel_zone
        self.lru = lists
        self.compact_lists = lists + NR_LRU_LISTS
        self.split_queue = lists + Node.nr_list_heads(zones[0].max_order) - 2
        self.split_list = self.split_queue + 1
        self.split_queue_len = self.shrinker_nr_deferred = 0
        self.kswapd = self.kcompactd = None
        self.kswapd_order = self.kswapd_failures = self.kcompactd_max_order = 0
        self.kswapd_highest_zoneidx = self.kcompactd_highest_zoneidx = len(zones) - 1
        self.kswapd_woken = self.kcompactd_woken = self.proactive_compact_trigger = False

    @staticmethod
    def nr_list_heads(max_order: int) -> int:
        """How many list heads a node needs: LRU, pages to move, targets of each order, two for splits."""
        return NR_LRU_LISTS + 1 + max_order + 1 + 2


def populated_zones(node: Node) -> Iterator[Zone]:
    """All zones that have pages, those of the kernel's own pages last."""
    yield from node.zones
    if node.kernel_zone is not None:
        yield node.kernel_zone


def page_zone(kernel: Kernel, page: int) -> Zone:
    """The zone (struct zone *) of a page. KernelBug is not needed: every frame that is handed out has one."""
    pfn = page + kernel.mem_map.start_pfn
    for zone in kernel.node.zones:
        if pfn < zone.zone_end_pfn:
            return zone
    assert kernel.node.kernel_zone is not None, f"pfn {pfn:#x} belongs to no zone"
    return kernel.node.kernel_zone


def free_list(zone: Zone, order: int, migratetype: int) -> int:
    """The list head of the zone's free blocks of one order (unsigned int) and type (int)."""
    # A list for each type and order: a request finds a fitting block without a search.
    return zone.free_lists + migratetype * (zone.max_order + 1) + order


def pageblock_start_pfn(kernel: Kernel, pfn: int) -> int:
    """First pfn (unsigned long) of the pageblock that ``pfn`` lies in."""
    return pfn & -kernel.geometry.HPAGE_PMD_NR


def pageblock_end_pfn(kernel: Kernel, pfn: int) -> int:
    """First pfn (unsigned long) behind the pageblock that ``pfn`` lies in."""
    return (pfn & -kernel.geometry.HPAGE_PMD_NR) + kernel.geometry.HPAGE_PMD_NR


def pageblock_number(mem_map: MemMap, page: int) -> int:
    """Index of a page's pageblock in the pageblock columns."""
    return (page + mem_map.first_block_offset) >> mem_map.pageblock_order


def get_pageblock_migratetype(mem_map: MemMap, page: int) -> int:
    """Migrate type (enum migratetype) of the pageblock that the page lies in.

    Locks expected: none; without zone->lock it may change at once.
    """
    migratetype: int = mem_map.pageblock_migratetype[pageblock_number(mem_map, page)]
    return migratetype


def set_pageblock_migratetype(mem_map: MemMap, page: int, migratetype: int) -> None:
    """Give the page's pageblock another type; its free blocks must be moved by the caller.

    Locks expected: zone->lock in the kernel.
    """
    mem_map.pageblock_migratetype[pageblock_number(mem_map, page)] = migratetype


def default_migratetype(kernel: Kernel, migratetype: int) -> int:
    """The type that a request really gets: without grouping all pages stand on the movable lists."""
    return migratetype if kernel.memory.group_by_mobility else MIGRATE_MOVABLE
