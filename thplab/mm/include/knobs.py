"""The values of the files under /sys/kernel/mm/transparent_hugepage/."""

from __future__ import annotations

from thplab.mm.include.geometry import Geometry
from thplab.mm.include.state import Struct

__all__ = ["Knobs"]


#: No size below 2 MiB is enabled; by order.
NO_MTHP = ("never",) * 9


class Knobs(Struct):
    """The present values: words as str, numbers as int."""

    __slots__ = (
        "alloc_sleep_millisecs", "defrag", "enabled", "hugepage_shmem_enabled", "hugepage_size_enabled",
        "khugepaged_defrag", "max_ptes_none", "max_ptes_shared", "max_ptes_swap", "mthp_enabled",
        "pages_to_scan", "scan_sleep_millisecs", "shmem_enabled", "shrink_underused", "use_zero_page",
    )  # fmt: skip
    enabled: str
    defrag: str
    use_zero_page: int
    shrink_underused: int
    hugepage_size_enabled: str
    shmem_enabled: str
    hugepage_shmem_enabled: str
    mthp_enabled: tuple[str, ...]  # by order
    khugepaged_defrag: int
    max_ptes_none: int
    max_ptes_swap: int
    max_ptes_shared: int
    pages_to_scan: int
    scan_sleep_millisecs: int
    alloc_sleep_millisecs: int

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
        self.max_ptes_none = nr - 1
        self.max_ptes_swap = nr // 8
        self.max_ptes_shared = nr // 2
        self.pages_to_scan = nr * 8
        self.scan_sleep_millisecs = 10000
        self.alloc_sleep_millisecs = 60000
