"""What is global in the kernel: one :class:`Kernel` holds all of it.

C has global variables (``mem_map``, ``khugepaged_scan``, ``vm_event_states``); here they are the
fields of one object, so that two machines can stand side by side. All state of a run hangs off it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from thplab.kernels import Profile
from thplab.mm.filemap import AddressSpace
from thplab.mm.geometry import Geometry
from thplab.mm.khugepaged_scan import Khugepaged
from thplab.mm.lock import Lock
from thplab.mm.mm_types import Mm
from thplab.mm.page import MemMap, PG_reserved, page_to_pfn
from thplab.mm.page_alloc import Zone, memmap_init_zone
from thplab.mm.state import Column, Struct
from thplab.mm.swap import SwapInfo
from thplab.mm.sysfs import Knobs
from thplab.mm.task import Clock, Task
from thplab.mm.trace import Tracing
from thplab.mm.vmstat import EVENTS

if TYPE_CHECKING:
    from thplab.mm.tlb import Tlb

__all__ = ["Kernel"]


class Kernel(Struct):
    """A kernel on a machine with one node and one zone.

    ``tables`` maps a page to the entries that stand in it, ``ptlocks`` a page to the spinlock of
    that table; ``mms`` are the address spaces in order of creation, ``mappings`` the files in memory.
    ``tlb``: the processor's buffer of translations, where a lesson looks at one (tlb.py), else None.
    ``after_store`` maps a sysfs file to what its store function does besides storing.
    """

    __slots__ = (
        "after_store", "clock", "current", "geometry", "huge_zero_folio", "khugepaged", "knobs",
        "lru_gen_enabled", "mappings", "mem_map", "mms", "next_anon_vma", "next_kthread_pid", "next_mapping",
        "next_pid", "profile", "ptlocks", "swap", "tables", "tlb", "tracing", "vmstat", "zero_page", "zone",
    )  # fmt: skip
    NOT_STATE: ClassVar[frozenset[str]] = frozenset({"profile", "geometry", "after_store"})
    profile: Profile
    geometry: Geometry
    mem_map: MemMap
    zone: Zone
    vmstat: Column
    knobs: Knobs
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
    swap: SwapInfo
    tlb: Tlb | None
    next_pid: int
    next_kthread_pid: int
    next_anon_vma: int
    next_mapping: int
    after_store: dict[str, Callable[[Kernel], None]]

    def __init__(
        self, profile: Profile, geometry: Geometry, start_pfn: int, pages: int, swap_pages: int
    ) -> None:
        """``pages`` frames from ``start_pfn`` on; behind them one that the kernel image takes.

        ``swap_pages``: slots of the swap device, 0: no swap.
        """
        self.profile = profile
        self.geometry = geometry
        self.mem_map = MemMap(start_pfn, pages + 1, nr_heads=geometry.MAX_PAGE_ORDER + 1)
        self.zone = Zone("Normal", pages, geometry.MAX_PAGE_ORDER)
        self.vmstat = Column("Q", len(EVENTS), "vmstat")
        self.knobs = Knobs(geometry)
        self.khugepaged = Khugepaged()
        self.clock = Clock()
        self.tracing = Tracing()
        self.current = Task("swapper", 0)
        self.mms = ()
        self.mappings = ()
        self.tables = {}
        self.ptlocks = {}
        self.huge_zero_folio = None
        self.lru_gen_enabled = profile.lru_gen_enabled
        self.swap = SwapInfo(swap_pages)
        self.tlb = None
        self.next_pid = 1000
        self.next_kthread_pid = 30
        self.next_anon_vma = 1
        self.next_mapping = 1
        self.after_store = {}
        self.zero_page = pages
        self.mem_map.flags[self.zero_page] = PG_reserved
        self.mem_map.refcount[self.zero_page] = 1
        memmap_init_zone(self)

    @property
    def zero_pfn(self) -> int:
        """pfn of the 4 KiB page of zeros that all read faults share."""
        return page_to_pfn(self.mem_map, self.zero_page)
