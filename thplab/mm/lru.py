"""Onto the LRU, off it, and how a page earns its place there (mm/swap.c, mm/vmscan.c, 6.18).

The lists themselves are not modelled: a folio is on the LRU or is not. Nor are the per-CPU batches
in which it waits to be put there, which khugepaged empties before it scans (lru_add_drain_all).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from thplab.mm.mm_types import VM_LOCKED
from thplab.mm.page import (
    PG_active,
    PG_isolated,
    PG_lru,
    PG_referenced,
    PG_unevictable,
    folio_get,
    folio_nr_pages,
)
from thplab.mm.page_alloc import folio_put
from thplab.mm.vmstat import count_vm_event

if TYPE_CHECKING:
    from thplab.mm.mm_types import Vma
    from thplab.mm.system import Kernel

__all__ = ["folio_add_lru_vma", "folio_isolate_lru", "folio_mark_accessed", "folio_putback_lru"]


def folio_add_lru_vma(kernel: Kernel, folio: int, vma: Vma) -> None:
    """Put a new folio of ``vma`` on the LRU; locked memory counts as unevictable."""
    flags = PG_lru | (PG_unevictable if vma.vm_flags & VM_LOCKED else 0)
    if kernel.lru_gen_enabled and kernel.profile.lru_gen_marks_fresh_pages:
        flags |= PG_referenced
    kernel.mem_map.flags[folio] |= flags


def folio_isolate_lru(kernel: Kernel, folio: int) -> bool:
    """Take the folio off its LRU list, with a reference; False if somebody else has done so."""
    mem_map = kernel.mem_map
    if not mem_map.flags[folio] & PG_lru:
        return False
    mem_map.flags[folio] = mem_map.flags[folio] & ~PG_lru | PG_isolated
    folio_get(mem_map, folio)
    count_vm_event(kernel, "nr_isolated_anon", folio_nr_pages(mem_map, folio))
    return True


def folio_putback_lru(kernel: Kernel, folio: int) -> None:
    """Put an isolated folio back on the LRU and drop the reference that its isolation took."""
    mem_map = kernel.mem_map
    count_vm_event(kernel, "nr_isolated_anon", -folio_nr_pages(mem_map, folio))
    mem_map.flags[folio] = mem_map.flags[folio] & ~PG_isolated | PG_lru
    folio_put(kernel, folio)


def folio_mark_accessed(kernel: Kernel, folio: int) -> None:
    """The kernel itself has used the page: referenced at first, active the second time.

    The multi-generational LRU counts further uses elsewhere (lru_gen_inc_refs).
    """
    flags = kernel.mem_map.flags[folio]
    if not flags & PG_referenced:
        kernel.mem_map.flags[folio] = flags | PG_referenced
    elif not flags & (PG_unevictable | PG_active) and not kernel.lru_gen_enabled:
        kernel.mem_map.flags[folio] = flags & ~PG_referenced | PG_active
