"""What is global in the kernel: one :class:`Kernel` holds all of it.

C has global variables (``mem_map``, ``khugepaged_scan``, ``vm_event_states``); here they are the
fields of one object, so that two machines can stand side by side. All state of a run hangs off it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from thplab.kernels import Profile
from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.geometry import Geometry
from thplab.mm.include.khugepaged import Khugepaged
from thplab.mm.include.knobs import Knobs
from thplab.mm.include.lock import Lock
from thplab.mm.include.memcontrol import MemCgroup
from thplab.mm.include.mm_types import Mm
from thplab.mm.include.mmzone import Memory, Node, Zone
from thplab.mm.include.page import MemMap, page_to_pfn
from thplab.mm.include.sched import Clock, Task
from thplab.mm.include.state import Column, Struct
from thplab.mm.include.swap import SwapInfo
from thplab.mm.include.sysctl import Sysctl
from thplab.mm.include.trace_events import Tracing
from thplab.mm.include.vm_event_item import EVENTS

if TYPE_CHECKING:
    from thplab.mm.compaction.control import CaptureControl, CompactControl
    from thplab.mm.tlb import Tlb


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
        "ptlocks", "slowpath", "swap", "sysctl", "tables", "tlb", "tracing", "vmstat", "wakeup_kswapd",
        "zero_page",
    )  # fmt: skip
    NOT_STATE: ClassVar[frozenset[str]] = frozenset(
        {"profile", "geometry", "memory", "after_store", "slowpath", "wakeup_kswapd"}
    )
    profile: Profile
    geometry: Geometry
    mem_map: MemMap  # struct page *
    memory: Memory
    node: Node
    vmstat: Column  # vm_event_states and vm_zone_stat, vm_node_stat in one
    knobs: Knobs
    sysctl: Sysctl
    compact_control: CompactControl | None
    capture_control: CaptureControl | None
    khugepaged: Khugepaged  # khugepaged_scan and the variables beside it
    clock: Clock
    tracing: Tracing
    current: Task  # struct task_struct *
    mms: tuple[Mm, ...]  # the kernel's list begins at init_mm.mmlist
    mappings: tuple[AddressSpace, ...]
    tables: dict[int, Column]  # the contents of frames that are tables
    ptlocks: dict[int, Lock]  # ptlock_ptr(): in the struct page of each table
    zero_page: int  # ZERO_PAGE(0)
    huge_zero_folio: int | None  # struct folio *, None: NULL, not made yet
    lru_gen_enabled: bool
    memcgs: tuple[MemCgroup, ...]
    swap: SwapInfo  # swap_info[0]
    tlb: Tlb | None
    next_pid: int
    next_kthread_pid: int
    next_anon_vma: int
    next_mapping: int
    after_store: dict[str, Callable[[Kernel], None]]
    # The allocator reclaims, and reclaim allocates: the one circle of calls that the kernel has and imports
    # can't express. So the allocator calls what is above it through these two, which boot.py sets.
    slowpath: Callable[[Kernel, int, int], int | None]
    wakeup_kswapd: Callable[[Kernel, int, int, int], None]

    def __init__(
        self,
        profile: Profile,
        geometry: Geometry,
        memory: Memory,
        mem_map: MemMap,
        node: Node,
        swap_pages: int,
    ) -> None:
        """Nothing runs, nothing is allocated; ``swap_pages``: slots of the swap device, 0: no swap."""
        self.profile = profile
        self.geometry = geometry
        self.memory = memory
        self.mem_map = mem_map
        self.node = node
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

    @property
    def zone(self) -> Zone:
        """The highest zone: most user memory comes from it, and a small machine has no other."""
        return self.node.zones[-1]

    @property
    def zero_pfn(self) -> int:
        """pfn of the 4 KiB page of zeros that all read faults share."""
        return page_to_pfn(self.mem_map, self.zero_page)
