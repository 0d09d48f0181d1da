"""The migrate scanner: upwards from the zone's start it takes pages that can move (mm/compaction.c, 6.18)."""

from __future__ import annotations

from thplab.mm.compaction.control import (
    CompactControl,
    MigrateMode,
    compact_cluster_max,
    freelist_scan_limit,
    get_pageblock_skip,
    isolation_suitable,
    set_pageblock_skip,
    trace_isolate,
)
from thplab.mm.include.gfp import MIGRATE_MOVABLE
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_add, list_del, list_for_each
from thplab.mm.include.mmzone import (
    free_list,
    get_pageblock_migratetype,
    pageblock_end_pfn,
    pageblock_start_pfn,
)
from thplab.mm.include.page import (
    MemMap,
    PG_anon,
    PG_buddy,
    PG_head,
    PG_lru,
    PG_swapbacked,
    PG_tail,
    folio_mapcount,
    folio_nr_pages,
)
from thplab.mm.migrate import putback_movable_pages
from thplab.mm.page_alloc.pcp import PAGE_ALLOC_COSTLY_ORDER
from thplab.mm.vmscan.isolate import folio_isolate_lru
from thplab.mm.vmstat import count_vm_event


def isolate_migratepages(kernel: Kernel, cc: CompactControl) -> bool:
    """Fill ``cc.migratepages`` from the next suitable pageblock; False if it gave nothing.

    Scans one pageblock at most, and stops below the free scanner's.
    Locks expected: none. Takes lruvec->lru_lock in the kernel; each isolated folio carries a reference.
    """
    low = fast_find_migrateblock(kernel, cc)
    # The search has asked for the skip hint already.
    found = low != cc.migrate_pfn and not cc.fast_search_fail
    end = pageblock_end_pfn(kernel, low)
    while end <= cc.free_pfn:
        # Only at the start of a block: a block takes several batches, and its hint is set with the first
        # one.
        at_start = _begins_a_block(kernel, cc, low)
        if at_start and not found and not isolation_suitable(kernel, cc, low):
            pass
        elif not suitable_migration_source(kernel, cc, low):
            update_cached_migrate(kernel, cc, end)
        else:
            isolate_migratepages_block(kernel, cc, low, end)
            # Whether or not the block gave pages: compact_zone() decides whether to continue.
            break
        cc.migrate_pfn = low = end
        end += kernel.geometry.HPAGE_PMD_NR
        found = False
    return bool(cc.nr_migratepages)


def fast_find_migrateblock(kernel: Kernel, cc: CompactControl) -> int:
    """Where to continue (pfn, unsigned long): a block near by that is partly free already costs less.

    The free lists of larger orders are searched, only for a costly goal and at the start of a block. Once
    that fails, the scanner returns to the lowest block that was found so, and continues from there.
    Locks expected: none. Takes zone->lock for each list.
    """
    # Not at a border: the block was begun, and its rest comes first.
    at_start = cc.migrate_pfn in (cc.zone.zone_start_pfn, pageblock_start_pfn(kernel, cc.migrate_pfn))
    # A block that is emptied at once for an unmovable request would be lost for movable pages.
    for_movable = not cc.direct_compaction or cc.migratetype == MIGRATE_MOVABLE
    # Small goals are reached with few moves: scanning in order is good enough.
    costly = cc.order > PAGE_ALLOC_COSTLY_ORDER
    # Without hints the search would find the same block again and again.
    if cc.ignore_skip_hint or cc.finish_pageblock or not (at_start and costly and for_movable):
        return cc.migrate_pfn
    # Half of the way at first, an eighth later: what is emptied further up would soon be the place that the
    # free scanner fills.
    distance = (cc.free_pfn - cc.migrate_pfn) >> (1 if cc.migrate_pfn == cc.zone.zone_start_pfn else 3)
    high_pfn = pageblock_start_pfn(kernel, cc.migrate_pfn + distance)
    limit, scanned = freelist_scan_limit(kernel, cc), 0
    found: int | None = None
    for order in range(cc.order - 1, PAGE_ALLOC_COSTLY_ORDER - 1, -1):
        if found is None and scanned < limit and cc.zone.nr_free[order]:
            found, scanned = _search_for_block(kernel, cc, order, high_pfn, scanned, limit)
    cc.total_migrate_scanned += scanned
    if found is not None:
        cc.fast_search_fail = 0
        if kernel.profile.search_marks_its_block:
            # A mistake of that kernel: isolate_migratepages_block() sees the hint and takes nothing.
            set_pageblock_skip(kernel, found)
        # None: the scanner has returned there once, and does not do so again.
        if cc.fast_start_pfn is not None:
            cc.fast_start_pfn = min(cc.fast_start_pfn or found, found)
        return max(pageblock_start_pfn(kernel, found), cc.zone.zone_start_pfn)
    # The next search is half as long.
    cc.fast_search_fail += 1
    # The jumps left blocks out. They come now, in order.
    if cc.fast_start_pfn:
        cc.migrate_pfn, cc.fast_start_pfn = cc.fast_start_pfn, None
    return cc.migrate_pfn


def _search_for_block(
    kernel: Kernel, cc: CompactControl, order: int, high_pfn: int, scanned: int, limit: int
) -> tuple[int | None, int]:
    """A free block below ``high_pfn`` in a pageblock without skip hint: its pfn, and list entries read.

    The entry where the search ended becomes the last of the list: another search begins behind it. Locks
    expected: zone->lock.
    """
    mem_map = kernel.mem_map
    head = free_list(cc.zone, order, MIGRATE_MOVABLE)
    for page in list_for_each(mem_map.links, head):
        pfn = page + mem_map.start_pfn
        usable = pfn < high_pfn and not get_pageblock_skip(kernel, pfn)
        full = scanned >= limit
        scanned += 1
        if full or usable:
            if mem_map.lru_next[page] != head:
                list_del(mem_map.links, head)
                list_add(mem_map.links, head, page)
            return (None if full else pfn), scanned
    return None, scanned


def suitable_migration_source(kernel: Kernel, cc: CompactControl, pfn: int) -> bool:
    """Async direct compaction takes only from blocks of its own type; a huge page's block is left alone.

    ``pfn``: unsigned long, in the kernel struct page *.
    Locks expected: none.
    """
    mem_map = kernel.mem_map
    page = pfn - mem_map.start_pfn
    compound = mem_map.flags[page] & (PG_head | PG_tail)
    # Moving a huge page makes no block that is not there already.
    if compound and mem_map.order[mem_map.compound_head[page]] >= mem_map.pageblock_order:
        return False
    # A request that has little time empties only blocks that its own kind of pages can use.
    if cc.mode is not MigrateMode.ASYNC or not cc.direct_compaction:
        return True
    return get_pageblock_migratetype(mem_map, page) == cc.migratetype or not kernel.memory.group_by_mobility


def update_cached_migrate(kernel: Kernel, cc: CompactControl, pfn: int) -> None:
    """Remember how far the scanner came; async and sync runs have a position each.

    ``pfn`` (unsigned long) is the end of a block; the kernel rounds it up once more, so the next block is
    skipped.
    Locks expected: none.
    """
    zone, pfn = cc.zone, pageblock_end_pfn(kernel, pfn)
    zone.compact_cached_migrate_pfn_async = max(zone.compact_cached_migrate_pfn_async, pfn)
    # What an async run has passed may still hold pages that a sync run can move.
    if cc.mode is not MigrateMode.ASYNC:
        zone.compact_cached_migrate_pfn_sync = max(zone.compact_cached_migrate_pfn_sync, pfn)


def isolate_migratepages_block(kernel: Kernel, cc: CompactControl, low_pfn: int, end_pfn: int) -> None:
    """Isolate movable pages from the LRU between two pfns of one pageblock, a batch at a time.

    ``low_pfn``, ``end_pfn``: unsigned long. Async direct compaction gives up on a block of the wanted
    order at the first page that can't move: one such page is enough to keep the block from becoming free.
    Locks expected: none. Takes lruvec->lru_lock (not modelled); PG_lru is cleared first, so that nobody
    else isolates the page.
    """
    mem_map = kernel.mem_map
    flags, start = mem_map.flags, mem_map.start_pfn
    first, scanned, isolated = low_pfn, 0, 0
    # Whoever comes in the middle of a block does not judge it.
    valid_page = _begins_a_block(kernel, cc, first)
    if valid_page and not isolation_suitable(kernel, cc, first):
        _pass_by(kernel, cc, first, end_pfn)
        return
    # Others want as many free pages as they can make; this caller wants one block, now.
    skip_on_failure = cc.direct_compaction and cc.mode is MigrateMode.ASYNC
    block = 1 << max(cc.order, 0)
    next_skip = (low_pfn & -block) + block
    skip_updated = False
    while low_pfn < end_pfn:
        if skip_on_failure and low_pfn >= next_skip:
            # An aligned block of the wanted order is complete: move it before the next one is begun.
            if isolated:
                break
            # A compound page or a free block may have carried the scanner across more than one border.
            next_skip = (low_pfn & -block) + block
        page = low_pfn - start
        # Free already: nothing to move. The kernel reads the order without zone->lock; an order that has
        # changed meanwhile costs some pages at worst.
        if flags[page] & PG_buddy or _inside_a_free_block(mem_map, page):
            size = 1 << mem_map.order[page]
            scanned += size
            low_pfn += size
            continue
        folio = mem_map.compound_head[page]
        size = folio_nr_pages(mem_map, folio)
        scanned += size
        if _isolate_movable(kernel, cc, page, folio):
            isolated += 1
            if valid_page and not skip_updated:
                # With the first page, not at the end: other tasks that compact now leave this block to us.
                _test_and_set_skip(kernel, cc, first, low_pfn)
                skip_updated = True
            low_pfn += 1
            # Isolated pages are out of reach for reclaim: never many at a time, unless the block must be
            # finished.
            if cc.nr_migratepages >= compact_cluster_max(kernel) and not cc.finish_pageblock:
                break
            continue
        # Not isolated. A large folio is skipped as a whole.
        low_pfn += size
        if skip_on_failure:
            if isolated:
                # Moving these would be for nothing: the block they are in can't become free.
                putback_movable_pages(kernel, cc.migratepages)
                cc.nr_migratepages = isolated = 0
            if low_pfn <= next_skip:
                low_pfn = next_skip
                next_skip += block
    # A free block may reach beyond the range.
    low_pfn = min(low_pfn, end_pfn)
    # Scanned to the end. What was isolated will be moved, and what failed is likely to fail again soon: in
    # both cases another visit is no use for now.
    if low_pfn == end_pfn and (not isolated or cc.finish_pageblock):
        # Also by a run that ignores the hints: that nothing was found here is true for others, too.
        if valid_page and not skip_updated:
            set_pageblock_skip(kernel, first)
        update_cached_migrate(kernel, cc, low_pfn)
    trace_isolate(kernel, "mm_compaction_isolate_migratepages", first, low_pfn, scanned, isolated)
    cc.total_migrate_scanned += scanned
    if isolated:
        count_vm_event(kernel, "compact_isolated", isolated)
    cc.migrate_pfn = low_pfn


def _begins_a_block(kernel: Kernel, cc: CompactControl, pfn: int) -> bool:
    """Is it the first page that the scanner can have of its pageblock?

    A zone may begin in the middle of one; up to 6.1 such a block is never judged.
    """
    if pfn == cc.zone.zone_start_pfn and kernel.profile.first_block_may_be_short:
        return True
    return pfn == pageblock_start_pfn(kernel, pfn)


def _pass_by(kernel: Kernel, cc: CompactControl, first: int, end_pfn: int) -> None:
    """The block has a skip hint after all: one page was examined, and the scanner goes on behind it."""
    update_cached_migrate(kernel, cc, end_pfn)
    trace_isolate(kernel, "mm_compaction_isolate_migratepages", first, end_pfn, 1, 0)
    cc.total_migrate_scanned += 1
    cc.migrate_pfn = end_pfn


def _test_and_set_skip(kernel: Kernel, cc: CompactControl, first: int, pfn: int) -> None:
    """The first page of the block is isolated (``pfn``): the hint, unless this run ignores the hints.

    Up to 6.1 only if that page is the block's first. ``first``, ``pfn``: unsigned long.
    """
    if cc.ignore_skip_hint:
        return
    if kernel.profile.any_page_marks_its_block or pfn == pageblock_start_pfn(kernel, pfn):
        set_pageblock_skip(kernel, first)


def _inside_a_free_block(mem_map: MemMap, page: int) -> bool:
    """Is the page free, but not the first of its block?

    In the kernel what was just moved away from waits on the per-CPU list till the block is done. Without
    such lists it joins at once, and the scanner may find itself in the middle of a free block.
    """
    if page >= mem_map.nr_ready:
        return True
    unused = not mem_map.refcount[page] and not mem_map.flags[page]
    return unused and bool(mem_map.lru_next[page] == page)


def _isolate_movable(kernel: Kernel, cc: CompactControl, page: int, folio: int) -> bool:
    """Isolate one folio, if it is on the LRU, not too large and not pinned.

    ``page``, ``folio``: struct page * and its struct folio *, here indices in mem_map. The folio gets a
    reference, which putback or migration drops.
    Locks expected: none; takes lruvec->lru_lock.
    """
    mem_map = kernel.mem_map
    if page != folio or not mem_map.flags[folio] & PG_lru:
        return False
    if mem_map.flags[folio] & PG_head:
        # A huge page is never moved for a block of its size; smaller folios stay as well in the model.
        return False
    # A page of no file with more references than mappings is pinned: moving it would fail later. So is
    # one of shared memory that has left its file.
    anon = mem_map.flags[folio] & PG_anon
    if not anon and mem_map.mapping[folio]:
        # Shared memory: its place in the page cache would have to change as well.
        return False
    of_no_file = anon or mem_map.flags[folio] & PG_swapbacked
    if of_no_file and mem_map.refcount[folio] > folio_mapcount(mem_map, folio):
        return False
    if not folio_isolate_lru(kernel, folio):
        return False
    list_add(mem_map.links, folio, cc.migratepages)
    cc.nr_migratepages += 1
    return True
