"""Page faults on anonymous memory (mm/memory.c, 6.18).

Order of a fault: the upper tables; a huge page if the PMD is empty and the rules allow; a write to
a huge page that is not writable; else one base page, or a few where mTHP sizes are enabled.
"""

from __future__ import annotations

import errno
from enum import Enum

from thplab.mm.huge_memory.fault import create_huge_pmd, huge_pmd_set_accessed, wp_huge_pmd
from thplab.mm.huge_memory.pmd import zero_pte
from thplab.mm.huge_memory.policy import thp_vma_allowable_order
from thplab.mm.include.errors import KernelError
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_ZERO
from thplab.mm.include.huge_mm import TvaType
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import Lock, down_read, down_write, up_read, up_write
from thplab.mm.include.mm_types import VM_READ, VM_SHARED, VM_WRITE, Mm, Vma, vma_is_anonymous, vma_lookup
from thplab.mm.include.page import (
    PG_anon,
    PG_anon_exclusive,
    PG_head,
    PG_ksm,
    PG_mapped_shared,
    PG_swapcache,
    folio_get,
    page_to_pfn,
    pfn_to_page,
)
from thplab.mm.include.pgtable import (
    _PAGE_RW,
    _PAGE_UFFD_WP,
    EntryRef,
    entry_pfn,
    mk_pte,
    pmd_populate,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_lock,
    pte_of,
    pte_present,
    set_pte_at,
)
from thplab.mm.include.state import Column
from thplab.mm.include.userfaultfd_k import handle_userfault, userfaultfd_missing, userfaultfd_wp
from thplab.mm.memcontrol import mem_cgroup_charge
from thplab.mm.memory.anon_folio import alloc_anon_folio, map_anon_folio_ptes
from thplab.mm.memory.fault_file import do_fault
from thplab.mm.memory.swapin import do_swap_page
from thplab.mm.memory.tables import pmd_alloc, pte_alloc_one
from thplab.mm.page_alloc.alloc import __alloc_pages, folio_put
from thplab.mm.rmap.anon_vma import anon_vma_prepare
from thplab.mm.rmap.mapcount import folio_add_new_anon_rmap, folio_remove_rmap_ptes
from thplab.mm.swap import folio_add_lru_vma
from thplab.mm.swapfile import folio_free_swap, free_folio_and_swap_cache
from thplab.mm.vmstat import count_vm_event


class FaultResult(Enum):
    """vm_fault_t as far as it matters here."""

    DONE = "done"
    FALLBACK = "fallback"


def handle_mm_fault(mm: Mm, address: int, *, write: bool) -> None:
    """Make ``address`` (unsigned long) accessible (do_user_addr_fault, handle_mm_fault).

    Under the lock of its VMA alone where the kernel has such locks; if that is held for writing, or
    to 6.1, under mmap_lock. Raises KernelError (EFAULT) outside every VMA or against its protection,
    and where a userfaultfd handler would be asked; MemoryError (C: VM_FAULT_OOM) if there is no free page.
    Locks expected: none. Takes the VMA lock or mmap_lock for reading.
    """
    lock = fault_lock(mm, address)
    down_read(lock)
    try:
        # Only now, under the lock: a VMA found before could be gone.
        vma = vma_lookup(mm, address)
        needed = VM_WRITE if write else VM_READ
        if vma is None or not vma.vm_flags & needed:
            what = "write to" if write else "read of"
            why = "no mapping there" if vma is None else "the mapping does not allow it"
            raise KernelError(errno.EFAULT, f"SIGSEGV: {what} {address:#x}: {why}")
        # A fault that ends in SIGSEGV is not counted here.
        count_vm_event(mm.kernel, "pgfault")
        __handle_mm_fault(vma, address & ~0xFFF, write=write)
    finally:
        up_read(lock)


def fault_lock(mm: Mm, address: int) -> Lock:
    """What a fault takes for reading: the lock of the VMA (lock_vma_under_rcu), or mmap_lock.

    Locks expected: none. Takes none itself.
    """
    vma = vma_lookup(mm, address) if mm.kernel.profile.has_vma_lock else None
    # Held for writing, the VMA is being changed: mmap_lock is where a fault can wait for the end of that.
    return mm.mmap_lock if vma is None or vma.vm_lock.writer is not None else vma.vm_lock


def __handle_mm_fault(vma: Vma, address: int, *, write: bool) -> None:
    """From the top of the tree down; ``address``: page aligned. Raises what :func:`handle_mm_fault` does.

    Locks expected: mmap_lock or the VMA lock for reading. Takes PMD and PTE locks.
    """
    ref = pmd_alloc(vma.mm, address)
    pmd = ref[0][ref[1]]
    # Only an empty PMD: one base page in the window, and just a collapse can still make it huge.
    if not pmd and thp_vma_allowable_order(vma, vma.vm_flags, TvaType.PAGEFAULT):
        if create_huge_pmd(vma, ref, address, write=write):
            return
    # Another thread may have mapped it since the walk failed: then there is nothing left to do.
    elif pmd_trans_huge(pmd):
        if not write or pmd & _PAGE_RW:
            huge_pmd_set_accessed(vma, ref, address, write=write)
            return
        # Split instead: the write continues as one to a base page.
        if wp_huge_pmd(vma, ref, address):
            return
    handle_pte_fault(vma, ref, address, write=write)


def handle_pte_fault(vma: Vma, ref: EntryRef, address: int, *, write: bool) -> None:
    """Fault in one base page; the PTE table is made if there is none.

    ``ref``: pmd_t *; ``address``: unsigned long, page aligned. Raises KernelError (EFAULT) for a guard
    page, MemoryError (C: VM_FAULT_OOM).
    Locks expected: mmap_lock or the VMA lock for reading. Takes the PTE lock.
    """
    mm = vma.mm
    kernel = mm.kernel
    # A file's empty entry is filled from the page cache, which may have a huge folio for it.
    if not vma_is_anonymous(vma) and not pte_of(kernel, ref, address):
        do_fault(vma, ref, address, write=write)
        return
    if not ref[0][ref[1]]:
        pmd_populate(kernel, ref, pte_alloc_one(mm))
    table_page = pmd_table_page(kernel, ref[0][ref[1]])
    table, index = kernel.tables[table_page], pte_index(kernel, address)
    ptl = pte_lock(kernel, table_page)
    down_write(ptl, kernel.current.comm)
    try:
        # Asked under the lock: another thread's fault may have filled the entry meanwhile.
        if not table[index]:
            do_anonymous_page(vma, table, index, address, write=write)
        elif not pte_present(table[index]):
            do_swap_page(vma, table, index, address, write=write)
        elif write:
            do_wp_page(vma, table, index, address)
    finally:
        up_write(ptl)


def do_anonymous_page(vma: Vma, table: Column, index: int, address: int, *, write: bool) -> None:
    """First touch of a base page: a read maps the shared zero page, a write a page of its own.

    ``table``: pte_t[512]; ``index`` in it of ``address``. Raises KernelError where a userfaultfd handler
    would be asked, MemoryError (C: VM_FAULT_OOM).
    Locks expected: the PTE lock.
    """
    if userfaultfd_missing(vma):
        raise handle_userfault(address)
    # No page is allocated, none is counted: memory that is only read costs its tables alone.
    if not write:
        set_pte_at(table, index, zero_pte(vma))
        return
    large = alloc_anon_folio(vma, table, index, address)
    if large is not None:
        map_anon_folio_ptes(vma, table, index, address, *large)
    else:
        _map_new_page(vma, table, index, address, copy_of=None)


def do_wp_page(vma: Vma, table: Column, index: int, address: int) -> None:
    """Write to a read-only PTE: keep the page if it has no other user, else copy it.

    ``table``: pte_t[512]; ``index`` in it of ``address``. Raises KernelError where a userfaultfd handler
    would be asked, MemoryError (C: VM_FAULT_OOM).
    Locks expected: the PTE lock. (The kernel drops it for the copy, and then checks again.)
    """
    mm = vma.mm
    mem_map = mm.kernel.mem_map
    pte = table[index]
    if pte & _PAGE_UFFD_WP and userfaultfd_wp(vma):
        raise handle_userfault(address)
    if entry_pfn(pte) == mm.kernel.zero_pfn:
        _map_new_page(vma, table, index, address, copy_of=None)
        return
    page = pfn_to_page(mem_map, entry_pfn(pte))
    folio = mem_map.compound_head[page]
    # The page of the file itself is written: all who map it are to see that.
    if vma.vm_flags & VM_SHARED:
        set_pte_at(table, index, pte | mk_pte(0, write=True, dirty=True, young=True))
        return
    # A private mapping never writes to the file's page, not even as its only user: only anonymous ones
    # stay.
    anon = mem_map.flags[folio] & PG_anon
    if anon and (mem_map.flags[page] & PG_anon_exclusive or wp_can_reuse_anon_folio(mm.kernel, folio)):
        mem_map.flags[page] |= PG_anon_exclusive
        set_pte_at(table, index, pte | mk_pte(0, write=True, dirty=True, young=True))
        return
    folio_get(mem_map, folio)  # so that reclaim for the new page leaves the old one alone
    try:
        _map_new_page(vma, table, index, address, copy_of=page)
    finally:
        folio_put(mm.kernel, folio)
    # Only now, with the entry replaced: nothing may count as unmapped that an entry still maps.
    folio_remove_rmap_ptes(mm.kernel, page, 1, mm)
    mm.rss -= 1
    free_folio_and_swap_cache(mm.kernel, folio)


def wp_can_reuse_anon_folio(kernel: Kernel, folio: int) -> bool:
    """Does nothing else map the folio or hold a reference on it? Then a writer needs no copy.

    Locks expected: the PTE lock. (For a large folio or the swap cache the kernel also takes the page lock.)
    """
    mem_map = kernel.mem_map
    if mem_map.flags[folio] & PG_head:
        # Kernels without an account of who maps a large folio can't be sure, and copy.
        alone = kernel.profile.shared_test == "account" and not mem_map.flags[folio] & PG_mapped_shared
        mapcount = mem_map.large_mapcount[folio]
        return alone and mapcount > 1 and bool(mem_map.refcount[folio] == mapcount)
    # The swap cache holds a reference, too; it is given up below, which is no reason for a copy.
    in_cache = bool(mem_map.flags[folio] & PG_swapcache)
    # A merged page stays as it is: KSM's tree finds it by its contents.
    if mem_map.flags[folio] & PG_ksm:
        return False
    if mem_map.refcount[folio] > 1 + in_cache:
        return False
    folio_free_swap(kernel, folio)
    return bool(mem_map.refcount[folio] == 1)


def _map_new_page(vma: Vma, table: Column, index: int, address: int, *, copy_of: int | None) -> None:
    """Allocate a page (zeroed, or a copy), and map it young, dirty and writable.

    Raises MemoryError if there is no page, or no room in the cgroup.
    Locks expected: the PTE lock.
    """
    mm = vma.mm
    kernel = mm.kernel
    # Without an anon_vma the reverse map could not find the page that is about to be mapped.
    anon_vma_prepare(vma)
    gfp = GFP_HIGHUSER_MOVABLE | (GFP_ZERO if copy_of is None else 0)
    page = __alloc_pages(kernel, gfp, 0)
    if page is None:
        raise MemoryError(f"no free page for {mm.name} at {address:#x}")
    if not mem_cgroup_charge(kernel, page, mm):
        folio_put(kernel, page)
        raise MemoryError(f"the memory cgroup of {mm.name} has no room for {address:#x}")
    # Before the entry is set: another thread must never read the new page without its contents.
    if copy_of is not None:
        kernel.mem_map.contents[page] = kernel.mem_map.contents[copy_of]
    folio_add_new_anon_rmap(kernel, page, vma, address)
    folio_add_lru_vma(kernel, page, vma)
    mm.rss += 1
    pfn = page_to_pfn(kernel.mem_map, page)
    set_pte_at(table, index, mk_pte(pfn, write=bool(vma.vm_flags & VM_WRITE), dirty=True, young=True))
