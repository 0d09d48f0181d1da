"""Page frames and folios: ``struct page``, its flags and its counts (include/linux/mm_types.h).

``mem_map`` is kept as columns, one integer per frame and field. A *page* in the model is the
index of a frame in these columns: pfn = page + start_pfn. A folio is named by its first page.

    flags (u32)            PG_* bits below
    refcount (i32)         references on the folio, in its first page
    mapcount (i32)         page-table entries that map just this page
    entire_mapcount (i32)  PMD entries that map the whole folio, in its first page
    large_mapcount (i32)   all entries that map a large folio or a part of it, in its first page
    nr_pages_mapped (i32)  how many pages of a large folio are mapped by PTEs, in its first page
    compound_head (u32)    first page of the folio (a small page: itself)
    order (u8)             log2 pages of the folio or of the free block that begins here
    contents (u32)         what the page's bytes are: one token stands for 4 KiB
    mapping (u32)          number of the anon_vma, or of the file (page->mapping), 0: none
    index (u64)            address / 4096 at which it was first mapped, or page of the file (page->index)
    private (u64)          a large folio's first two tail pages: who maps it (folio->_mm_id, rmap/mapcount.py)

Four bits are no PG_ flags in the kernel: PG_anon is the lowest bit of page->mapping, PG_tail that
of page->compound_head, PG_buddy and PG_table are page types. They stand here so that one
read of ``flags`` tells all.
"""

from __future__ import annotations

from array import array

from thplab.mm.include.errors import KernelBug
from thplab.mm.include.state import Column, Struct

PG_locked = 1 << 0  # the page lock
PG_referenced = 1 << 1  # used since the last scan
PG_uptodate = 1 << 2  # the contents are valid
PG_lru = 1 << 3  # on an LRU list, free to be isolated
PG_active = 1 << 4  # on the active list
PG_swapbacked = 1 << 5  # to be written to swap; clear: lazyfree, or a file
PG_swapcache = 1 << 6  # in the swap cache, slot in private
PG_unevictable = 1 << 7  # mlocked: reclaim must not scan it
PG_reserved = 1 << 8  # never handed out by the allocator
PG_head = 1 << 9  # first page of a large folio
PG_isolated = 1 << 10  # the model's: off the LRU, on a private list
PG_large_rmappable = 1 << 11  # a large folio with counts of its mappings
PG_partially_mapped = 1 << 12  # large, and some of its pages are no longer mapped
PG_young = 1 << 13  # idle page tracking: not idle
PG_anon = 1 << 16  # lowest bit of page->mapping
PG_buddy = 1 << 17  # page type: first page of a free block
PG_table = 1 << 18  # page type: holds page-table entries
PG_tail = 1 << 19  # a page of a large folio behind the first
PG_anon_exclusive = 1 << 20  # only one process can have it: a write need not copy
PG_ksm = 1 << 21  # merged by KSM: two bits of page->mapping
PG_mapped_shared = 1 << 22  # FOLIO_MM_IDS_SHARED: more than one mm maps it
PG_dirty = 1 << 23  # written, not saved

#: name -> bit number, for views and messages.
PAGE_FLAGS = {
    name.removeprefix("PG_"): value.bit_length() - 1
    for name, value in sorted(globals().items())
    if name.startswith("PG_")
}

#: What freed memory is filled with (include/linux/poison.h), so that a use after free shows.
PAGE_POISON = 0xAAAAAAAA

#: Where the kernel maps ``struct page`` of pfn 0 when addresses are not randomised.
VMEMMAP_START = 0xFFFFEA0000000000

_FIELDS = (
    ("flags", "I"), ("refcount", "i"), ("mapcount", "i"), ("entire_mapcount", "i"),
    ("large_mapcount", "i"), ("nr_pages_mapped", "i"), ("compound_head", "I"), ("order", "B"),
    ("contents", "I"), ("mapping", "I"), ("index", "Q"), ("private", "Q"), ("memcg_data", "I"),
)  # fmt: skip


#: What the free lists need to know of a frame.
_NEEDED_AT_BOOT = ("flags", "order")
#: Up to so many frames (4 GiB) everything is made ready at boot; beyond that, so many at a time.
_READY_AT_BOOT, _SECTION = 1 << 20, 1 << 18


class MemMap(Struct):
    """All page frames, as columns; ``nr_heads`` list heads follow the frames in the links.

    ``pageblock_migratetype`` and ``pageblock_skip`` (u8, one item for each pageblock): which kind of
    pages belongs there, and whether compaction should pass it over. ``first_block_offset``: how far
    into its pageblock the first frame lies. ``nr_ready``: frames whose columns all exist.
    """

    __slots__ = (
        "compound_head", "contents", "entire_mapcount", "first_block_offset", "flags", "index",
        "large_mapcount", "lru_next", "lru_prev", "mapcount", "mapping", "memcg_data", "nr_frames",
        "nr_pages_mapped", "nr_ready", "order", "pageblock_migratetype", "pageblock_order",
        "pageblock_skip", "private",
        "refcount", "start_pfn",
    )  # fmt: skip
    start_pfn: int
    nr_frames: int
    nr_ready: int
    flags: Column
    refcount: Column
    mapcount: Column
    entire_mapcount: Column
    large_mapcount: Column
    nr_pages_mapped: Column
    compound_head: Column
    order: Column
    contents: Column
    mapping: Column
    index: Column
    private: Column
    memcg_data: Column
    lru_next: Column
    lru_prev: Column
    pageblock_order: int
    first_block_offset: int
    pageblock_migratetype: Column
    pageblock_skip: Column

    def __init__(self, start_pfn: int, nr_frames: int, nr_heads: int, pageblock_order: int) -> None:
        """``nr_frames`` frames from ``start_pfn`` on, all small, free of flags and of references."""
        self.start_pfn = start_pfn
        self.nr_frames = nr_frames
        self.nr_ready = 0
        for name, typecode in _FIELDS:
            length = nr_frames if name in _NEEDED_AT_BOOT else 0
            setattr(self, name, Column(typecode, length, f"mem_map.{name}"))
        self.lru_next = Column("I", nr_frames + nr_heads, "mem_map.lru_next")
        self.lru_prev = Column("I", nr_frames + nr_heads, "mem_map.lru_prev")
        self.pageblock_order = pageblock_order
        self.first_block_offset = start_pfn & ((1 << pageblock_order) - 1)
        blocks = ((self.first_block_offset + nr_frames - 1) >> pageblock_order) + 1
        self.pageblock_migratetype = Column("B", blocks, "mem_map.pageblock_migratetype")
        self.pageblock_skip = Column("B", blocks, "mem_map.pageblock_skip")
        if nr_frames <= _READY_AT_BOOT:
            deferred_grow_memmap(self, nr_frames)

    @property
    def links(self) -> tuple[Column, Column]:
        """The two list columns, next and prev."""
        return self.lru_next, self.lru_prev


def deferred_grow_memmap(mem_map: MemMap, end: int) -> None:
    """Make the frames below ``end`` ready for use (mm/mm_init.c: deferred_grow_zone).

    Of memory that was never handed out the free lists need only flags, order and links. The other columns
    of a large machine grow as its memory comes into use, from the lowest frame on.
    Locks expected: none.
    """
    first, end = mem_map.nr_ready, min(-(-end // _SECTION) * _SECTION, mem_map.nr_frames)
    if end <= first:
        return
    for name, typecode in _FIELDS:
        if name not in _NEEDED_AT_BOOT:
            getattr(mem_map, name).frombytes(bytes((end - first) * array(typecode).itemsize))
    identity = array("I", range(first, end))
    mem_map.compound_head[first:end] = identity
    flags = mem_map.flags[first:end]
    listed = [first + offset for offset, each in enumerate(flags) if each] if any(flags) else []
    # Free blocks are on lists already: their links must survive the initialisation.
    for column in mem_map.links:
        kept = [column[page] for page in listed]
        column[first:end] = identity
        for page, link in zip(listed, kept, strict=True):
            column[page] = link
    mem_map.nr_ready = end


def page_to_pfn(mem_map: MemMap, page: int) -> int:
    """Physical page number (unsigned long) of a page (struct page *, here an index)."""
    return page + mem_map.start_pfn


def pfn_to_page(mem_map: MemMap, pfn: int) -> int:
    """Page (struct page *) of a physical page number (unsigned long); KernelBug if there is no such frame."""
    page = pfn - mem_map.start_pfn
    if not 0 <= page < mem_map.nr_frames:
        raise KernelBug(f"pfn_to_page: no frame with pfn {pfn:#x}")
    return page


def folio_nr_pages(mem_map: MemMap, folio: int) -> int:
    """Base pages (long) in the folio that begins at ``folio``."""
    # order is used by free blocks too: only PG_head makes it a folio's.
    return 1 << mem_map.order[folio] if mem_map.flags[folio] & PG_head else 1


def folio_mapcount(mem_map: MemMap, folio: int) -> int:
    """How many page-table entries (int), PMD leaves included, map the folio or a part of it.

    Locks expected: none; the count may change meanwhile.
    """
    column = mem_map.large_mapcount if mem_map.flags[folio] & PG_head else mem_map.mapcount
    mapcount: int = column[folio]
    return mapcount


def folio_expected_ref_count(mem_map: MemMap, folio: int) -> int:
    """References (int) that page tables, page cache and swap cache account for; more than that is a pin.

    ``folio``: struct folio *. The caller's own reference is not among them.
    Locks expected: the page lock, or the answer is a guess.
    """
    # Each mapping has one reference.
    expected = folio_mapcount(mem_map, folio)
    in_page_cache = mem_map.mapping[folio] and not mem_map.flags[folio] & PG_anon
    # A cache has one for each base page: it may lose them one by one.
    if in_page_cache or mem_map.flags[folio] & PG_swapcache:
        expected += folio_nr_pages(mem_map, folio)
    return expected


def folio_get(mem_map: MemMap, folio: int) -> None:
    """Take one reference. Locks expected: whatever keeps the folio from being freed at this moment."""
    # In the first page only: tail pages have no count of their own.
    mem_map.refcount[folio] += 1


def folio_ref_add(mem_map: MemMap, folio: int, nr: int) -> None:
    """Take ``nr`` (int) references, as :func:`folio_get`."""
    mem_map.refcount[folio] += nr


def folio_trylock(mem_map: MemMap, folio: int) -> bool:
    """Take the page lock (PG_locked) if it is free; True if taken. Locks expected: none; a reference."""
    if mem_map.flags[folio] & PG_locked:
        return False
    mem_map.flags[folio] |= PG_locked
    return True


def folio_unlock(mem_map: MemMap, folio: int) -> None:
    """Release the page lock. Raises KernelBug if it is not held. Locks expected: the page lock."""
    if not mem_map.flags[folio] & PG_locked:
        raise KernelBug(f"folio_unlock: page {folio} is not locked")
    mem_map.flags[folio] &= ~PG_locked
