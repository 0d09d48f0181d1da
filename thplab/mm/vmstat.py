"""Event counters, in the words of /proc/vmstat, and measures of fragmentation (mm/vmstat.c, 6.18)."""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mmzone import Zone
from thplab.mm.include.vm_event_item import EVENTS

_NUMBER = {name: number for number, name in enumerate(EVENTS)}


def count_vm_event(kernel: Kernel, name: str, delta: int = 1) -> None:
    """Add ``delta`` to a counter (unsigned long; ``nr_``: long); KeyError for an unknown name.

    In the kernel each processor has counters of its own, so that no lock is needed.
    Locks expected: none.
    """
    # By number, as in enum vm_event_item: a name that was mistyped must not make a new counter.
    kernel.vmstat[_NUMBER[name]] += delta


def vm_event(kernel: Kernel, name: str) -> int:
    """The present value of a counter."""
    value: int = kernel.vmstat[_NUMBER[name]]
    return value


def _suitable(zone: Zone, order: int) -> tuple[int, int, int]:
    """Free pages, free blocks, blocks of ``order`` in the large ones (fill_contig_page_info).

    Locks expected: none; the sums may be out of date when they are used.
    """
    nr_free = zone.nr_free
    pages = sum(count << each for each, count in enumerate(nr_free))
    # A block that is larger by n orders holds 2^n blocks of the order.
    large = sum(nr_free[each] << (each - order) for each in range(order, len(nr_free)))
    return pages, sum(nr_free), large


def fragmentation_index(zone: Zone, order: int) -> int:
    """Why a request would fail (int): near 0 for lack of memory, near 1000 by fragmentation.

    -1000: it would not fail; 0 also if nothing at all is free (__fragmentation_index).
    Locks expected: none.
    """
    pages, blocks, suitable = _suitable(zone, order)
    if not blocks:
        return 0
    if suitable:
        return -1000
    # Many blocks for few pages mean small blocks: the index grows with their number.
    return 1000 - (1000 + 1000 * pages // (1 << order)) // blocks


def unusable_free_index(zone: Zone, order: int) -> int:
    """Share of the free memory, in thousandths, that is too scattered for ``order``; 1000 if none is free.

    Locks expected: none.
    """
    pages, _, suitable = _suitable(zone, order)
    return 1000 * (pages - (suitable << order)) // pages if pages else 1000


def extfrag_for_order(zone: Zone, order: int) -> int:
    """The same in per cent (unsigned int), 0 if nothing is free: the fragmentation score of a zone.

    Locks expected: none.
    """
    pages, _, suitable = _suitable(zone, order)
    return 100 * (pages - (suitable << order)) // pages if pages else 0
