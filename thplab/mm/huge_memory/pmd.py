"""Huge PMDs: deposited tables, copying at fork, zapping, splitting (mm/huge_memory.c, 6.18)."""

from __future__ import annotations

from thplab.mm.include.errors import KernelBug
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import VM_READ, VM_WRITE, Mm, Vma, vma_is_anonymous
from thplab.mm.include.page import folio_get, folio_ref_add, page_to_pfn, pfn_to_page
from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    _PAGE_PSE,
    _PAGE_RW,
    _PAGE_SPECIAL,
    _PAGE_UFFD_WP,
    EntryRef,
    entry_pfn,
    mk_pte,
    mm_find_pmd,
    pmd_lock,
    pmd_page_of,
    pmd_populate,
    pmd_trans_huge,
    set_pmd_at,
    set_pte_at,
)
from thplab.mm.memory.tables import pte_alloc_one, pte_free
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.rmap.mapcount import folio_dup_anon_rmap_pmd, folio_remap_by_ptes, folio_remove_rmap_pmd
from thplab.mm.vmstat import count_vm_event


def is_huge_zero_pmd(kernel: Kernel, pmd: int) -> bool:
    """True if the leaf (pmd_t value) maps the huge zero page."""
    folio = kernel.huge_zero_folio
    return folio is not None and entry_pfn(pmd) == page_to_pfn(kernel.mem_map, folio)


def pgtable_trans_huge_deposit(mm: Mm, address: int, table_page: int) -> None:
    """Keep a PTE table beside the PMD table, so that a later split needs no memory.

    The tables kept for one PMD table are chained through ``mapping``, which a table page has no
    other use for (in C: ptdesc->pmd_huge_pte); 0 ends the chain, else page + 1.
    Locks expected: the PMD lock.
    """
    mapping, pmd_page = mm.kernel.mem_map.mapping, pmd_page_of(mm, address)
    mapping[table_page] = mapping[pmd_page]
    mapping[pmd_page] = table_page + 1


def pgtable_trans_huge_withdraw(mm: Mm, address: int) -> int:
    """Take back the table deposited last. Raises KernelBug if there is none. Locks expected: the PMD lock."""
    mapping, pmd_page = mm.kernel.mem_map.mapping, pmd_page_of(mm, address)
    table_page: int = mapping[pmd_page] - 1
    if table_page < 0:
        raise KernelBug(f"pgtable_trans_huge_withdraw: nothing deposited for {address:#x}")
    mapping[pmd_page] = mapping[table_page]
    mapping[table_page] = 0
    return table_page


def copy_huge_pmd(vma: Vma, source: Vma, child: EntryRef, parent: EntryRef, address: int) -> bool:
    """fork: the child's VMA maps the parent's huge page too; neither may write it, the child's is old.

    False (C: -EAGAIN): reclaim for the table to deposit has split the parent's leaf meanwhile. Raises
    MemoryError if there is no page for that table.
    Locks expected: the parent's mmap_lock for writing. Takes the PMD locks of both.
    """
    mm, kernel = vma.mm, vma.mm.kernel
    table_page = pte_alloc_one(mm)
    locks = pmd_lock(mm, address), pmd_lock(source.mm, address)
    for lock in locks:
        down_write(lock, kernel.current.comm)
    pmd = parent[0][parent[1]]
    copied = pmd_trans_huge(pmd)
    if copied:
        pgtable_trans_huge_deposit(mm, address, table_page)
        _share_leaf(vma, child, parent)
    for lock in locks:
        up_write(lock)
    if not copied:
        pte_free(mm, table_page)
    return copied


def _share_leaf(vma: Vma, child: EntryRef, parent: EntryRef) -> None:
    """Give the child the parent's leaf. Locks expected: the PMD locks of both."""
    kernel, pmd = vma.mm.kernel, parent[0][parent[1]]
    if not is_huge_zero_pmd(kernel, pmd):
        folio = pfn_to_page(kernel.mem_map, entry_pfn(pmd))
        folio_get(kernel.mem_map, folio)
        folio_dup_anon_rmap_pmd(kernel, folio, vma)
        vma.mm.rss += kernel.geometry.HPAGE_PMD_NR
    # Neither may write: whichever does so first faults, and is given a page of its own.
    set_pmd_at(*parent, pmd & ~_PAGE_RW)
    set_pmd_at(*child, pmd & ~(_PAGE_RW | _PAGE_ACCESSED | _PAGE_UFFD_WP))


def zap_huge_pmd(vma: Vma, ref: EntryRef, address: int) -> None:
    """Remove a leaf: the folio loses its mapping, the deposited table is freed.
    Locks expected: mmap_lock or the VMA lock at least for reading. Takes the PMD lock.
    """
    mm = vma.mm
    kernel = mm.kernel
    ptl = pmd_lock(mm, address)
    down_write(ptl, kernel.current.comm)
    pmd = ref[0][ref[1]]
    set_pmd_at(*ref, 0)
    if vma_is_anonymous(vma):
        pte_free(mm, pgtable_trans_huge_withdraw(mm, address))
    up_write(ptl)
    if not is_huge_zero_pmd(kernel, pmd):
        folio = pfn_to_page(kernel.mem_map, entry_pfn(pmd))
        folio_remove_rmap_pmd(kernel, folio, mm)
        mm.rss -= kernel.geometry.HPAGE_PMD_NR
        folio_put(kernel, folio)


def __split_huge_pmd(vma: Vma, ref: EntryRef, address: int) -> None:
    """One leaf becomes the deposited table with an entry for each base page; the folio stays whole.

    The entries inherit accessed, dirty, writable. The huge zero page becomes 512 zero pages. Of a
    file the mapping is just removed: faults will find the folio in the page cache.
    Locks expected: mmap_lock at least for reading, or the rmap lock. Takes the PMD lock.
    """
    mm = vma.mm
    if not vma_is_anonymous(vma):
        zap_huge_pmd(vma, ref, address)
        count_vm_event(mm.kernel, "thp_split_pmd")
        return
    kernel = mm.kernel
    ptl = pmd_lock(mm, address)
    down_write(ptl, kernel.current.comm)
    pmd = ref[0][ref[1]]
    table_page = pgtable_trans_huge_withdraw(mm, address)
    table = kernel.tables[table_page]
    zero = is_huge_zero_pmd(kernel, pmd)
    # The kernel first makes the leaf invalid and flushes: never two sizes for one address in a TLB.
    for index in range(kernel.geometry.PTRS_PER_PTE):
        set_pte_at(table, index, zero_pte(vma) if zero else _pte_of_leaf(pmd, index))
    if not zero:
        # One mapping and its reference become one of each page.
        folio = pfn_to_page(kernel.mem_map, entry_pfn(pmd))
        folio_ref_add(kernel.mem_map, folio, kernel.geometry.HPAGE_PMD_NR - 1)
        folio_remap_by_ptes(kernel, folio, mm)
    pmd_populate(kernel, ref, table_page)
    count_vm_event(kernel, "thp_split_pmd")
    up_write(ptl)


def zero_pte(vma: Vma) -> int:
    """The entry (pte_t value) that maps the shared zero page: read-only, or under PROT_NONE out of reach."""
    none = not vma.vm_flags & (VM_READ | VM_WRITE)
    zero_pfn = vma.mm.kernel.zero_pfn
    return mk_pte(zero_pfn, write=False, dirty=False, young=True, none=none) | _PAGE_SPECIAL


def _pte_of_leaf(pmd: int, index: int) -> int:
    """The PTE for base page ``index`` of a leaf: the same bits without PS, that page's frame."""
    return (pmd & ~_PAGE_PSE) + (index << 12)


def vma_adjust_trans_huge(vma: Vma, address: int) -> None:
    """Before a cut at ``address``: split a leaf across it. Locks expected: mmap_lock for writing."""
    haddr = address & ~(vma.mm.kernel.geometry.HPAGE_PMD_SIZE - 1)
    if address != haddr:
        ref = mm_find_pmd(vma.mm, haddr)
        if ref is not None and pmd_trans_huge(ref[0][ref[1]]):
            __split_huge_pmd(vma, ref, haddr)
