"""Was a folio used? Its flag cannot say so: the entries that map it do (mm/rmap.c, 6.18)."""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import down_read_trylock, up_read
from thplab.mm.include.mm_types import VM_LOCKED, Vma
from thplab.mm.include.page import PG_referenced, folio_nr_pages
from thplab.mm.include.pgtable import _PAGE_ACCESSED, set_pmd_at
from thplab.mm.include.state import Column
from thplab.mm.rmap.mapcount import folio_anon_vma_lock, rmap_walk, rmap_walk_pmd

#: What folio_referenced() returns when another task changes who may map the folio.
CONTENDED = -1


def mapping_entries(kernel: Kernel, folio: int) -> list[tuple[Vma, Column, int]]:
    """All entries that map the folio, PMD leaves first: (VMA, table, index)."""
    entries = rmap_walk_pmd(kernel, folio)
    for page in range(folio, folio + folio_nr_pages(kernel.mem_map, folio)):
        entries += rmap_walk(kernel, page) if kernel.mem_map.mapcount[page] else []
    return entries


def folio_referenced(kernel: Kernel, folio: int) -> tuple[int, bool]:
    """How many entries that map the folio were used since the last scan (int), and is it locked memory?

    Makes all of them old, and clears PG_referenced. CONTENDED if the anon_vma is held for writing.
    Locks expected: the page lock. Tries the anon_vma for reading, and takes the PTE or PMD lock of each
    entry in the kernel; the TLB is not flushed, since an entry that looks old a little too long does no
    harm.
    """
    mem_map, young, locked = kernel.mem_map, 0, False
    mem_map.flags[folio] &= ~PG_referenced
    anon_vma = folio_anon_vma_lock(kernel, folio)
    # Only tried: reclaim has other folios to look at, and a collapse holds this lock until it ends.
    if not down_read_trylock(anon_vma):
        return CONTENDED, False
    for vma, table, index in mapping_entries(kernel, folio):
        # One VM_LOCKED area is enough: mlock() promises that the page stays in memory.
        locked = locked or bool(vma.vm_flags & VM_LOCKED)
        if table[index] & _PAGE_ACCESSED:
            young += 1
            set_pmd_at(table, index, table[index] & ~_PAGE_ACCESSED)
    up_read(anon_vma)
    return young, locked
