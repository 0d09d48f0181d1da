"""The values of the files under /sys/kernel/mm/transparent_hugepage/."""

from __future__ import annotations

from thplab.mm.include.geometry import Geometry
from thplab.mm.include.state import Struct

#: No size below 2 MiB is enabled; by order.
NO_MTHP = ("never",) * 9


class Knobs(Struct):
    """The present values: words as str, numbers as int."""

    __slots__ = (
        "alloc_sleep_millisecs", "defrag", "enabled", "hugepage_shmem_enabled", "hugepage_size_enabled",
        "khugepaged_defrag", "max_ptes_none", "max_ptes_shared", "max_ptes_swap", "mthp_enabled",
        "pages_to_scan", "scan_sleep_millisecs", "shmem_enabled", "shrink_underused", "use_zero_page",
    )  # fmt: skip
    enabled: str  # two bits of transparent_hugepage_flags in the kernel
    defrag: str  # four bits of the same word
    use_zero_page: int  # bool: a bit of the same word
    shrink_underused: int  # bool
    hugepage_size_enabled: str  # of 2 MiB: bits of huge_anon_orders_*
    shmem_enabled: str  # int, SHMEM_HUGE_*
    hugepage_shmem_enabled: str  # of 2 MiB
    mthp_enabled: tuple[str, ...]  # by order
    khugepaged_defrag: int  # bool: a bit of the same word
    max_ptes_none: int  # unsigned int, entries of a window
    max_ptes_swap: int  # unsigned int, entries
    max_ptes_shared: int  # unsigned int, entries
    pages_to_scan: int  # unsigned int, pages
    scan_sleep_millisecs: int  # unsigned int, ms
    alloc_sleep_millisecs: int  # unsigned int, ms

    def __init__(self, geometry: Geometry) -> None:
        """The kernel's defaults: ratios of the huge page's size in base pages."""
        nr = geometry.HPAGE_PMD_NR
        self.enabled = "madvise"
        self.defrag = "madvise"
        self.use_zero_page = 1
        self.shrink_underused = 1
        self.hugepage_size_enabled = "inherit"
        self.mthp_enabled = NO_MTHP
        self.shmem_enabled = "never"
        self.hugepage_shmem_enabled = "inherit"
        self.khugepaged_defrag = 1
        # One entry short of all: a window with a single page may become huge.
        self.max_ptes_none = nr - 1
        # Each of these pages must be read back first, so there are few.
        self.max_ptes_swap = nr // 8
        # Shared pages are copied but not freed: memory use grows, so no more than half.
        self.max_ptes_shared = nr // 2
        self.pages_to_scan = nr * 8
        self.scan_sleep_millisecs = 10000
        self.alloc_sleep_millisecs = 60000
