"""Page-table entries without a page: in swap, being moved, or a marker (include/linux/swapops.h, x86-64).

    63..59  58..9                       8  7   3  2   1   0
    type    slot number, bits inverted  0  0   E  WP  SD  0

E: the page was exclusive to this process, WP: userfaultfd write-protected, SD: soft-dirty. Type 31
is no device but a marker: there never was a page, the entry only says something about the address
(a guard page). In the entry of a page that is being moved, bits 58-9 are its pfn, and the type is one
of the last before the end of the range that swap devices leave.
"""

from __future__ import annotations

from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    _PAGE_DIRTY,
    _PAGE_RW,
    _PAGE_SOFT_DIRTY,
    _PAGE_SWP_EXCLUSIVE,
    _PAGE_SWP_UFFD_WP,
    PTE_PFN_MASK,
    entry_pfn,
    pte_present,
)

#: Swap type of an entry that belongs to no device, and what a marker can say.
SWP_PTE_MARKER = 31
PTE_MARKER_GUARD = 1 << 2
#: SWP_MIGRATION_READ and SWP_MIGRATION_WRITE with the options of the recorded kernels.
SWP_MIGRATION_READ, SWP_MIGRATION_WRITE = 24, 26
_TYPE_SHIFT, _OFFSET_SHIFT = 59, 9
_OFFSET_MASK = (1 << (_TYPE_SHIFT - _OFFSET_SHIFT)) - 1
#: What an entry keeps over the move; young and dirty lie in the offset's upper bits (SWP_MIG_*).
_YOUNG, _DIRTY = 1 << 40, 1 << 41
_PFN_MASK = _YOUNG - 1


def _swp_pte(kind: int, offset: int) -> int:
    """A non-present entry (pteval_t) of type ``kind``."""
    # Inverted, so that a small offset gives a physical address beyond all memory: a processor that
    # speculates on a non-present entry (L1TF) finds nothing there.
    return (~offset & _OFFSET_MASK) << _OFFSET_SHIFT | kind << _TYPE_SHIFT


def swp_entry_to_pte(offset: int, *, exclusive: bool, uffd_wp: bool) -> int:
    """The entry (pteval_t) that names slot ``offset``."""
    flags = (_PAGE_SWP_EXCLUSIVE if exclusive else 0) | (_PAGE_SWP_UFFD_WP if uffd_wp else 0)
    return _swp_pte(0, offset) | flags


def make_pte_marker(marker: int) -> int:
    """An entry (pteval_t) without page that says ``marker`` (PTE_MARKER_*) about its address."""
    return _swp_pte(SWP_PTE_MARKER, marker)


def is_pte_marker(pte: int) -> bool:
    """True if a non-present entry (pteval_t) is a marker and names no slot."""
    return pte >> _TYPE_SHIFT == SWP_PTE_MARKER


def pte_to_swp_offset(pte: int) -> int:
    """The slot that a non-present entry (pteval_t) names (or the bits of a marker)."""
    return ~(pte >> _OFFSET_SHIFT) & _OFFSET_MASK


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
    return _swp_pte(kind, offset) | soft_dirty


def is_migration_entry(pte: int) -> bool:
    """True for an entry (pteval_t) made by :func:`make_migration_entry`."""
    kind = pte >> _TYPE_SHIFT
    return bool(pte) and not pte_present(pte) and kind in (SWP_MIGRATION_READ, SWP_MIGRATION_WRITE)


def migration_entry_pfn(pte: int) -> int:
    """The pfn (unsigned long) of the page that is being moved."""
    return pte_to_swp_offset(pte) & _PFN_MASK


def remove_migration_entry(entry: int, pte: int, pfn: int) -> int:
    """The present PTE (pteval_t) for the page's new place: the bits of the old ``pte``, the new ``pfn``.

    The entry says whether the page was young and dirty (remove_migration_pte).
    Locks expected: the page lock and the PTE lock, of the one who writes it.
    """
    offset = pte_to_swp_offset(entry)
    kept = pte & ~PTE_PFN_MASK & ~(_PAGE_ACCESSED | _PAGE_DIRTY)
    # Without it every page would look unused after compaction, and khugepaged would refuse the window.
    kept |= _PAGE_ACCESSED if offset & _YOUNG else 0
    kept |= _PAGE_DIRTY if offset & _DIRTY else 0
    return pfn << 12 | kept
