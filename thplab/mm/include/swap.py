"""A swap device: struct swap_info_struct (include/linux/swap.h, 6.18)."""

from __future__ import annotations

from thplab.mm.include.state import Column, Struct


class SwapInfo(Struct):
    """One swap device of ``pages`` slots.

    ``swap_map`` (u16): entries that name the slot; ``cache`` (u32): page + 1 of the folio in the
    swap cache, 0: none; ``contents`` (u32): what was written there; ``cluster_next``: where the
    search for a free slot begins.
    """

    __slots__ = ("cache", "cluster_next", "contents", "pages", "swap_map")
    pages: int  # unsigned int
    swap_map: Column  # the kernel's is unsigned char, with a bit for the cache and continuations
    cache: Column  # in the kernel an xarray, since 6.18 a table (struct swap_table)
    contents: Column  # u32 tokens, one for 4 KiB
    cluster_next: int  # 6.18 keeps lists of clusters with free slots instead

    def __init__(self, pages: int) -> None:
        """All slots free."""
        self.pages = pages
        self.swap_map = Column("H", pages, "swap_map")
        self.cache = Column("I", pages, "swap_cache")
        self.contents = Column("I", pages, "swap contents")
        self.cluster_next = 0
