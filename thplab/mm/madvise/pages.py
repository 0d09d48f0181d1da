"""Advice that walks the pages of a range: cold, pageout, free (mm/madvise.c, 6.18)."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator

from thplab.mm.huge_memory.pmd import is_huge_zero_pmd
from thplab.mm.huge_memory.split import split_folio
from thplab.mm.include.errors import KernelError
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import down_read, up_read
from thplab.mm.include.mm_types import VM_HUGETLB, VM_LOCKED, VM_PFNMAP, Vma, vma_is_anonymous
from thplab.mm.include.page import (
    PG_active,
    PG_dirty,
    PG_head,
    PG_lru,
    PG_referenced,
    PG_swapbacked,
    PG_swapcache,
    PG_young,
    folio_get,
    folio_mapcount,
    folio_nr_pages,
    folio_trylock,
    folio_unlock,
    pfn_to_page,
)
from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    _PAGE_DIRTY,
    EntryRef,
    entry_pfn,
    folio_pte_batch,
    mm_find_pmd,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_present,
    set_pmd_at,
    set_pte_at,
)
from thplab.mm.include.state import Column
from thplab.mm.include.swapops import is_pte_marker, pte_to_swp_offset
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.rmap.mapcount import folio_maybe_mapped_shared
from thplab.mm.swap import folio_change_lru
from thplab.mm.swapfile import folio_free_swap, free_swap_and_cache
from thplab.mm.vmscan.isolate import folio_isolate_lru
from thplab.mm.vmscan.shrink_folio import reclaim_pages


def madvise_cold(vma: Vma, start: int, end: int) -> None:
    """MADV_COLD: the pages count as unused from now on.

    ``start``, ``end``: unsigned long, page aligned. Raises KernelError (EINVAL) on locked or special
    memory.
    Locks expected: none. Takes mmap_lock for reading; PMD and PTE locks in the kernel.
    """
    _walk_lru(vma, start, end, _cold_folio)


def madvise_pageout(vma: Vma, start: int, end: int) -> None:
    """MADV_PAGEOUT: write the pages to swap now.

    Best effort: pages that another process maps, and zero pages, are left alone; with no swap nothing
    happens. A huge page that is covered whole goes whole; of one that is covered in part the folio is
    split first. ``start``, ``end``: unsigned long, page aligned. Raises KernelError (EINVAL) on locked or
    special memory. Isolates and frees pages.
    Locks expected: none. Takes mmap_lock for reading; PMD and PTE locks in the kernel.
    """
    _walk_lru(vma, start, end, _isolate_folio)


#: What a walk does with a folio that only this address space maps: folio, table, index, entries.
#: It returns True if the folio was isolated and is to be reclaimed.
_Act = Callable[["Kernel", int, "Column", int, int], bool]


def _walk_lru(vma: Vma, start: int, end: int, act: _Act) -> None:
    """madvise_cold_or_pageout_pte_range over all PMD entries of the range.

    Locks expected: none. Takes mmap_lock for reading.
    """
    # Locked memory is promised to stay, special memory is on no LRU list.
    if vma.vm_flags & (VM_LOCKED | VM_PFNMAP | VM_HUGETLB):
        raise KernelError(errno.EINVAL, "madvise: the memory is locked")
    kernel = vma.mm.kernel
    down_read(vma.mm.mmap_lock)
    for ref, first, last in _pmd_ranges(vma, start, end):
        isolated: list[int] = []
        if pmd_trans_huge(ref[0][ref[1]]):
            folio = _huge_folio(vma, ref, first, last)
            if folio is not None and act(kernel, folio, *ref, 1):
                isolated.append(folio)
        # Asked again: the leaf may have been split a moment ago.
        if not pmd_trans_huge(ref[0][ref[1]]):
            isolated += _walk_ptes(vma, ref, first, last, act)
        # After the walk of the table, not in it: reclaim takes the PTE lock by itself.
        reclaim_pages(kernel, isolated)
    up_read(vma.mm.mmap_lock)


def _pmd_ranges(vma: Vma, start: int, end: int) -> Iterator[tuple[EntryRef, int, int]]:
    """Each PMD entry of the range that maps something, with the part of the range under it (addresses)."""
    size = vma.mm.kernel.geometry.HPAGE_PMD_SIZE
    while start < end:
        following = min((start // size + 1) * size, end)
        ref = mm_find_pmd(vma.mm, start)
        if ref is not None and ref[0][ref[1]]:
            yield ref, start, following
        start = following


def _huge_folio(vma: Vma, ref: EntryRef, start: int, end: int) -> int | None:
    """The folio (struct folio *) behind a leaf, if it is to be treated whole.

    None if it is left alone (zero page, shared), or if only part of it is meant: then the folio is split,
    and its base pages come one by one.
    Locks expected: mmap_lock for reading, the PMD lock in the kernel (which drops it for the split).
    """
    kernel = vma.mm.kernel
    pmd = ref[0][ref[1]]
    folio = pfn_to_page(kernel.mem_map, entry_pfn(pmd))
    # What one process says must not slow down the others that map the page.
    if is_huge_zero_pmd(kernel, pmd) or folio_maybe_mapped_shared(kernel, folio):
        return None
    if end - start == kernel.geometry.HPAGE_PMD_SIZE:
        return folio
    _lock_and_split(kernel, folio)
    return None


def _lock_and_split(kernel: Kernel, folio: int) -> bool:
    """Split a folio under its page lock; False if that can't be.

    Locks expected: no PTE lock, since the split takes it. Takes the page lock.
    """
    if not folio_trylock(kernel.mem_map, folio):
        return False
    # The mapping's reference alone would not do: the split takes the mappings away.
    folio_get(kernel.mem_map, folio)
    done = split_folio(kernel, folio)
    folio_unlock(kernel.mem_map, folio)
    folio_put(kernel, folio)
    return done


def _walk_ptes(vma: Vma, ref: EntryRef, start: int, end: int, act: _Act) -> list[int]:
    """Act on each folio that this table alone maps, whole; those that were isolated.

    Locks expected: mmap_lock for reading, the PTE lock in the kernel.
    """
    kernel, table, index, last = _ptes(vma, ref, start, end)
    isolated = []
    while index < last:
        folio, nr = _folio_at(kernel, table, index, last)
        # As many mappings as entries here: no other table maps it.
        if folio is not None and folio_mapcount(kernel.mem_map, folio) == nr:
            # Off the LRU: another task has isolated it.
            lru = kernel.mem_map.flags[folio] & PG_lru
            if lru and act(kernel, folio, table, index, nr):
                isolated.append(folio)
        index += nr
    return isolated


def _ptes(vma: Vma, ref: EntryRef, start: int, end: int) -> tuple[Kernel, Column, int, int]:
    """The kernel, the PTE table under a PMD entry, and the first and last index of a range in it."""
    kernel = vma.mm.kernel
    first = pte_index(kernel, start)
    last = first + (end - start) // kernel.geometry.PAGE_SIZE
    return kernel, kernel.tables[pmd_table_page(kernel, ref[0][ref[1]])], first, last


def _folio_at(kernel: Kernel, table: Column, index: int, last: int) -> tuple[int | None, int]:
    """The folio at an entry and how many entries map it, or None and how many to skip.

    A large folio of which the range covers only a part is split first, unless it is shared; then there
    are 0 entries to skip: examine this one again.
    Locks expected: the PTE lock in the kernel (which drops it for the split).
    """
    pte = table[index]
    if not pte_present(pte) or entry_pfn(pte) == kernel.zero_pfn:
        return None, 1
    mem_map = kernel.mem_map
    folio = mem_map.compound_head[pfn_to_page(mem_map, entry_pfn(pte))]
    if not mem_map.flags[folio] & PG_head:
        return folio, 1
    nr = folio_pte_batch(kernel, table, index, last)
    if nr == folio_nr_pages(mem_map, folio):
        return folio, nr
    # A split would reach into the tables of other processes.
    if folio_maybe_mapped_shared(kernel, pfn_to_page(mem_map, entry_pfn(pte))):
        return None, 1
    # Not split: it is locked or pinned, and skipped whole.
    return None, 0 if _lock_and_split(kernel, folio) else nr


def _forget_use(kernel: Kernel, folio: int) -> None:
    """Clear what reclaim would take for use: it would keep the folio for another round."""
    kernel.mem_map.flags[folio] &= ~(PG_referenced | PG_young)


def _cold_folio(kernel: Kernel, folio: int, table: Column, index: int, nr: int) -> bool:
    """Make the entries old and the folio inactive (folio_deactivate).

    Locks expected: the PMD or PTE lock of the table in the kernel, mmap_lock for reading.
    """
    for each in range(index, index + nr):
        # An entry that stays young would make the page referenced again at the next scan.
        set_pte_at(table, each, table[each] & ~_PAGE_ACCESSED)
    _forget_use(kernel, folio)
    folio_change_lru(kernel, folio, kernel.mem_map.flags[folio] & ~PG_active)
    return False


def _isolate_folio(kernel: Kernel, folio: int, table: Column, index: int, nr: int) -> bool:
    """Isolate the folio from the LRU to be reclaimed; its entries stay as they are until then.

    Locks expected: mmap_lock for reading, the PMD or PTE lock in the kernel. Takes lruvec->lru_lock in
    the kernel.
    """
    _forget_use(kernel, folio)
    return folio_isolate_lru(kernel, folio)


def madvise_free(vma: Vma, start: int, end: int) -> None:
    """MADV_FREE: the contents may be dropped at any time until they are written again.

    Pages become clean and old, and lazyfree (not swapbacked); what is swapped out is dropped now.
    ``start``, ``end``: unsigned long, page aligned. Raises KernelError (EINVAL) on memory that maps a
    file.
    Locks expected: none. Takes mmap_lock for reading; PMD and PTE locks in the kernel.
    """
    # Dropping a page of a file would not give zeros, but the file's contents again.
    if not vma_is_anonymous(vma):
        raise KernelError(errno.EINVAL, "madvise free: the memory is not private anonymous memory")
    kernel = vma.mm.kernel
    down_read(vma.mm.mmap_lock)
    for ref, first, last in _pmd_ranges(vma, start, end):
        if pmd_trans_huge(ref[0][ref[1]]):
            folio = _huge_folio(vma, ref, first, last)
            if folio is not None and folio_trylock(kernel.mem_map, folio):
                # From here on a dirty bit means: written after the advice, so the contents count again.
                kernel.mem_map.flags[folio] &= ~PG_dirty
                folio_unlock(kernel.mem_map, folio)
                set_pmd_at(*ref, ref[0][ref[1]] & ~(_PAGE_ACCESSED | _PAGE_DIRTY))
                folio_mark_lazyfree(kernel, folio)
        # Asked again: the leaf may have been split a moment ago.
        if not pmd_trans_huge(ref[0][ref[1]]):
            _free_ptes(vma, ref, first, last)
    up_read(vma.mm.mmap_lock)


def _free_ptes(vma: Vma, ref: EntryRef, start: int, end: int) -> None:
    """The entries of one table (madvise_free_pte_range).

    Frees swap slots.
    Locks expected: mmap_lock for reading, the PTE lock in the kernel.
    """
    kernel, table, index, last = _ptes(vma, ref, start, end)
    while index < last:
        pte = table[index]
        if pte and not pte_present(pte):
            # Nothing is in memory. To forget the slot is cheaper than a later swap-in of contents nobody
            # wants.
            if not is_pte_marker(pte):
                set_pte_at(table, index, 0)
                free_swap_and_cache(kernel, pte_to_swp_offset(pte))
            index += 1
            continue
        folio, nr = _folio_at(kernel, table, index, last)
        if folio is not None and _make_clean(kernel, folio, nr):
            for each in range(index, index + nr):
                set_pte_at(table, each, table[each] & ~(_PAGE_ACCESSED | _PAGE_DIRTY))
            folio_mark_lazyfree(kernel, folio)
        index += nr


def _make_clean(kernel: Kernel, folio: int, nr: int) -> bool:
    """Drop what says that the folio's contents are worth keeping; False: others need them.

    Locks expected: the PTE lock in the kernel. Takes the page lock there.
    """
    mem_map = kernel.mem_map
    if not mem_map.flags[folio] & (PG_swapcache | PG_dirty):
        return True
    # Another process maps it, and needs the contents.
    if folio_mapcount(mem_map, folio) != nr:
        return False
    # A slot that an entry still names holds contents that are to be kept.
    if mem_map.flags[folio] & PG_swapcache and not folio_free_swap(kernel, folio):
        return False
    mem_map.flags[folio] &= ~PG_dirty
    return True


def folio_mark_lazyfree(kernel: Kernel, folio: int) -> None:
    """The folio may be dropped instead of swapped out (the per-CPU batch is not modelled).

    Locks expected: the PMD or PTE lock of the mapping in the kernel. Takes lruvec->lru_lock there.
    """
    flags = kernel.mem_map.flags[folio]
    if flags & PG_swapbacked and not flags & PG_swapcache:
        # Without PG_swapbacked it goes to the inactive file list: reclaim scans that even without swap.
        folio_change_lru(kernel, folio, flags & ~(PG_swapbacked | PG_active | PG_referenced))
