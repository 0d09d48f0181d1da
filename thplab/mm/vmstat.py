"""Event counters, in the words of /proc/vmstat, and measures of fragmentation (mm/vmstat.c, 6.18)."""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mmzone import Zone
from thplab.mm.include.vm_event_item import EVENTS

__all__ = ["count_vm_event", "extfrag_for_order", "fragmentation_index", "unusable_free_index", "vm_event"]


_NUMBER = {name: number for number, name in enumerate(EVENTS)}


def count_vm_event(kernel: Kernel, name: str, delta: int = 1) -> None:
    """Add ``delta`` to a counter; KeyError for a name that /proc/vmstat does not have."""
    kernel.vmstat[_NUMBER[name]] += delta


def vm_event(kernel: Kernel, name: str) -> int:
    """The present value of a counter."""
    value: int = kernel.vmstat[_NUMBER[name]]
    return value


def _suitable(zone: Zone, order: int) -> tuple[int, int, int]:
    """Free pages, free blocks, blocks of ``order`` in the large ones (fill_contig_page_info)."""
    nr_free = zone.nr_free
    pages = sum(count << each for each, count in enumerate(nr_free))
    large = sum(nr_free[each] << (each - order) for each in range(order, len(nr_free)))
    return pages, sum(nr_free), large


def fragmentation_index(zone: Zone, order: int) -> int:
    """Why a request would fail (int): near 0 for lack of memory, near 1000 by fragmentation.

    -1000: it would not fail; 0 also if nothing at all is free (__fragmentation_index).
    """
    pages, blocks, suitable = _suitable(zone, order)
    if not blocks:
        return 0
    if suitable:
        return -1000
    return 1000 - (1000 + 1000 * pages // (1 << order)) // blocks


def unusable_free_index(zone: Zone, order: int) -> int:
    """Share of the free memory, in thousandths, that is too scattered for ``order``; 1000 if none is free."""
    pages, _, suitable = _suitable(zone, order)
    return 1000 * (pages - (suitable << order)) // pages if pages else 1000


def extfrag_for_order(zone: Zone, order: int) -> int:
    """The same in per cent, 0 if nothing is free: the fragmentation score of a zone."""
    pages, _, suitable = _suitable(zone, order)
    return 100 * (pages - (suitable << order)) // pages if pages else 0
