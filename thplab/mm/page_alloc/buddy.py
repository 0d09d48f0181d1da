"""Free blocks of 2^order pages that split and join: the buddy lists (mm/page_alloc.c, 6.18).

A free block is on the list of its order and migrate type; its first page carries PG_buddy and the
order. The buddy of a block is found by flipping one bit of its pfn, which is why every block is
aligned to its own size: physically, too, a 2 MiB page begins at a multiple of 2 MiB.
"""

from __future__ import annotations

from array import array

from thplab.mm.include.gfp import MIGRATE_MOVABLE
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import INIT_LIST_HEAD, list_add, list_add_tail, list_del, list_for_each
from thplab.mm.include.mmzone import (
    MIGRATE_PCPTYPES,
    MIGRATE_TYPES,
    Zone,
    free_list,
    get_pageblock_migratetype,
    page_zone,
    pageblock_end_pfn,
    pageblock_start_pfn,
    populated_zones,
    set_pageblock_migratetype,
)
from thplab.mm.include.page import PG_buddy, deferred_grow_memmap
from thplab.mm.vmstat import count_vm_event


def free_blocks(kernel: Kernel, order: int) -> list[int]:
    """First pages of the free blocks of ``order``, zone by zone and type by type, in list order.

    Locks expected: zone->lock in the kernel.
    """
    return [
        page
        for zone in populated_zones(kernel.node)
        for migratetype in range(MIGRATE_TYPES)
        for page in list_for_each(kernel.mem_map.links, free_list(zone, order, migratetype))
    ]


def memmap_init_zone(kernel: Kernel, zone: Zone, migratetype: int) -> None:
    """At boot: give all pages of the zone to the allocator, lowest first, in the largest blocks.

    All pageblocks have the type ``migratetype`` (int, movable) until something else asks for them.
    Locks expected: none; nothing else runs yet.
    """
    mem_map = kernel.mem_map
    for head in range(zone.free_lists, zone.free_lists + Zone.nr_list_heads(zone.max_order)):
        INIT_LIST_HEAD(mem_map.links, head)
    first = zone.zone_start_pfn - mem_map.start_pfn
    end = first + zone.spanned_pages
    blocks = slice(
        (first + mem_map.first_block_offset) >> mem_map.pageblock_order,
        ((end - 1 + mem_map.first_block_offset) >> mem_map.pageblock_order) + 1,
    )
    mem_map.pageblock_migratetype[blocks] = array("B", [migratetype]) * (blocks.stop - blocks.start)
    page = first
    while page < end:
        pfn = page + mem_map.start_pfn
        order = zone.max_order
        # A block begins at a multiple of its size and ends inside the zone.
        while pfn & ((1 << order) - 1) or page + (1 << order) > end:
            order -= 1
        # At the tail: the lowest block is handed out first.
        add_to_free_list(kernel, zone, page, order, migratetype, tail=True)
        page += 1 << order
    account_freepages(kernel, zone, zone.spanned_pages)


def account_freepages(kernel: Kernel, zone: Zone, pages: int) -> None:
    """``pages`` more (negative: less) are on the zone's free lists.

    Pages outside the zones are not counted in nr_free_pages.
    Locks expected: zone->lock in the kernel.
    """
    zone.free_pages += pages
    if zone is not kernel.node.kernel_zone:
        count_vm_event(kernel, "nr_free_pages", pages)


def add_to_free_list(
    kernel: Kernel, zone: Zone, page: int, order: int, migratetype: int, *, tail: bool = False
) -> None:
    """Put a block on its list (__add_to_free_list). Locks expected: zone->lock in the kernel."""
    mem_map = kernel.mem_map
    mem_map.order[page] = order
    mem_map.flags[page] |= PG_buddy
    (list_add_tail if tail else list_add)(mem_map.links, page, free_list(zone, order, migratetype))
    zone.nr_free[order] += 1


def del_page_from_free_list(kernel: Kernel, zone: Zone, page: int, order: int) -> None:
    """Take a block off its list (__del_page_from_free_list). Locks expected: zone->lock in the kernel."""
    mem_map = kernel.mem_map
    list_del(mem_map.links, page)
    mem_map.flags[page] &= ~PG_buddy
    mem_map.order[page] = 0
    zone.nr_free[order] -= 1
    # The columns of a large machine are made when pages are first handed out.
    if page + (1 << order) > mem_map.nr_ready:
        deferred_grow_memmap(mem_map, page + (1 << order))


def __rmqueue_smallest(kernel: Kernel, zone: Zone, order: int, migratetype: int) -> int | None:
    """Take the first block of the smallest order that is large enough (struct page *); None if there is none.

    Locks expected: zone->lock in the kernel.
    """
    mem_map = kernel.mem_map
    # From below: a large block is split only if no smaller one will do.
    for current_order in range(order, zone.max_order + 1):
        head = free_list(zone, current_order, migratetype)
        page: int = mem_map.lru_next[head]
        if page == head:  # the list is empty
            continue
        del_page_from_free_list(kernel, zone, page, current_order)
        expand(kernel, zone, page, order, current_order, migratetype)
        account_freepages(kernel, zone, -(1 << order))
        return page
    return None


def expand(kernel: Kernel, zone: Zone, page: int, low: int, high: int, migratetype: int) -> None:
    """Halve a block of order ``high`` until it has order ``low``: each upper half goes back.

    Locks expected: zone->lock in the kernel.
    """
    while high > low:
        high -= 1
        # At the head: the next request of this order takes the neighbour, so pages that are used together
        # lie together.
        add_to_free_list(kernel, zone, page + (1 << high), high, migratetype)


def __free_one_page(kernel: Kernel, zone: Zone, page: int, order: int, migratetype: int) -> None:
    """Join the block with its buddy as long as the buddy is free, then put it on a list.

    A buddy of a pageblock's size or more whose type differs takes the freed block's type, unless one of
    the two is a type that must not mix. A task that compacts for this order takes the block at once.
    Locks expected: zone->lock in the kernel.
    """
    mem_map = kernel.mem_map
    account_freepages(kernel, zone, 1 << order)
    while order < zone.max_order:
        # On every order on the way up: joined further, the block would be too large for the one who waits.
        if _compaction_capture(kernel, zone, page, order, migratetype):
            return
        buddy = _find_buddy(kernel, zone, page, order)
        if buddy is None:
            break
        # Smaller buddies are in the same pageblock and so have the same type.
        if order >= mem_map.pageblock_order:
            buddy_type = get_pageblock_migratetype(mem_map, buddy)
            if buddy_type != migratetype:
                # The reserve for atomic requests and isolated blocks must not leak into others.
                if max(buddy_type, migratetype) >= MIGRATE_PCPTYPES:
                    break
                # One block, one type: a later split puts all its parts on lists of this type.
                _set_type_of_block(kernel, buddy, order, migratetype)
        del_page_from_free_list(kernel, zone, buddy, order)
        # The joined block begins at the lower of the two.
        page = min(page, buddy)
        order += 1
    tail = _buddy_merge_likely(kernel, zone, page, order)
    add_to_free_list(kernel, zone, page, order, migratetype, tail=tail)


def _set_type_of_block(kernel: Kernel, page: int, order: int, migratetype: int) -> None:
    """change_pageblock_range: every pageblock of a free block gets the type. Locks expected: zone->lock."""
    for each in range(page, page + (1 << order), 1 << kernel.mem_map.pageblock_order):
        set_pageblock_migratetype(kernel.mem_map, each, migratetype)


def _compaction_capture(kernel: Kernel, zone: Zone, page: int, order: int, migratetype: int) -> bool:
    """compaction_capture: the task that compacts takes a block of its order as soon as it is whole.

    Kernel threads take it off the free lists later. Blocks smaller than a pageblock are left alone if
    their type is not the wanted one.
    Locks expected: zone->lock in the kernel.
    """
    capture = kernel.capture_control
    if capture is None or capture.page is not None or capture.order != order or capture.zone is not zone:
        return False
    if kernel.current.kthread:
        return False
    small = order < kernel.mem_map.pageblock_order
    # A captured block keeps the type of its pageblock: unmovable pages would settle among movable ones.
    if small and migratetype == MIGRATE_MOVABLE and capture.migratetype != MIGRATE_MOVABLE:
        return False
    capture.page = page
    # Counted as free a moment ago; it never reaches a list.
    account_freepages(kernel, zone, -(1 << order))
    return True


def _find_buddy(kernel: Kernel, zone: Zone, page: int, order: int) -> int | None:
    """The free block of the same order that ``page`` can join with (find_buddy_page_pfn).

    Locks expected: zone->lock in the kernel.
    """
    mem_map = kernel.mem_map
    # Flipping one bit: of two buddies each finds the other.
    pfn = (page + mem_map.start_pfn) ^ (1 << order)
    # Blocks of different zones never join: a zone is a promise about addresses.
    if not zone.zone_start_pfn <= pfn < zone.zone_end_pfn:
        return None
    buddy = pfn - mem_map.start_pfn
    # The same order: a buddy that is split has a part in use, or parts that will join first.
    free = mem_map.flags[buddy] & PG_buddy and mem_map.order[buddy] == order
    return buddy if free else None


def _buddy_merge_likely(kernel: Kernel, zone: Zone, page: int, order: int) -> bool:
    """True if the parent's buddy is free: kept at the tail, the block may soon join further."""
    if order >= zone.max_order - 1:
        return False
    start = kernel.mem_map.start_pfn
    parent = ((page + start) & ~(1 << order)) - start
    # At the tail it is handed out last, which gives the missing half time to come free.
    return parent >= 0 and _find_buddy(kernel, zone, parent, order + 1) is not None


def move_freepages_block(kernel: Kernel, zone: Zone, page: int, migratetype: int) -> None:
    """Put all free blocks of the page's pageblock on the lists of another type, and note the type.

    Locks expected: zone->lock in the kernel.
    """
    mem_map = kernel.mem_map
    pfn = page + mem_map.start_pfn
    # A zone may begin or end in the middle of a pageblock.
    first = max(pageblock_start_pfn(kernel, pfn), zone.zone_start_pfn) - mem_map.start_pfn
    end = min(pageblock_end_pfn(kernel, pfn), zone.zone_end_pfn) - mem_map.start_pfn
    move_freepages(kernel, zone, first, end, migratetype)
    set_pageblock_migratetype(mem_map, page, migratetype)


def move_freepages(kernel: Kernel, zone: Zone, first: int, end: int, migratetype: int) -> int:
    """Put the free blocks between two pages on the lists of another type; how many pages they have (int).

    ``first``, ``end``: in the kernel pfns, here indices in mem_map.
    Locks expected: zone->lock in the kernel.
    """
    mem_map = kernel.mem_map
    moved, each = 0, first
    while each < end:
        if mem_map.flags[each] & PG_buddy:
            order: int = mem_map.order[each]
            list_del(mem_map.links, each)
            list_add_tail(mem_map.links, each, free_list(zone, order, migratetype))
            moved += 1 << order
            each += 1 << order
        else:
            each += 1
    return moved


def __isolate_free_page(kernel: Kernel, page: int, order: int) -> int:
    """Take a particular free block off its list; its pages (int), or 0 if the reserve does not allow it.

    ``page``: struct page *. A pageblock of which at least half is taken becomes movable. The block has no
    reference yet.
    Locks expected: zone->lock in the kernel.
    """
    mem_map, zone = kernel.mem_map, page_zone(kernel, page)
    # As for an allocation: compaction must not use up what is kept for urgent requests.
    if zone.free_pages - (1 << order) <= zone.watermark_min:
        return 0
    del_page_from_free_list(kernel, zone, page, order)
    account_freepages(kernel, zone, -(1 << order))
    # Movable pages are about to fill it, so it should be one of theirs.
    if order >= mem_map.pageblock_order - 1:
        size = 1 << mem_map.pageblock_order
        for each in range(page, page + (1 << order), size):
            if get_pageblock_migratetype(mem_map, each) < MIGRATE_PCPTYPES:
                move_freepages_block(kernel, zone, each, MIGRATE_MOVABLE)
    return 1 << order
