"""Splitting what waits on the deferred split queue, when memory is short (mm/huge_memory.c, 6.18).

This is the shrinker ``thp-deferred_split``. It gives back what a huge page holds for nothing: pages
that nobody maps any more, and pages of zeros, which become the shared zero page. What counts as too
many zeros is khugepaged's own limit, ``max_ptes_none``: a window that is split for its holes has more
of them than khugepaged tolerates, so the two never undo each other's work.
"""

from __future__ import annotations

from thplab.mm.huge_memory.deferred import folio_unqueue_deferred_split
from thplab.mm.huge_memory.split import split_folio
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_for_each, list_move, list_splice_tail
from thplab.mm.include.page import (
    PG_partially_mapped,
    PG_unevictable,
    folio_get,
    folio_nr_pages,
    folio_trylock,
    folio_unlock,
)
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.vmstat import count_vm_event


def deferred_split_count(kernel: Kernel) -> int:
    """How many folios wait (unsigned long). Locks expected: none."""
    return kernel.node.split_queue_len


def deferred_split_scan(kernel: Kernel, nr_to_scan: int) -> int | None:
    """Work on the ``nr_to_scan`` folios that wait longest; how many were split, None: SHRINK_STOP.

    A partially mapped folio that can't be split now comes to the end of the queue; a candidate that is
    in use leaves it for good. Taken off the queue one by one to the head of a list, the folios are
    scanned in reverse.
    Locks expected: none. Takes page locks; a folio whose lock is taken is left for the next time.
    """
    node, split = kernel.node, 0
    for folio in _isolate_from_queue(kernel, nr_to_scan):
        if _split_if_worth_it(kernel, folio):
            split += 1
        # A candidate found in use: it would be found so again, so it leaves the queue.
        elif not kernel.mem_map.flags[folio] & PG_partially_mapped:
            folio_unqueue_deferred_split(kernel, folio)
        # If the process unmapped it meanwhile, this was the last reference, and the folio is freed.
        folio_put(kernel, folio)
    # What was not split waits again, behind those that were not tried yet.
    list_splice_tail(kernel.mem_map.links, node.split_list, node.split_queue)
    # SHRINK_STOP only if nothing was split and nothing is left: reclaim then asks no more this round.
    return split if split or node.split_queue_len else None


def _isolate_from_queue(kernel: Kernel, nr_to_scan: int) -> list[int]:
    """Move the first folios of the queue to a list of our own, with a reference each; they still count."""
    links, node = kernel.mem_map.links, kernel.node
    for entry in list(list_for_each(links, node.split_queue))[:nr_to_scan]:
        # The process may unmap the folio before its turn comes: the reference keeps it.
        folio_get(kernel.mem_map, kernel.mem_map.compound_head[entry])
        list_move(links, entry, node.split_list)
    return [kernel.mem_map.compound_head[entry] for entry in list_for_each(links, node.split_list)]


def _split_if_worth_it(kernel: Kernel, folio: int) -> bool:
    """Split the folio if it is partially mapped or underused, and not in use otherwise; True if done.

    Locks expected: none. Takes the page lock, if it is free.
    """
    mem_map = kernel.mem_map
    underused = False
    if not mem_map.flags[folio] & PG_partially_mapped:
        # Locked memory keeps its pages of zeros, so nothing would be gained.
        if mem_map.flags[folio] & PG_unevictable or not thp_underused(kernel, folio):
            return False
        underused = True
    # Reclaim must not wait here: the owner of the lock may itself be waiting for memory.
    if not folio_trylock(mem_map, folio):
        return False
    done = split_folio(kernel, folio)
    folio_unlock(mem_map, folio)
    if done and underused:
        count_vm_event(kernel, "thp_underused_split_page")
    return done


def thp_underused(kernel: Kernel, folio: int) -> bool:
    """Are more than ``max_ptes_none`` pages of the folio full of zeros?

    With the default, all but one, the question is not even asked: then no folio is underused.
    Locks expected: none; the folio can't be freed, as the caller has a reference.
    """
    limit, nr = kernel.knobs.max_ptes_none, kernel.geometry.HPAGE_PMD_NR
    if limit == nr - 1:
        return False
    # Two counts, so that the reading of pages ends as soon as the answer is known.
    zero = filled = 0
    for contents in kernel.mem_map.contents[folio : folio + folio_nr_pages(kernel.mem_map, folio)]:
        if not contents:
            zero += 1
            if zero > limit:
                return True
        else:
            filled += 1
            if filled >= nr - limit:
                return False
    return False
