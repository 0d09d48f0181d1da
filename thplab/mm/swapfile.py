"""Swap: slots, the swap cache, and entries that name a slot (mm/swapfile.c, mm/swap_state.c, 6.18).

A page that is swapped out leaves its contents in a *slot*, and in each PTE that mapped it an entry
that names the slot:

    63..59  58..9                       8  7   3  2   1   0
    type    slot number, bits inverted  0  0   E  WP  SD  0

E: the page was exclusive to this process, WP: userfaultfd write-protected, SD: soft-dirty. Type 31
is no device but a marker: there never was a page, the entry only says something about the address
(a guard page).

While a page has a slot and is still in memory, it is in the *swap cache*: PG_swapcache, one
reference for each of its pages, and its slot in ``private``. A slot is in use as long as entries
name it (``swap_map``) or the cache does.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from thplab.mm.include.errors import KernelBug
from thplab.mm.include.page import (
    PG_swapcache,
    folio_mapcount,
    folio_nr_pages,
    folio_ref_add,
)
from thplab.mm.include.pgtable import _PAGE_SWP_EXCLUSIVE, _PAGE_SWP_UFFD_WP
from thplab.mm.include.state import Column, Struct
from thplab.mm.page_alloc.alloc import folio_put

if TYPE_CHECKING:
    from thplab.mm.system import Kernel

__all__ = [
    "SwapInfo",
    "folio_alloc_swap",
    "folio_free_swap",
    "free_folio_and_swap_cache",
    "free_swap_and_cache",
    "is_pte_marker",
    "pte_to_swp_offset",
    "swap_cache_get_folio",
    "swap_duplicate",
    "swap_free",
    "swp_entry_to_pte",
]

_OFFSET_SHIFT = 9
_OFFSET_MASK = (1 << 50) - 1
_TYPE_SHIFT = 59
SWP_PTE_MARKER = 31
PTE_MARKER_GUARD = 1 << 2


class SwapInfo(Struct):
    """One swap device of ``pages`` slots.

    ``swap_map`` (u16): entries that name the slot; ``cache`` (u32): page + 1 of the folio in the
    swap cache, 0: none; ``contents`` (u32): what was written there; ``cluster_next``: where the
    search for a free slot begins.
    """

    __slots__ = ("cache", "cluster_next", "contents", "pages", "swap_map")
    pages: int
    swap_map: Column
    cache: Column
    contents: Column
    cluster_next: int

    def __init__(self, pages: int) -> None:
        """All slots free."""
        self.pages = pages
        self.swap_map = Column("H", pages, "swap_map")
        self.cache = Column("I", pages, "swap_cache")
        self.contents = Column("I", pages, "swap contents")
        self.cluster_next = 0


def _swp_pte(kind: int, offset: int) -> int:
    return (~offset & _OFFSET_MASK) << _OFFSET_SHIFT | kind << _TYPE_SHIFT


def swp_entry_to_pte(offset: int, *, exclusive: bool, uffd_wp: bool) -> int:
    """The entry that names slot ``offset``."""
    flags = (_PAGE_SWP_EXCLUSIVE if exclusive else 0) | (_PAGE_SWP_UFFD_WP if uffd_wp else 0)
    return _swp_pte(0, offset) | flags


def make_pte_marker(marker: int) -> int:
    """An entry without page that says ``marker`` (PTE_MARKER_*) about its address."""
    return _swp_pte(SWP_PTE_MARKER, marker)


def is_pte_marker(pte: int) -> bool:
    """True if a non-present entry is a marker and names no slot."""
    return pte >> _TYPE_SHIFT == SWP_PTE_MARKER


def pte_to_swp_offset(pte: int) -> int:
    """The slot that a non-present entry names (or the bits of a marker)."""
    return ~(pte >> _OFFSET_SHIFT) & _OFFSET_MASK


def swap_duplicate(kernel: Kernel, offset: int) -> None:
    """One more entry names the slot."""
    kernel.swap.swap_map[offset] += 1


def swap_free(kernel: Kernel, offset: int) -> None:
    """One entry less names the slot; without entry and cache it is free."""
    if not kernel.swap.swap_map[offset]:
        raise KernelBug(f"swap_free: slot {offset} is not in use")
    kernel.swap.swap_map[offset] -= 1


def free_swap_and_cache(kernel: Kernel, offset: int) -> None:
    """An entry is thrown away: the page goes too if it is only kept for that entry."""
    swap_free(kernel, offset)
    folio = swap_cache_get_folio(kernel, offset)
    if folio is not None and not folio_mapcount(kernel.mem_map, folio):
        folio_free_swap(kernel, folio)


def swap_cache_get_folio(kernel: Kernel, offset: int) -> int | None:
    """The folio that the swap cache holds for a slot."""
    page_plus_1: int = kernel.swap.cache[offset]
    return page_plus_1 - 1 if page_plus_1 else None


def folio_alloc_swap(kernel: Kernel, folio: int) -> bool:
    """Give each page of the folio a slot (in a row) and put it into the swap cache; False: no room."""
    nr = folio_nr_pages(kernel.mem_map, folio)
    offset = _scan_swap_map(kernel.swap, nr)
    if offset is None:
        return False
    add_to_swap_cache(kernel, folio, offset)
    return True


def _scan_swap_map(swap: SwapInfo, nr: int) -> int | None:
    """First of ``nr`` free slots in a row, aligned to ``nr``, from ``cluster_next`` on."""
    begin = -(-swap.cluster_next // nr) * nr
    end = swap.pages - nr + 1
    for offset in chain(range(begin, end, nr), range(0, min(begin, end), nr)):
        if not any(swap.swap_map[offset : offset + nr]) and not any(swap.cache[offset : offset + nr]):
            swap.cluster_next = offset + nr
            return offset
    return None


def add_to_swap_cache(kernel: Kernel, folio: int, offset: int) -> None:
    """The folio stands for the slots from ``offset`` on; the cache holds a reference for each page."""
    mem_map = kernel.mem_map
    nr = folio_nr_pages(mem_map, folio)
    for each in range(nr):
        kernel.swap.cache[offset + each] = folio + 1
    folio_ref_add(mem_map, folio, nr)
    mem_map.flags[folio] |= PG_swapcache
    mem_map.private[folio] = offset


def delete_from_swap_cache(kernel: Kernel, folio: int) -> None:
    """The folio stands for itself again; the cache's references are dropped."""
    mem_map = kernel.mem_map
    nr, offset = folio_nr_pages(mem_map, folio), mem_map.private[folio]
    for each in range(nr):
        kernel.swap.cache[offset + each] = 0
    mem_map.flags[folio] &= ~PG_swapcache
    mem_map.private[folio] = 0
    folio_put(kernel, folio, nr)


def folio_free_swap(kernel: Kernel, folio: int) -> bool:
    """Take a folio out of the swap cache if no entry names its slots any more; True if done."""
    mem_map = kernel.mem_map
    if not mem_map.flags[folio] & PG_swapcache:
        return False
    offset, nr = mem_map.private[folio], folio_nr_pages(mem_map, folio)
    if any(kernel.swap.swap_map[offset : offset + nr]):
        return False
    delete_from_swap_cache(kernel, folio)
    return True


def free_folio_and_swap_cache(kernel: Kernel, folio: int, nr: int = 1) -> None:
    """Drop ``nr`` references of mappings that went, and the slot if nobody needs it."""
    if not folio_mapcount(kernel.mem_map, folio):
        folio_free_swap(kernel, folio)
    folio_put(kernel, folio, nr)
