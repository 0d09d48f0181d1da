"""Per-CPU lists: free pages kept aside so that most allocations need no zone lock (mm/page_alloc.c, 6.18).

Pages on these lists are not free blocks: /proc/buddyinfo does not show them, and they join with
nothing until they are drained. The model has one processor.
"""

from __future__ import annotations

from thplab.mm.include.gfp import MIGRATE_MOVABLE
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_add, list_add_tail, list_del, list_empty
from thplab.mm.include.mmzone import (
    MIGRATE_PCPTYPES,
    NR_PCP_LISTS,
    Zone,
    default_migratetype,
    get_pageblock_migratetype,
    populated_zones,
)
from thplab.mm.page_alloc.buddy import __free_one_page
from thplab.mm.page_alloc.fallback import __rmqueue

#: Above this order a request is costly: the allocator gives up early (PAGE_ALLOC_COSTLY_ORDER).
PAGE_ALLOC_COSTLY_ORDER = 3


def pcp_allowed_order(kernel: Kernel, order: int) -> bool:
    """True for the orders that have per-CPU lists: 0 to 3, and the huge page's."""
    return order <= PAGE_ALLOC_COSTLY_ORDER or order == kernel.geometry.HPAGE_PMD_ORDER


def _list_of(kernel: Kernel, zone: Zone, order: int, migratetype: int) -> int:
    """The list head for an order and a type (order_to_pindex)."""
    if order > PAGE_ALLOC_COSTLY_ORDER:
        # Huge pages have two lists, not three: movable, and all others.
        return zone.pcp.lists + NR_PCP_LISTS - 2 + int(migratetype == MIGRATE_MOVABLE)
    return zone.pcp.lists + order * MIGRATE_PCPTYPES + migratetype


def rmqueue_pcplist(kernel: Kernel, zone: Zone, order: int, migratetype: int, alloc_flags: int) -> int | None:
    """Take a block off the list; an empty list is filled from the buddy lists first, several at once.

    Returns struct page *, None: NULL.
    Locks expected: none. Takes the lock of the per-CPU lists, and zone->lock to fill them, in the kernel.
    """
    links, pcp = kernel.mem_map.links, zone.pcp
    migratetype = default_migratetype(kernel, migratetype)
    head = _list_of(kernel, zone, order, migratetype)
    if list_empty(links, head):
        # zone->lock is taken once for a whole batch. Of large blocks two at a time.
        for _ in range(max(pcp.batch >> order, 2) if order else pcp.batch):
            page = __rmqueue(kernel, zone, order, migratetype, alloc_flags)
            if page is None:
                break
            list_add_tail(links, page, head)
            kernel.mem_map.order[page] = order
            pcp.count += 1 << order
    if list_empty(links, head):
        return None
    return _take(kernel, zone, links[0][head])


def _take(kernel: Kernel, zone: Zone, page: int) -> int:
    """Take a block off its per-CPU list. Locks expected: the lock of the per-CPU lists in the kernel."""
    list_del(kernel.mem_map.links, page)
    zone.pcp.count -= 1 << kernel.mem_map.order[page]
    kernel.mem_map.order[page] = 0
    return page


def free_frozen_page_commit(kernel: Kernel, zone: Zone, page: int, order: int) -> None:
    """Put a freed block first on its list; above ``high`` the oldest go back to the buddy lists.

    ``page``: struct page * without references.
    Locks expected: the lock of the per-CPU lists in the kernel. Takes zone->lock there if pages go back.
    """
    pcp, mem_map = zone.pcp, kernel.mem_map
    # Of the pageblock now: its type may have changed since the page was allocated.
    migratetype = get_pageblock_migratetype(mem_map, page)
    # First: it is likely to be still in the processor's cache when it is allocated again.
    list_add(mem_map.links, page, _list_of(kernel, zone, order, min(migratetype, MIGRATE_PCPTYPES - 1)))
    mem_map.order[page] = order
    pcp.count += 1 << order
    if pcp.count > pcp.high:
        free_pcppages_bulk(kernel, zone, max(pcp.batch, pcp.count - pcp.high))


def free_pcppages_bulk(kernel: Kernel, zone: Zone, pages: int) -> None:
    """Give at least ``pages`` pages back to the buddy lists, from all lists in turn, the oldest first.

    Locks expected: the lock of the per-CPU lists in the kernel. Takes zone->lock there.
    """
    mem_map = kernel.mem_map
    left = min(pages, zone.pcp.count)
    while left > 0:
        # In turn, so that no type and no order loses all its pages.
        for head in range(zone.pcp.lists, zone.pcp.lists + NR_PCP_LISTS):
            if left > 0 and not list_empty(mem_map.links, head):
                # From the tail: the one that is coldest in the cache.
                page = mem_map.lru_prev[head]
                order: int = mem_map.order[page]
                _take(kernel, zone, page)
                __free_one_page(kernel, zone, page, order, get_pageblock_migratetype(mem_map, page))
                left -= 1 << order


def drain_pages_zone(kernel: Kernel, zone: Zone) -> None:
    """Empty the per-CPU lists of a zone: their pages join again.

    Locks expected: none. Takes zone->lock in the kernel.
    """
    free_pcppages_bulk(kernel, zone, zone.pcp.count)


def drain_all_pages(kernel: Kernel) -> None:
    """Empty the per-CPU lists of all zones.

    The kernel makes every processor do so, which is why it is done seldom.
    Locks expected: none.
    """
    for zone in populated_zones(kernel.node):
        drain_pages_zone(kernel, zone)
