"""The deferred split queue: huge pages that may be worth splitting later (mm/huge_memory.c, 6.18).

Unmapping a part of a huge page frees nothing: the folio is one unit. To split it at once would cost
the process time that it may have for nothing, since it often unmaps the rest too. So the folio is
queued, and split when memory is short (huge_memory/deferred_scan.py). Two kinds of folios are queued:

    partially mapped   some of its pages, but not all, are mapped: the rest is waste for certain
    candidates         any new anonymous huge page: its pages may turn out to be full of zeros

The queue is linked through the second tail page of each folio (folio->_deferred_list lies where that
page's list links are), which is why a folio of two pages can't be queued.
"""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_add_tail, list_del
from thplab.mm.include.page import MemMap, PG_partially_mapped, PG_swapcache
from thplab.mm.vmstat import count_vm_event


def deferred_list(folio: int) -> int:
    """The page whose list links are the folio's ``_deferred_list`` (struct list_head *)."""
    return folio + 2


def folio_queued_for_split(mem_map: MemMap, folio: int) -> bool:
    """Is the large folio on the queue (C: !list_empty(&folio->_deferred_list))?

    Locks expected: none; the queue's own lock (split_queue_lock) is not modelled, as no task runs in between.
    """
    entry = deferred_list(folio)
    return mem_map.order[folio] > 1 and bool(mem_map.lru_next[entry] != entry)


def deferred_split_folio(kernel: Kernel, folio: int, *, partially_mapped: bool) -> None:
    """Queue an anonymous folio; ``partially_mapped``: for certain, else as a candidate.

    thp_deferred_split_page counts the first time that a huge page is found partially mapped; candidates
    are not counted, and only queued where ``shrink_underused`` is on (from 6.12 on). A folio in the
    swap cache is left out: reclaim is working on it.
    Locks expected: none. (The kernel takes split_queue_lock.)
    """
    mem_map, order = kernel.mem_map, kernel.mem_map.order[folio]
    wanted = partially_mapped or (kernel.profile.has_underused_shrinker and kernel.knobs.shrink_underused)
    # Two pages have no third struct page for the links (see above).
    if order <= 1 or not wanted or mem_map.flags[folio] & PG_swapcache:
        return
    # The flag stays until the folio is split or freed: the counter says how many folios, not how often.
    if partially_mapped and not mem_map.flags[folio] & PG_partially_mapped:
        mem_map.flags[folio] |= PG_partially_mapped
        if order == kernel.geometry.HPAGE_PMD_ORDER:
            count_vm_event(kernel, "thp_deferred_split_page")
    # A candidate may be in the queue already, and keeps its place when it becomes partially mapped.
    if not folio_queued_for_split(mem_map, folio):
        list_add_tail(mem_map.links, deferred_list(folio), kernel.node.split_queue)
        kernel.node.split_queue_len += 1


def folio_unqueue_deferred_split(kernel: Kernel, folio: int) -> None:
    """Take a folio that is freed or split off the queue, if it is there.

    Locks expected: none. (The kernel takes split_queue_lock.)
    """
    mem_map = kernel.mem_map
    if folio_queued_for_split(mem_map, folio):
        # Before its pages are freed: the list runs through one of them.
        list_del(mem_map.links, deferred_list(folio))
        kernel.node.split_queue_len -= 1
        mem_map.flags[folio] &= ~PG_partially_mapped
