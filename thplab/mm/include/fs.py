"""A file in memory: struct address_space (include/linux/fs.h, 6.18)."""

from __future__ import annotations

from thplab.mm.include.lock import I_MMAP_RWSEM, Lock
from thplab.mm.include.mm_types import Vma
from thplab.mm.include.state import Column, Struct


class AddressSpace(Struct):
    """struct address_space of one file in memory, with what of its inode and file counts here.

    ``number``: goes into page->mapping; ``size`` (pages): i_size; ``f_count``: references on the file,
    one of each VMA and of each task that works on it; ``i_pages``: chunk number -> entries (u64) of as many
    pages as a huge page has; ``nrpages``: how many pages are in memory; ``i_mmap``: the VMAs that map it,
    guarded by ``i_mmap_rwsem``.
    """

    __slots__ = (
        "f_count",
        "i_mmap",
        "i_mmap_rwsem",
        "i_pages",
        "name",
        "nr_slots",
        "nrpages",
        "number",
        "size",
    )
    name: str
    number: int
    size: int
    f_count: int
    i_mmap: tuple[Vma, ...]
    i_mmap_rwsem: Lock
    i_pages: dict[int, Column]
    nr_slots: int
    nrpages: int

    def __init__(self, name: str, number: int, size: int, nr_slots: int) -> None:
        """An empty file that no VMA maps; ``nr_slots``: entries in a chunk."""
        self.name = name
        self.number = number
        self.size = size
        self.f_count = 0
        self.i_mmap = ()
        self.i_mmap_rwsem = Lock(f"{I_MMAP_RWSEM} {name} {number}")
        # In C one xarray, in which one entry can stand for all 512 pages of a huge folio.
        self.i_pages = {}
        self.nr_slots = nr_slots
        self.nrpages = 0
