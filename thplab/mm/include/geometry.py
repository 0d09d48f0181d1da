"""How large a table is: 512 entries on x86-64, or 8 or 16 for an exercise on paper."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


def _derived() -> int:
    """A constant that follows from ``entries``: worked out once, since every walk asks for them."""
    value: int = field(init=False, repr=False, compare=False)
    return value


@dataclass(frozen=True, slots=True)
class Geometry:
    """Constants that follow from the number of entries in a page table.

    With ``entries=512`` they are those of x86-64 with four levels and 4 KiB base pages. Any
    other power of two keeps all ratios and rules: the huge page is always one whole table.
    Raises ValueError if ``entries`` is not a power of two from 8 to 512.

    PTRS_PER_PTE      entries in a table (of any level)
    HPAGE_PMD_ORDER   log2 of the base pages in a PMD-sized page; the pageblock order too
    HPAGE_PMD_NR      base pages in a PMD-sized page
    PMD_SHIFT         log2 of the bytes that a PMD entry maps
    HPAGE_PMD_SIZE    bytes that a PMD entry maps
    PUD_SHIFT         log2 of the bytes that a PUD entry maps
    PGDIR_SHIFT       log2 of the bytes that a PGD entry maps
    LEVEL_SHIFTS      PGDIR_SHIFT, PUD_SHIFT, PMD_SHIFT: the way down
    WALK_SHIFTS       the same and PAGE_SHIFT: the way down to the last table
    TASK_SIZE         first byte behind the user's half of the address space
    MAX_PAGE_ORDER    largest order of the buddy allocator: twice a PMD-sized page
    """

    entries: int = 512
    PTRS_PER_PTE: int = _derived()
    HPAGE_PMD_ORDER: int = _derived()
    HPAGE_PMD_NR: int = _derived()
    PMD_SHIFT: int = _derived()
    HPAGE_PMD_SIZE: int = _derived()
    PUD_SHIFT: int = _derived()
    PGDIR_SHIFT: int = _derived()
    LEVEL_SHIFTS: tuple[int, int, int] = field(init=False, repr=False, compare=False)
    WALK_SHIFTS: tuple[int, int, int, int] = field(init=False, repr=False, compare=False)
    TASK_SIZE: int = _derived()
    MAX_PAGE_ORDER: int = _derived()

    PAGE_SHIFT: ClassVar[int] = 12
    PAGE_SIZE: ClassVar[int] = 1 << 12

    def __post_init__(self) -> None:
        """Work out the constants. Raises ValueError unless a table has 8, 16 ... 512 entries."""
        if self.entries not in (8, 16, 32, 64, 128, 256, 512):
            raise ValueError(f"entries={self.entries}: a table has 8, 16, 32, 64, 128, 256 or 512 entries")
        # A huge page is one whole table, so its order is log2 of the entries.
        order = self.entries.bit_length() - 1
        pmd, pud, pgdir = (12 + level * order for level in (1, 2, 3))
        constants = {
            "PTRS_PER_PTE": self.entries,
            "HPAGE_PMD_ORDER": order,
            "HPAGE_PMD_NR": self.entries,
            "PMD_SHIFT": pmd,
            "HPAGE_PMD_SIZE": 1 << pmd,
            "PUD_SHIFT": pud,
            "PGDIR_SHIFT": pgdir,
            "LEVEL_SHIFTS": (pgdir, pud, pmd),
            "WALK_SHIFTS": (pgdir, pud, pmd, self.PAGE_SHIFT),
            "TASK_SIZE": (1 << (12 + 4 * order - 1)) - self.PAGE_SIZE,
            "MAX_PAGE_ORDER": order + 1,
        }
        for name, value in constants.items():
            object.__setattr__(self, name, value)


X86_64 = Geometry()
