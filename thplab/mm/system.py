"""What is global in the kernel: one :class:`Kernel` holds all of it.

C has global variables (``mem_map``, ``khugepaged_scan``, ``vm_event_states``); here they are the
fields of one object, so that two machines can stand side by side. All state of a run hangs off it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from thplab.kernels import Profile
from thplab.mm.compaction.control import CaptureControl, CompactControl
from thplab.mm.filemap import AddressSpace
from thplab.mm.include.geometry import Geometry
from thplab.mm.include.gfp import MIGRATE_MOVABLE, MIGRATE_UNMOVABLE
from thplab.mm.include.list import INIT_LIST_HEAD
from thplab.mm.include.lock import Lock
from thplab.mm.include.mm_types import Mm
from thplab.mm.include.mmzone import ZONE_LIMITS, Memory, Node, Zone, default_migratetype
from thplab.mm.include.page import MemMap, PG_reserved, page_to_pfn
from thplab.mm.include.state import Column, Struct
from thplab.mm.khugepaged.structs import Khugepaged
from thplab.mm.memcontrol import MemCgroup
from thplab.mm.page_alloc.buddy import __rmqueue_smallest, memmap_init_zone
from thplab.mm.page_alloc.watermark import init_per_zone_wmark_min, set_pcp_high
from thplab.mm.proc.sysctl import Sysctl
from thplab.mm.swapfile import SwapInfo
from thplab.mm.sysfs import Knobs
from thplab.mm.task import Clock, Task
from thplab.mm.trace import Tracing
from thplab.mm.vmstat import EVENTS

if TYPE_CHECKING:
    from thplab.mm.tlb import Tlb

__all__ = ["Kernel"]


class Kernel(Struct):
    """A kernel on a machine with one node.

    ``tables`` maps a page to the entries that stand in it, ``ptlocks`` a page to the spinlock of
    that table; ``mms`` are the address spaces in order of creation, ``mappings`` the files in memory.
    ``tlb``: the processor's buffer of translations, where a lesson looks at one (tlb.py), else None.
    ``after_store`` maps a sysfs file to what its store function does besides storing. ``compact_control``:
    the compaction that runs now; ``capture_control``: who waits for a block meanwhile.
    """

    __slots__ = (
        "after_store", "capture_control", "clock", "compact_control", "current", "geometry",
        "huge_zero_folio", "khugepaged", "knobs", "lru_gen_enabled", "mappings", "mem_map", "memcgs",
        "memory", "mms", "next_anon_vma", "next_kthread_pid", "next_mapping", "next_pid", "node", "profile",
        "ptlocks", "swap", "sysctl", "tables", "tlb", "tracing", "vmstat", "zero_page",
    )  # fmt: skip
    NOT_STATE: ClassVar[frozenset[str]] = frozenset({"profile", "geometry", "memory", "after_store"})
    profile: Profile
    geometry: Geometry
    mem_map: MemMap
    memory: Memory
    node: Node
    vmstat: Column
    knobs: Knobs
    sysctl: Sysctl
    compact_control: CompactControl | None
    capture_control: CaptureControl | None
    khugepaged: Khugepaged
    clock: Clock
    tracing: Tracing
    current: Task
    mms: tuple[Mm, ...]
    mappings: tuple[AddressSpace, ...]
    tables: dict[int, Column]
    ptlocks: dict[int, Lock]
    zero_page: int
    huge_zero_folio: int | None
    lru_gen_enabled: bool
    memcgs: tuple[MemCgroup, ...]
    swap: SwapInfo
    tlb: Tlb | None
    next_pid: int
    next_kthread_pid: int
    next_anon_vma: int
    next_mapping: int
    after_store: dict[str, Callable[[Kernel], None]]

    def __init__(
        self,
        profile: Profile,
        geometry: Geometry,
        start_pfn: int,
        pages: int,
        swap_pages: int,
        memory: Memory,
    ) -> None:
        """``pages`` frames from ``start_pfn`` on; behind them one that the kernel image takes.

        ``swap_pages``: slots of the swap device, 0: no swap.
        """
        self.profile = profile
        self.geometry = geometry
        self.memory = memory
        layout = _zone_layout(memory, start_pfn, pages)
        kernel_zones = 1 if memory.kernel_pages else 0
        per_zone, order = Zone.nr_list_heads(geometry.MAX_PAGE_ORDER), geometry.MAX_PAGE_ORDER
        nr_heads = per_zone * (len(layout) + kernel_zones) + Node.nr_list_heads(order)
        # The kernel's own pages begin with a pageblock of their own.
        outside_pfn = -(-(start_pfn + pages + 1) // geometry.HPAGE_PMD_NR) * geometry.HPAGE_PMD_NR
        frames = outside_pfn - start_pfn + memory.kernel_pages if memory.kernel_pages else pages + 1
        self.mem_map = MemMap(start_pfn, frames, nr_heads, geometry.HPAGE_PMD_ORDER)
        self.vmstat = Column("Q", len(EVENTS), "vmstat")
        self.knobs = Knobs(geometry)
        self.sysctl = Sysctl()
        self.khugepaged = Khugepaged()
        self.clock = Clock()
        self.tracing = Tracing()
        self.current = Task("swapper", 0)
        self.mms = ()
        self.mappings = ()
        self.tables = {}
        self.ptlocks = {}
        self.huge_zero_folio = None
        self.memcgs = ()
        self.lru_gen_enabled = profile.lru_gen_enabled
        self.swap = SwapInfo(swap_pages)
        self.tlb = None
        self.compact_control = None
        self.capture_control = None
        self.next_pid = 1000
        self.next_kthread_pid = 30
        self.next_anon_vma = 1
        self.next_mapping = 1
        self.after_store = {}
        self.zero_page = pages
        for page in range(self.zero_page, frames - memory.kernel_pages):
            self.mem_map.flags[page] = PG_reserved
        zones, pfn = [], start_pfn
        for index, (name, size) in enumerate(layout):
            zones.append(Zone(name, index, pfn, size, order, frames + per_zone * index))
            pfn += size
        outside = None
        if memory.kernel_pages:
            first = frames + per_zone * len(zones)
            outside = Zone("kernel", len(zones), outside_pfn, memory.kernel_pages, order, first)
        self.node = Node(tuple(zones), outside, frames + per_zone * (len(zones) + kernel_zones))
        for head in range(self.node.lru, self.node.lru + Node.nr_list_heads(order)):
            INIT_LIST_HEAD(self.mem_map.links, head)
        for zone in zones:
            memmap_init_zone(self, zone, MIGRATE_MOVABLE)
        if outside is not None:
            memmap_init_zone(self, outside, default_migratetype(self, MIGRATE_UNMOVABLE))
        _reserve_zero_page(self)
        set_pcp_high(self)
        init_per_zone_wmark_min(self)

    @property
    def zone(self) -> Zone:
        """The highest zone: most user memory comes from it, and a small machine has no other."""
        return self.node.zones[-1]

    @property
    def zero_pfn(self) -> int:
        """pfn of the 4 KiB page of zeros that all read faults share."""
        return page_to_pfn(self.mem_map, self.zero_page)


def _reserve_zero_page(kernel: Kernel) -> None:
    """The page of zeros lies behind the zones, or is the first page of a very large machine.

    Of the latter not all frames are ready yet, those at its end least of all.
    """
    mem_map = kernel.mem_map
    if mem_map.nr_ready < mem_map.nr_frames:
        page = __rmqueue_smallest(kernel, kernel.node.zones[0], 0, MIGRATE_MOVABLE)
        assert page is not None
        kernel.zero_page = page
        kernel.node.zones[0].managed_pages -= 1
        mem_map.flags[page] = PG_reserved
    mem_map.refcount[kernel.zero_page] = 1


def _zone_layout(memory: Memory, start_pfn: int, pages: int) -> tuple[tuple[str, int], ...]:
    """(name, pages) of each zone that has pages: as asked for, else cut by address."""
    if memory.zones:
        return memory.zones
    layout, pfn, end = [], start_pfn, start_pfn + pages
    for name, limit in ZONE_LIMITS:
        size = min(limit, end) - pfn
        if size > 0:
            layout.append((name, size))
            pfn += size
    return tuple(layout)
