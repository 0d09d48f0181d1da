"""LRU lists: which folios were used lately and which were not (mm/swap.c, mm/vmscan.c, 6.18).

Inactive and active, anonymous and file, and one for what can't be reclaimed. New folios come to the head
of an inactive list; reclaim takes from its tail. The per-CPU batches in which new folios wait to be
put there, which khugepaged empties before it scans (lru_add_drain_all), are not modelled.
A folio that somebody has isolated is on no list and carries PG_isolated
(a flag of the model: in the kernel it is on a private list of whoever took it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from thplab.mm.include.list import list_add, list_del
from thplab.mm.include.mm_types import VM_LOCKED
from thplab.mm.include.page import (
    PG_active,
    PG_anon,
    PG_isolated,
    PG_lru,
    PG_referenced,
    PG_swapbacked,
    PG_unevictable,
    folio_get,
    folio_nr_pages,
)
from thplab.mm.vmstat import count_vm_event

if TYPE_CHECKING:
    from thplab.mm.include.mm_types import Vma
    from thplab.mm.system import Kernel

__all__ = [
    "LRU_NAMES",
    "SWAP_CLUSTER_MAX",
    "folio_add_lru",
    "folio_add_lru_vma",
    "folio_change_lru",
    "folio_isolate_lru",
    "folio_mark_accessed",
    "folio_putback_lru",
    "isolated_counter",
    "lru_list",
    "lru_oldest",
    "lruvec_del_folio",
]

#: A scan looks at least at so many folios.
SWAP_CLUSTER_MAX = 32

#: enum lru_list, in order.
LRU_NAMES = ("inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable")


def folio_lru_list(kernel: Kernel, folio: int) -> int:
    """The number of the list (enum lru_list) that the folio's flags say it belongs on."""
    flags = kernel.mem_map.flags[folio]
    if flags & PG_unevictable:
        return LRU_NAMES.index("unevictable")
    return (0 if flags & (PG_swapbacked | PG_anon) else 2) + bool(flags & PG_active)


def lru_list(kernel: Kernel, number: int) -> int:
    """The list head of LRU list ``number``."""
    return kernel.node.lru + number


def lru_oldest(kernel: Kernel, name: str, priority: int) -> list[int]:
    """The folios at the tail of an LRU list that a scan of this priority looks at."""
    links, head = kernel.mem_map.links, lru_list(kernel, LRU_NAMES.index(name))
    folios, entry = [], links[1][head]
    while entry != head:
        folios.append(entry)
        entry = links[1][entry]
    return folios[: max(len(folios) >> priority, SWAP_CLUSTER_MAX)]


def isolated_counter(kernel: Kernel, folio: int) -> str:
    """The counter of isolated pages of the folio's kind."""
    flags = kernel.mem_map.flags[folio]
    return "nr_isolated_anon" if flags & (PG_swapbacked | PG_anon) else "nr_isolated_file"


def folio_add_lru(kernel: Kernel, folio: int) -> None:
    """Put a folio that is on no list at the head of its LRU list."""
    mem_map = kernel.mem_map
    mem_map.flags[folio] |= PG_lru
    list_add(mem_map.links, folio, lru_list(kernel, folio_lru_list(kernel, folio)))


def folio_add_lru_vma(kernel: Kernel, folio: int, vma: Vma) -> None:
    """Put a new folio of ``vma`` on the LRU; locked memory counts as unevictable."""
    kernel.mem_map.flags[folio] |= PG_unevictable if vma.vm_flags & VM_LOCKED else 0
    if kernel.lru_gen_enabled and kernel.profile.lru_gen_marks_fresh_pages:
        kernel.mem_map.flags[folio] |= PG_referenced
    folio_add_lru(kernel, folio)


def lruvec_del_folio(kernel: Kernel, folio: int) -> None:
    """Take a folio off its LRU list."""
    list_del(kernel.mem_map.links, folio)


def folio_change_lru(kernel: Kernel, folio: int, flags: int) -> None:
    """Give a folio that is on an LRU list other flags, and put it at the head of the list they name."""
    lruvec_del_folio(kernel, folio)
    kernel.mem_map.flags[folio] = flags
    folio_add_lru(kernel, folio)


def folio_isolate_lru(kernel: Kernel, folio: int) -> bool:
    """Take the folio off its LRU list, with a reference; False if somebody else has done so."""
    mem_map = kernel.mem_map
    if not mem_map.flags[folio] & PG_lru:
        return False
    lruvec_del_folio(kernel, folio)
    mem_map.flags[folio] = mem_map.flags[folio] & ~PG_lru | PG_isolated
    folio_get(mem_map, folio)
    count_vm_event(kernel, isolated_counter(kernel, folio), folio_nr_pages(mem_map, folio))
    return True


def folio_putback_lru(kernel: Kernel, folio: int) -> None:
    """Put an isolated folio back on its LRU list and drop the reference; the last one frees it."""
    from thplab.mm.page_alloc.alloc import folio_put

    mem_map = kernel.mem_map
    count_vm_event(kernel, isolated_counter(kernel, folio), -folio_nr_pages(mem_map, folio))
    mem_map.flags[folio] &= ~PG_isolated
    folio_add_lru(kernel, folio)
    folio_put(kernel, folio)


def folio_mark_accessed(kernel: Kernel, folio: int) -> None:
    """The kernel itself has used the page: referenced at first, active the second time.

    The multi-generational LRU counts further uses elsewhere (lru_gen_inc_refs).
    """
    flags = kernel.mem_map.flags[folio]
    if not flags & PG_referenced:
        kernel.mem_map.flags[folio] = flags | PG_referenced
    elif not flags & (PG_unevictable | PG_active) and not kernel.lru_gen_enabled:
        flags = flags & ~PG_referenced | PG_active
        if flags & PG_lru:
            folio_change_lru(kernel, folio, flags)
        else:
            kernel.mem_map.flags[folio] = flags
