"""Faults on memory that maps a file (do_fault and what follows it in mm/memory.c, 6.18).

A read maps what the page cache has, and its neighbours with it. A write to a shared mapping maps
the page itself, a write to a private one a copy. Where the page cache holds a huge folio that fits the
address, one PMD maps all of it.
"""

from __future__ import annotations

from thplab.mm.filemap import filemap_get_folio, folio_page
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE
from thplab.mm.include.huge_mm import thp_vma_suitable_order
from thplab.mm.include.lock import Lock, down_write, up_write
from thplab.mm.include.mm_types import (
    MMF_DISABLE_THP_COMPLETELY,
    VM_NOHUGEPAGE,
    VM_SHARED,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    VM_WRITE,
    Vma,
    linear_page_index,
)
from thplab.mm.include.page import PG_locked, folio_nr_pages, folio_ref_add, page_to_pfn
from thplab.mm.include.pgtable import (
    EntryRef,
    mk_huge_pmd,
    mk_pte,
    pmd_lock,
    pmd_populate,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_lock,
    set_pmd_at,
    set_pte_at,
)
from thplab.mm.include.state import Column
from thplab.mm.memory.tables import pte_alloc_one
from thplab.mm.page_alloc.alloc import __alloc_pages
from thplab.mm.rmap.anon_vma import anon_vma_prepare
from thplab.mm.rmap.mapcount import folio_add_file_rmap_pmd, folio_add_file_rmap_ptes, folio_add_new_anon_rmap
from thplab.mm.shmem.file import shmem_get_folio
from thplab.mm.swap import folio_add_lru
from thplab.mm.vmstat import count_vm_event

#: How many pages a read fault maps at most (fault_around_bytes: 64 KiB).
FAULT_AROUND_PAGES = 16


def do_fault(vma: Vma, ref: EntryRef, address: int, *, write: bool) -> None:
    """Nothing is mapped at ``address`` (page aligned): bring in the page of the file and map it.

    ``ref``: pmd_t *. Raises MemoryError (C: VM_FAULT_OOM).
    Locks expected: mmap_lock or the VMA lock for reading. Takes PMD and PTE locks.
    """
    if not write:
        # The neighbours in the cache first: to map them costs little, each spares a fault.
        if not do_fault_around(vma, ref, address):
            finish_fault(vma, ref, address, _file_folio(vma, address), write=False)
    elif vma.vm_flags & VM_SHARED:
        finish_fault(vma, ref, address, _file_folio(vma, address), write=True)
    else:
        do_cow_fault(vma, ref, address)


def _file_folio(vma: Vma, address: int) -> int:
    """The folio of the file for ``address`` (shmem_fault)."""
    assert vma.vm_file is not None
    return shmem_get_folio(vma.mm.kernel, vma.vm_file, linear_page_index(vma, address), vma, address)


def do_cow_fault(vma: Vma, ref: EntryRef, address: int) -> None:
    """First write to a page of a private mapping: a copy of the file's page, which stays as it is.

    Raises MemoryError (C: VM_FAULT_OOM).
    Locks expected: mmap_lock or the VMA lock for reading. Takes the PTE lock.
    """
    kernel = vma.mm.kernel
    anon_vma_prepare(vma)
    folio = _file_folio(vma, address)
    # Table and page are allocated before the spinlock is taken, as both may sleep.
    table, ptl = _pte_table(vma, ref)
    page = __alloc_pages(kernel, GFP_HIGHUSER_MOVABLE, 0)
    if page is None:
        raise MemoryError(f"no free page for {vma.mm.name} at {address:#x}")
    source = folio_page(kernel.mem_map, folio, linear_page_index(vma, address))
    # Before it is mapped: from then on the process may write to it.
    kernel.mem_map.contents[page] = kernel.mem_map.contents[source]
    down_write(ptl, kernel.current.comm)
    folio_add_new_anon_rmap(kernel, page, vma, address)
    folio_add_lru(kernel, page)
    vma.mm.rss += 1
    pfn = page_to_pfn(kernel.mem_map, page)
    pte = mk_pte(pfn, write=bool(vma.vm_flags & VM_WRITE), dirty=True, young=True)
    set_pte_at(table, pte_index(kernel, address), pte)
    up_write(ptl)


def do_fault_around(vma: Vma, ref: EntryRef, address: int) -> bool:
    """Map what the cache holds of the 64 KiB around ``address``; True if that included ``address``.

    Not where userfaultfd write-protects page by page (filemap_map_pages).
    Locks expected: mmap_lock or the VMA lock for reading. Takes PMD and PTE locks.
    """
    kernel = vma.mm.kernel
    if vma.vm_flags & VM_UFFD_WP:
        return False
    assert vma.vm_file is not None
    size = min(FAULT_AROUND_PAGES, kernel.geometry.PTRS_PER_PTE) * kernel.geometry.PAGE_SIZE
    start = max(address // size * size, vma.vm_start)
    done = False
    for each in range(start, min(address // size * size + size, vma.vm_end), kernel.geometry.PAGE_SIZE):
        folio = filemap_get_folio(vma.vm_file, linear_page_index(vma, each))
        # A locked page is being filled or moved: the fault itself would wait for it, its neighbours don't.
        if folio is None or kernel.mem_map.flags[folio] & PG_locked:
            continue
        # One folio for all 512 pages: with one entry the whole window is done.
        if pmd_trans_huge(ref[0][ref[1]]) or do_set_pmd(vma, ref, each, folio, write=False):
            return True
        _map_ptes(vma, ref, each, folio, 1, write=False)
        # That its own page was among them is what spares the fault the rest of the way.
        done = done or each == address
    return done


def finish_fault(vma: Vma, ref: EntryRef, address: int, folio: int, *, write: bool) -> None:
    """Map a folio of the file at ``address``: by one PMD, else by PTEs.

    Since shared memory can have folios of other sizes (6.11) a fault maps all of the folio that fits the
    VMA and the table, if none of it is mapped yet.
    Locks expected: mmap_lock or the VMA lock for reading. Takes PMD and PTE locks.
    """
    if do_set_pmd(vma, ref, address, folio, write=write):
        return
    kernel = vma.mm.kernel
    # Mapped at once, the pages of a folio cost one fault; the folio is in memory as a whole anyway.
    nr = folio_nr_pages(kernel.mem_map, folio) if kernel.profile.shmem_has_size_controls else 1
    index = linear_page_index(vma, address)
    begin = address - (index - kernel.mem_map.index[folio]) * kernel.geometry.PAGE_SIZE
    # Userfaultfd works page by page: a neighbour must not appear without its handler.
    armed = vma.vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP)
    if nr > 1 and not armed and _fits(vma, ref, begin, nr):
        _map_ptes(vma, ref, begin, folio, nr, write=write)
    else:
        _map_ptes(vma, ref, address, folio, 1, write=write)


def _fits(vma: Vma, ref: EntryRef, begin: int, nr: int) -> bool:
    """Do ``nr`` pages from ``begin`` on lie in the VMA and in one table, with nothing mapped there?"""
    kernel = vma.mm.kernel
    if begin < vma.vm_start or begin + nr * kernel.geometry.PAGE_SIZE > vma.vm_end:
        return False
    first = pte_index(kernel, begin)
    if first + nr > kernel.geometry.PTRS_PER_PTE:
        return False
    table, _ = _pte_table(vma, ref)
    return not any(table[first : first + nr])


def _pte_table(vma: Vma, ref: EntryRef) -> tuple[Column, Lock]:
    """The PTE table under a PMD entry and its lock; made if there is none.

    Raises MemoryError if there is no page for it.
    Locks expected: mmap_lock or the VMA lock for reading. (The kernel takes the PMD lock to set the entry.)
    """
    kernel = vma.mm.kernel
    if not ref[0][ref[1]]:
        pmd_populate(kernel, ref, pte_alloc_one(vma.mm))
    page = pmd_table_page(kernel, ref[0][ref[1]])
    return kernel.tables[page], pte_lock(kernel, page)


def _map_ptes(vma: Vma, ref: EntryRef, address: int, folio: int, nr: int, *, write: bool) -> None:
    """set_pte_range: map ``nr`` pages of the folio from ``address`` on, where nothing is mapped yet.

    The VMA's protection decides: a shared mapping that may be written is writable at once.
    Locks expected: mmap_lock or the VMA lock for reading. Takes the PTE lock.
    """
    kernel = vma.mm.kernel
    table, ptl = _pte_table(vma, ref)
    first = pte_index(kernel, address)
    page = folio_page(kernel.mem_map, folio, linear_page_index(vma, address))
    down_write(ptl, kernel.current.comm)
    # Asked under the lock: another thread may have mapped some of them meanwhile.
    if not any(table[first : first + nr]):
        for each in range(nr):
            pfn = page_to_pfn(kernel.mem_map, page + each)
            set_pte_at(table, first + each, mk_pte(pfn, write=_prot_write(vma), dirty=write, young=True))
        # Each entry holds a reference of its own.
        folio_ref_add(kernel.mem_map, folio, nr)
        folio_add_file_rmap_ptes(kernel, page, nr, vma)
        vma.mm.rss += nr
    up_write(ptl)


def _prot_write(vma: Vma) -> bool:
    """Does vm_page_prot allow writing? In a private mapping a write has to fault, to be copied."""
    return bool(vma.vm_flags & VM_SHARED and vma.vm_flags & VM_WRITE)


def do_set_pmd(vma: Vma, ref: EntryRef, address: int, folio: int, *, write: bool) -> bool:
    """Map a huge folio of the file by one PMD; False if it does not fit or the PMD is taken.

    No table is deposited on x86: a later split just forgets the mapping, the next fault finds the
    folio again.
    Locks expected: mmap_lock or the VMA lock for reading. Takes the PMD lock.
    """
    mm, kernel = vma.mm, vma.mm.kernel
    # Huge in the cache because of another process: this one may still refuse to map it so.
    if vma.vm_flags & VM_NOHUGEPAGE or mm.flags & MMF_DISABLE_THP_COMPLETELY:
        return False
    nr = kernel.geometry.HPAGE_PMD_NR
    if not thp_vma_suitable_order(vma, address) or folio_nr_pages(kernel.mem_map, folio) != nr:
        return False
    ptl = pmd_lock(mm, address)
    down_write(ptl, kernel.current.comm)
    # Asked under the lock: another thread may have set a table or a leaf here.
    free = not ref[0][ref[1]]
    if free:
        folio_ref_add(kernel.mem_map, folio, 1)
        folio_add_file_rmap_pmd(kernel, folio, vma)
        mm.rss += nr
        pfn = page_to_pfn(kernel.mem_map, folio)
        set_pmd_at(*ref, mk_huge_pmd(pfn, write=_prot_write(vma), dirty=write, young=True))
        count_vm_event(kernel, "thp_file_mapped")
    up_write(ptl)
    return free
