"""How large a table is: 512 entries on x86-64, or 8 or 16 for an exercise on paper."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["X86_64", "Geometry"]


@dataclass(frozen=True, slots=True)
class Geometry:
    """Constants that follow from the number of entries in a page table.

    With ``entries=512`` they are those of x86-64 with four levels and 4 KiB base pages. Any
    other power of two keeps all ratios and rules: the huge page is always one whole table.
    Raises ValueError if ``entries`` is not a power of two from 8 to 512.
    """

    entries: int = 512

    def __post_init__(self) -> None:
        """Refuse a table size that is not a power of two from 8 to 512."""
        if self.entries not in (8, 16, 32, 64, 128, 256, 512):
            raise ValueError(f"entries={self.entries}: a table has 8, 16, 32, 64, 128, 256 or 512 entries")

    PAGE_SHIFT = 12
    PAGE_SIZE = 1 << 12

    @property
    def PTRS_PER_PTE(self) -> int:
        """Entries in a table (of any level)."""
        return self.entries

    @property
    def HPAGE_PMD_ORDER(self) -> int:
        """log2 of the base pages in a PMD-sized page; the pageblock order too."""
        return self.entries.bit_length() - 1

    @property
    def HPAGE_PMD_NR(self) -> int:
        """Base pages in a PMD-sized page."""
        return self.entries

    @property
    def PMD_SHIFT(self) -> int:
        """log2 of the bytes that a PMD entry maps."""
        return 12 + self.HPAGE_PMD_ORDER

    @property
    def HPAGE_PMD_SIZE(self) -> int:
        """Bytes that a PMD entry maps."""
        return 1 << self.PMD_SHIFT

    @property
    def PUD_SHIFT(self) -> int:
        """log2 of the bytes that a PUD entry maps."""
        return 12 + 2 * self.HPAGE_PMD_ORDER

    @property
    def PGDIR_SHIFT(self) -> int:
        """log2 of the bytes that a PGD entry maps."""
        return 12 + 3 * self.HPAGE_PMD_ORDER

    @property
    def TASK_SIZE(self) -> int:
        """First byte behind the user's half of the address space."""
        return (1 << (12 + 4 * self.HPAGE_PMD_ORDER - 1)) - self.PAGE_SIZE

    @property
    def MAX_PAGE_ORDER(self) -> int:
        """Largest order of the buddy allocator: twice a PMD-sized page."""
        return self.HPAGE_PMD_ORDER + 1


X86_64 = Geometry()
