"""What stands in a page-table entry while its page is being moved (include/linux/swapops.h, x86-64).

A non-present entry: bits 63-59 the type, bits 58-9 the pfn, inverted. The types of migration entries
are the last ones before the end of the range that swap devices leave.
"""

from __future__ import annotations

from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    _PAGE_DIRTY,
    _PAGE_RW,
    _PAGE_SOFT_DIRTY,
    PTE_PFN_MASK,
    entry_pfn,
    pte_present,
)

__all__ = ["is_migration_entry", "make_migration_entry", "migration_entry_pfn", "remove_migration_entry"]

#: SWP_MIGRATION_READ and SWP_MIGRATION_WRITE with the options of the recorded kernels.
SWP_MIGRATION_READ, SWP_MIGRATION_WRITE = 24, 26
_TYPE_SHIFT, _OFFSET_SHIFT = 59, 9
_OFFSET_MASK = (1 << (_TYPE_SHIFT - _OFFSET_SHIFT)) - 1
#: What an entry keeps over the move; young and dirty lie in the offset's upper bits (SWP_MIG_*).
_YOUNG, _DIRTY = 1 << 40, 1 << 41
_PFN_MASK = _YOUNG - 1


def make_migration_entry(pte: int) -> int:
    """The entry (pteval_t) that keeps the place of a present PTE (pteval_t).

    Locks expected: none for the value; whoever writes it holds the page lock and the PTE lock.
    """
    # The right to write must survive the move: it is in the type, as the entry has no bit for it.
    kind = SWP_MIGRATION_WRITE if pte & _PAGE_RW else SWP_MIGRATION_READ
    offset = entry_pfn(pte)
    offset |= _YOUNG if pte & _PAGE_ACCESSED else 0
    offset |= _DIRTY if pte & _PAGE_DIRTY else 0
    soft_dirty = 0x2 if pte & _PAGE_SOFT_DIRTY else 0
    return kind << _TYPE_SHIFT | (~offset & _OFFSET_MASK) << _OFFSET_SHIFT | soft_dirty


def is_migration_entry(pte: int) -> bool:
    """True for an entry (pteval_t) made by :func:`make_migration_entry`."""
    kind = pte >> _TYPE_SHIFT
    return bool(pte) and not pte_present(pte) and kind in (SWP_MIGRATION_READ, SWP_MIGRATION_WRITE)


def migration_entry_pfn(pte: int) -> int:
    """The pfn (unsigned long) of the page that is being moved."""
    return _offset(pte) & _PFN_MASK


def _offset(pte: int) -> int:
    """The number that an entry holds, not inverted."""
    return ~(pte >> _OFFSET_SHIFT) & _OFFSET_MASK


def remove_migration_entry(entry: int, pte: int, pfn: int) -> int:
    """The present PTE (pteval_t) for the page's new place: the bits of the old ``pte``, the new ``pfn``.

    The entry says whether the page was young and dirty (remove_migration_pte).
    Locks expected: the page lock and the PTE lock, of the one who writes it.
    """
    offset = _offset(entry)
    kept = pte & ~PTE_PFN_MASK & ~(_PAGE_ACCESSED | _PAGE_DIRTY)
    # Without it every page would look unused after compaction, and khugepaged would refuse the window.
    kept |= _PAGE_ACCESSED if offset & _YOUNG else 0
    kept |= _PAGE_DIRTY if offset & _DIRTY else 0
    return pfn << 12 | kept
