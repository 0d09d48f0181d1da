"""A fault on a page that was swapped out (do_swap_page of mm/memory.c, 6.18)."""

from __future__ import annotations

import errno

from thplab.mm.include.errors import KernelError
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE
from thplab.mm.include.mm_types import VM_LOCKED, VM_WRITE, Mm, Vma
from thplab.mm.include.page import PG_anon, folio_get, page_to_pfn
from thplab.mm.include.pgtable import (
    _PAGE_SWP_EXCLUSIVE,
    _PAGE_SWP_UFFD_WP,
    _PAGE_UFFD_WP,
    mk_pte,
    set_pte_at,
)
from thplab.mm.include.state import Column
from thplab.mm.include.swapops import is_pte_marker, pte_to_swp_offset
from thplab.mm.memcontrol import mem_cgroup_charge
from thplab.mm.page_alloc.alloc import __alloc_pages, folio_put
from thplab.mm.rmap.anon_vma import anon_vma_prepare
from thplab.mm.rmap.mapcount import folio_add_anon_rmap_ptes, folio_add_new_anon_rmap
from thplab.mm.swap import folio_add_lru_vma
from thplab.mm.swapfile import add_to_swap_cache, folio_free_swap, swap_cache_get_folio, swap_free
from thplab.mm.vmstat import count_vm_event


def do_swap_page(vma: Vma, table: Column, index: int, address: int, *, write: bool) -> None:
    """Bring back the page whose swap entry is in ``table[index]`` (pte_t[512]), and map it.

    A page that no one else has a claim to becomes exclusive and, since 6.11, writable at once, also at a
    read; a shared one is mapped read-only and stays in the swap cache. Raises KernelError (EFAULT) for a
    guard page, MemoryError (VM_FAULT_OOM).
    Locks expected: the PTE lock. (The kernel takes it after the page has been read, and checks the entry
    again.)
    """
    mm = vma.mm
    kernel = mm.kernel
    entry = table[index]
    if is_pte_marker(entry):
        raise KernelError(errno.EFAULT, f"SIGSEGV: {address:#x} is a guard page")
    anon_vma_prepare(vma)
    offset = pte_to_swp_offset(entry)
    # Another process's fault may have brought it back before, or it was never gone.
    folio = swap_cache_get_folio(kernel, offset)
    exclusive = bool(entry & _PAGE_SWP_EXCLUSIVE)
    if folio is not None:
        folio_get(kernel.mem_map, folio)
    else:
        # No other entry names the slot, so that no other task needs to find the page in the cache.
        direct = kernel.swap.swap_map[offset] == 1
        folio = _swap_read_folio(mm, offset, cached=not direct)
        exclusive = exclusive or direct
    # This entry no longer names the slot; the cache may keep it for others.
    swap_free(kernel, offset)
    mm.rss += 1
    # A writer, or locked memory, has no use for the copy in swap.
    if vma.vm_flags & VM_LOCKED or (write and kernel.mem_map.refcount[folio] == 2):
        folio_free_swap(kernel, folio)
    # Only this fault holds it: no other process can have a claim.
    exclusive = exclusive or kernel.mem_map.refcount[folio] == 1
    uffd_wp = _PAGE_UFFD_WP if entry & _PAGE_SWP_UFFD_WP else 0
    writable = exclusive and bool(vma.vm_flags & VM_WRITE) and not uffd_wp
    if not kernel.profile.swapin_makes_writable:
        writable = writable and write
    # From the cache it knows its anon_vma still; one that was read from disk does not.
    if kernel.mem_map.flags[folio] & PG_anon:
        folio_add_anon_rmap_ptes(kernel, folio, 1, vma, exclusive=exclusive)
    else:
        folio_add_new_anon_rmap(kernel, folio, vma, address, exclusive=exclusive)
        folio_add_lru_vma(kernel, folio, vma)
    pfn = page_to_pfn(kernel.mem_map, folio)
    set_pte_at(table, index, mk_pte(pfn, write=writable, dirty=write and writable, young=True) | uffd_wp)


def _swap_read_folio(mm: Mm, offset: int, *, cached: bool) -> int:
    """Read a slot into a new page; into the swap cache if other entries name the slot too.

    Raises MemoryError if there is no page, or no room in the cgroup.
    Locks expected: those of :func:`do_swap_page`.
    """
    kernel = mm.kernel
    folio = __alloc_pages(kernel, GFP_HIGHUSER_MOVABLE, 0)
    if folio is None:
        raise MemoryError("no free page to swap in")
    if not mem_cgroup_charge(kernel, folio, mm):
        folio_put(kernel, folio)
        raise MemoryError(f"the memory cgroup of {mm.name} has no room for a page to swap in")
    kernel.mem_map.contents[folio] = kernel.swap.contents[offset]
    count_vm_event(kernel, "pswpin")
    # So that the other entries find this page, not a second copy.
    if cached:
        add_to_swap_cache(kernel, folio, offset)
    return folio
