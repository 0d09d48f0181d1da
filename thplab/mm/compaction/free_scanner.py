"""The free scanner: from the zone's end downward it takes free pages as targets (mm/compaction.c, 6.18)."""

from __future__ import annotations

from thplab.mm.compaction.control import (
    CompactControl,
    MigrateMode,
    compact_cluster_max,
    freelist_scan_limit,
    isolation_suitable,
    set_pageblock_skip,
    trace_isolate,
)
from thplab.mm.include.gfp import MIGRATE_MOVABLE
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_add, list_add_tail, list_del, list_empty
from thplab.mm.include.mmzone import (
    free_list,
    get_pageblock_migratetype,
    page_zone,
    pageblock_end_pfn,
    pageblock_start_pfn,
)
from thplab.mm.include.page import PG_buddy, PG_head
from thplab.mm.page_alloc.alloc import prep_new_page
from thplab.mm.page_alloc.buddy import __free_one_page, __isolate_free_page
from thplab.mm.vmstat import count_vm_event


def suitable_migration_target(kernel: Kernel, cc: CompactControl, pfn: int) -> bool:
    """A movable pageblock that is not, as a whole, what we are trying to make.

    ``pfn``: unsigned long, in the kernel struct page *.
    Locks expected: none.
    """
    mem_map = kernel.mem_map
    page = pfn - mem_map.start_pfn
    wanted = cc.order if cc.order > 0 else mem_map.pageblock_order
    # To fill a block of the wanted size would undo the work of others, or our own.
    if mem_map.flags[page] & PG_buddy and mem_map.order[page] >= wanted:
        return False
    # Movable pages in a block for unmovable ones would make unmovable requests go elsewhere.
    return cc.ignore_block_suitable or get_pageblock_migratetype(mem_map, page) == MIGRATE_MOVABLE


def isolate_freepages(kernel: Kernel, cc: CompactControl) -> None:
    """Isolate free pages until there are as many as pages to move, or the migrate scanner is near.

    A block that gave nothing doubles the stride of the next ones: soon only every 32nd page is examined,
    and a regular pattern of used pages can hide all the free ones.
    Locks expected: none. Takes zone->lock in each block.
    """
    fast_isolate_freepages(kernel, cc)
    if cc.nr_freepages:
        return
    size = kernel.geometry.HPAGE_PMD_NR
    position = cc.free_pfn
    block = pageblock_start_pfn(kernel, position)
    # The zone may end in the middle of a pageblock.
    block_end = min(block + size, cc.zone.zone_end_pfn)
    low_pfn = _lowest_target(kernel, cc)
    # Async: every 32nd page only, since time counts more than finding every free page.
    stride = compact_cluster_max(kernel) if cc.mode is MigrateMode.ASYNC else 1
    while block >= low_pfn:
        if suitable_migration_target(kernel, cc, block) and isolation_suitable(kernel, cc, block):
            taken, position = isolate_freepages_block(kernel, cc, position, block_end, stride)
            # Only a block that was scanned to its end gets the hint: the rest of a block may hold free
            # pages.
            if position == block_end:
                _update_cached_free(kernel, cc, block)
            if cc.nr_freepages >= cc.nr_migratepages:
                if position >= block_end:
                    # This block is used up: next time begin below it.
                    position = block - size
                break
            # The watermark has stopped the isolation: it would stop it in the next block too.
            if position < block_end:
                break
            stride = 1 if taken else min(compact_cluster_max(kernel), stride * 2)
        block_end, block = block, block - size
        position = block
    # Where to continue; below the migrate scanner's block the two have met.
    cc.free_pfn = max(position, cc.zone.zone_start_pfn)


def _lowest_target(kernel: Kernel, cc: CompactControl) -> int:
    """Where the free scanner stops (pfn): at the pageblock above the migrate scanner.

    With the last batch of a block in hand the migrate scanner is at the next block already, so the kernel
    does not take from that one. ``scanners_may_touch`` is the simpler rule of textbooks: that block may
    be used as well.
    """
    if kernel.memory.scanners_may_touch:
        return pageblock_end_pfn(kernel, cc.migrate_pfn - 1)
    return pageblock_end_pfn(kernel, cc.migrate_pfn)


def _update_cached_free(kernel: Kernel, cc: CompactControl, block: int) -> None:
    """The block was scanned to its end: a hint for others, and later runs begin below it."""
    set_pageblock_skip(kernel, block)
    below = block - kernel.geometry.HPAGE_PMD_NR
    cc.zone.compact_cached_free_pfn = min(cc.zone.compact_cached_free_pfn, below)


def isolate_freepages_block(
    kernel: Kernel, cc: CompactControl, pfn: int, end_pfn: int, stride: int
) -> tuple[int, int]:
    """Isolate free blocks between two pfns, examining every ``stride``-th page: pages isolated, last pfn.

    ``pfn``, ``end_pfn``: unsigned long; the kernel writes the position back through a pointer.
    Locks expected: none. Takes zone->lock: isolated pages are on no free list and not counted as free.
    """
    mem_map = kernel.mem_map
    first, scanned, total = pfn, 0, 0
    while pfn < end_pfn:
        page = pfn - mem_map.start_pfn
        scanned += 1
        if mem_map.flags[page] & PG_head:
            # A folio: none of its pages can be free, so jump to its end.
            scanned += (1 << mem_map.order[page]) - 1
            pfn += (1 << mem_map.order[page]) - 1
        elif mem_map.flags[page] & PG_buddy:
            isolated = _take_free_block(kernel, cc, page)
            # The watermark: what compaction has in hand must not drain the reserve.
            if not isolated:
                break
            scanned += isolated - 1
            total += isolated
            # A target for each source is enough. The rest of the block stays free for others.
            if cc.nr_migratepages <= cc.nr_freepages:
                pfn += isolated
                break
            pfn += isolated - 1
        pfn += stride
    pfn = min(pfn, end_pfn)
    trace_isolate(kernel, "mm_compaction_isolate_freepages", first, pfn, scanned, total)
    cc.total_free_scanned += scanned
    if total:
        count_vm_event(kernel, "compact_isolated", total)
    return total, pfn


def _take_free_block(kernel: Kernel, cc: CompactControl, page: int) -> int:
    """Isolate the free block that begins at ``page`` into ``cc.freepages``; its pages, or 0.

    Locks expected: zone->lock.
    """
    mem_map = kernel.mem_map
    order: int = mem_map.order[page]
    isolated = __isolate_free_page(kernel, page, order)
    if isolated:
        # Isolation clears the order, but the block stays whole until its pages are needed one by one.
        mem_map.order[page] = order
        list_add_tail(mem_map.links, page, cc.freepages + order)
        cc.nr_freepages += isolated
    return isolated


def fast_isolate_freepages(kernel: Kernel, cc: CompactControl) -> None:
    """Search the free lists for a block in the top quarter (at worst the top half) of the rest of the zone.

    Only for a goal of some order. The lists are rotated, so that a later search begins elsewhere.
    Locks expected: none. Locks expected: none. Takes zone->lock for each list.
    """
    # A run over the whole zone needs every target: it scans block by block.
    if cc.order <= 0:
        return
    at_start = cc.free_pfn >= cc.zone.compact_init_free_pfn
    # The first search of a run decides where the free scanner begins, so it may take longer.
    limit = kernel.geometry.HPAGE_PMD_NR >> 1 if at_start else freelist_scan_limit(kernel, cc)
    distance = cc.free_pfn - cc.migrate_pfn
    # Targets far up: a target near the migrate scanner would soon be a source itself.
    low_pfn = pageblock_start_pfn(kernel, cc.free_pfn - (distance >> 2))
    min_pfn = pageblock_start_pfn(kernel, cc.free_pfn - (distance >> 1))
    scanned = taken = 0
    found: int | None = None
    cc.search_order = min(cc.order - 1, cc.search_order)
    order = cc.search_order
    for _ in range(cc.order):
        if cc.zone.nr_free[order]:
            page, looked = _search_list(kernel, cc, order, limit, (low_pfn, min_pfn))
            scanned += looked
            if page is not None:
                size = _take_free_block(kernel, cc, page)
                if size:
                    found, taken = page, taken + size
                    scanned += size - 1
                # Isolated or refused by the watermark: in both cases no other list can do better.
                break
            if looked >= limit:
                # The limit is for the whole search: the longer one list took, the shorter the next.
                limit = max(1, limit >> 1)
        # Downwards from where the last search succeeded, then from the top.
        order = order - 1 if order else cc.order - 1
    else:
        # Every order failed: the next search begins with another one.
        cc.search_order = cc.search_order - 1 if cc.search_order else cc.order - 1
    if taken:
        count_vm_event(kernel, "compact_isolated", taken)
    trace_isolate(kernel, "mm_compaction_fast_isolate_freepages", min_pfn, cc.free_pfn, scanned, taken)
    cc.total_free_scanned += scanned
    if found is None:
        cc.fast_search_fail += 1
        # Nothing free in the upper half. A task that waits does not scan through it page by page.
        if at_start and cc.direct_compaction:
            cc.free_pfn = max(min_pfn, cc.zone.zone_start_pfn)
        return
    _isolate_around(kernel, cc, found + kernel.mem_map.start_pfn)


def _search_list(
    kernel: Kernel, cc: CompactControl, order: int, limit: int, bounds: tuple[int, int]
) -> tuple[int | None, int]:
    """Search a free list from its tail: a block above the first bound, else the highest above the second.

    ``bounds``: two pfns. Also returns how many entries were read.
    Locks expected: zone->lock.
    """
    mem_map = kernel.mem_map
    low_pfn, min_pfn = bounds
    head = free_list(cc.zone, order, MIGRATE_MOVABLE)
    best: int | None = None
    scanned = 0
    entry = mem_map.lru_prev[head]
    while entry != head:
        scanned += 1
        pfn = entry + mem_map.start_pfn
        if pfn >= low_pfn:
            cc.fast_search_fail = 0
            cc.search_order = order
            best = entry
            break
        if pfn >= min_pfn and (best is None or entry > best):
            best = entry
            # A candidate: look a little further for a better one, not to the end.
            limit >>= 1
        if scanned >= limit:
            break
        entry = mem_map.lru_prev[entry]
    if best is not None and mem_map.lru_next[head] != best:
        # move_freelist_head: the list begins with this block now, so the entries that were just read come
        # last in a search from the tail.
        list_del(mem_map.links, head)
        list_add_tail(mem_map.links, head, best)
    return best, scanned


def _isolate_around(kernel: Kernel, cc: CompactControl, pfn: int) -> None:
    """Isolate the rest of the found block's pageblock, if targets are missing and time allows.

    Locks expected: none. Takes zone->lock.
    """
    if cc.nr_freepages >= cc.nr_migratepages or (cc.direct_compaction and cc.mode is MigrateMode.ASYNC):
        return
    # The neighbours of a free block may be free too, and to scan them costs less than another search.
    first = max(pageblock_start_pfn(kernel, pfn), cc.zone.zone_start_pfn)
    end = min(pageblock_end_pfn(kernel, pfn), cc.zone.zone_end_pfn)
    _, stopped = isolate_freepages_block(kernel, cc, first, end, 1)
    if stopped == end:
        set_pageblock_skip(kernel, first)


def compaction_alloc(kernel: Kernel, cc: CompactControl) -> int | None:
    """A target page out of the isolated free blocks; more are isolated if need be. None (C: NULL): none.

    The callback of migrate_pages(), which passes the source folio and ``cc`` as an unsigned long. The
    page has one reference.
    Locks expected: none. Takes zone->lock.
    """
    if not cc.nr_freepages:
        isolate_freepages(kernel, cc)
        if not cc.nr_freepages:
            return None
    mem_map, links = kernel.mem_map, kernel.mem_map.links
    # The smallest block first: large ones that are not needed go back whole.
    order = next(o for o in range(cc.zone.max_order + 1) if not list_empty(links, cc.freepages + o))
    page: int = links[0][cc.freepages + order]
    list_del(links, page)
    while order:
        order -= 1
        mem_map.order[page + (1 << order)] = order
        list_add(links, page + (1 << order), cc.freepages + order)
    mem_map.order[page] = 0
    cc.nr_freepages -= 1
    # One source less waits for a target.
    cc.nr_migratepages -= 1
    prep_new_page(kernel, page, 0, 0)
    return page


def compaction_free(kernel: Kernel, cc: CompactControl, page: int) -> None:
    """Take back a target that was not needed after all (struct folio *). Locks expected: none."""
    # To the isolated pages, not to the free lists: the next source takes it.
    kernel.mem_map.refcount[page] = 0
    list_add(kernel.mem_map.links, page, cc.freepages)
    cc.nr_freepages += 1
    cc.nr_migratepages += 1


def release_free_list(kernel: Kernel, cc: CompactControl) -> int:
    """Free unused targets to the buddy lists; the highest pfn (unsigned long) among them, or 0.

    Locks expected: none. Takes zone->lock for each block.
    """
    mem_map = kernel.mem_map
    highest = 0
    for order in range(cc.zone.max_order + 1):
        head = cc.freepages + order
        while not list_empty(mem_map.links, head):
            page = mem_map.lru_next[head]
            list_del(mem_map.links, page)
            mem_map.order[page] = 0
            zone = page_zone(kernel, page)
            __free_one_page(kernel, zone, page, order, get_pageblock_migratetype(mem_map, page))
            # compact_zone() moves the cached position back to it, or these pages would be missed next time.
            highest = max(highest, page + mem_map.start_pfn)
    cc.nr_freepages = 0
    return highest
