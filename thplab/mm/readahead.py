"""Clean pages of files on disk, as far as reclaim needs them (mm/readahead.c, 6.18).

Which file a page belongs to is not modelled, and nobody maps it: the page cache's own reference keeps
it in memory until reclaim takes it. Memory that is shared is in shmem/file.py.
"""

from __future__ import annotations

from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_for_each
from thplab.mm.include.page import PG_lru, PG_uptodate
from thplab.mm.page_alloc.alloc import __alloc_pages, folio_put
from thplab.mm.swap import LRU_NAMES, folio_add_lru, lru_list, lruvec_del_folio
from thplab.mm.vmstat import count_vm_event


def read_page(kernel: Kernel) -> int:
    """Read one page of a file into the page cache; the page. Raises MemoryError (C: -ENOMEM).

    Locks expected: none.
    """
    folio = __alloc_pages(kernel, GFP_HIGHUSER_MOVABLE, 0)
    if folio is None:
        raise MemoryError("no free page for the page cache")
    kernel.mem_map.flags[folio] |= PG_uptodate
    # Inactive: a page that is read only once must not drive out those in use.
    folio_add_lru(kernel, folio)
    count_vm_event(kernel, "nr_file_pages")
    return folio


def drop_clean_page(kernel: Kernel, folio: int) -> None:
    """Drop a page that was taken off the LRU from the page cache; it is freed.

    Locks expected: none. (The kernel holds the page lock.)
    """
    kernel.mem_map.flags[folio] &= ~PG_lru
    count_vm_event(kernel, "nr_file_pages", -1)
    # The cache's reference, the only one: clean, so that nothing has to be written.
    folio_put(kernel, folio)


def drop_pagecache(kernel: Kernel) -> None:
    """What writing 1 to drop_caches does: drop every clean page of a file that is not in use.

    Locks expected: none. (The kernel takes each page lock, if it is free.)
    """
    mem_map = kernel.mem_map
    for name in ("inactive_file", "active_file"):
        # Over a copy, as the list loses what is dropped.
        for folio in list(list_for_each(mem_map.links, lru_list(kernel, LRU_NAMES.index(name)))):
            # More than the cache's reference: mapped, or in use. Shared memory has no other copy, and
            # stays.
            if mem_map.refcount[folio] == 1 and not mem_map.mapping[folio]:
                lruvec_del_folio(kernel, folio)
                drop_clean_page(kernel, folio)
    count_vm_event(kernel, "drop_pagecache")
