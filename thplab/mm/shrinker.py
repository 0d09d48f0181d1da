"""Shrinkers: caches and queues that can give memory back when it is short (mm/shrinker.c, 6.18).

Reclaim asks each shrinker how much it has, and lets it scan a share that grows with the pressure. There
is one here, the deferred split queue. What it frees shows in the free pages, but reclaim does not
count it as progress of its own.
"""

from __future__ import annotations

from thplab.mm.huge_memory.deferred_scan import deferred_split_count, deferred_split_scan
from thplab.mm.include.kernel import Kernel
from thplab.mm.vmstat import count_vm_event

#: So many objects are scanned at a time.
SHRINK_BATCH = 128
#: What it costs to make an object anew, in disk seeks: the more, the less is scanned.
DEFAULT_SEEKS = 2


def shrink_slab(kernel: Kernel, priority: int) -> int:
    """Let every shrinker scan its share, 4 / (seeks * 2^priority) of what it has; the objects freed.

    ``priority``: int, 12 at the beginning of reclaim, 0 at its most urgent. C: unsigned long. A share
    that is less than everything and less than a batch is not worth the trouble: it is put on account
    (nr_deferred).
    Locks expected: none.
    """
    node, freeable = kernel.node, deferred_split_count(kernel)
    if not freeable:
        return 0
    # Taken off the account for now: what is not scanned is put back below.
    deferred, node.shrinker_nr_deferred = node.shrinker_nr_deferred, 0
    delta = (freeable >> priority) * 4 // DEFAULT_SEEKS
    # Twice of what there is at most: a long account must not empty the cache in one go.
    total_scan = min((deferred >> priority) + delta, 2 * freeable)
    freed = scanned = 0
    while total_scan >= min(SHRINK_BATCH, freeable):
        nr_to_scan = min(SHRINK_BATCH, total_scan)
        split = deferred_split_scan(kernel, nr_to_scan)
        # The shrinker can do nothing at present; to ask again would not change that.
        if split is None:
            break
        freed += split
        total_scan -= nr_to_scan
        scanned += nr_to_scan
    node.shrinker_nr_deferred = min(max(deferred + delta - scanned, 0), 2 * freeable)
    return freed


def drop_slab(kernel: Kernel) -> None:
    """What writing 2 to drop_caches does: shrink as hard as can be, again while it yields enough.

    Locks expected: none.
    """
    shift = 0
    # What a round must yield doubles each time, so it ends even if objects keep coming.
    while shrink_slab(kernel, 0) >> shift > 1:
        shift += 1
    count_vm_event(kernel, "drop_slab")
