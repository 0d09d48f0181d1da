"""Who maps a folio: map counts, and exclusive or shared (mm/rmap.c, 6.18).

Which VMAs may map a page at all stands in rmap/anon_vma.py.
"""

from __future__ import annotations

from array import array

from thplab.mm.huge_memory.deferred import deferred_split_folio
from thplab.mm.include.errors import KernelBug
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import ANON_VMA, Lock
from thplab.mm.include.mm_types import Mm, Vma, linear_page_index, vma_address
from thplab.mm.include.page import (
    MemMap,
    PG_anon,
    PG_anon_exclusive,
    PG_head,
    PG_mapped_shared,
    PG_partially_mapped,
    PG_swapbacked,
    PG_uptodate,
    folio_nr_pages,
    page_to_pfn,
)
from thplab.mm.include.pgtable import (
    entry_pfn,
    mm_find_pmd,
    pmd_present,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_present,
)
from thplab.mm.include.state import Column
from thplab.mm.rmap.anon_vma import anon_vma_root
from thplab.mm.vmstat import count_vm_event


def folio_add_new_anon_rmap(
    kernel: Kernel, folio: int, vma: Vma, address: int, *, exclusive: bool = True
) -> None:
    """First mapping of a new anonymous folio at ``address`` (unsigned long, page aligned).

    ``exclusive``: no other process has a claim. A PMD-sized folio is mapped by one PMD leaf, a smaller
    one by a PTE for each of its pages. Raises KernelBug if the VMA has no anon_vma.
    Locks expected: the page-table lock of the entries.
    """
    mem_map = kernel.mem_map
    if vma.anon_vma is None:
        raise KernelBug("folio_add_new_anon_rmap: the VMA has no anon_vma")
    nr = folio_nr_pages(mem_map, folio)
    # A page that relatives may claim must be found from the root, on which all of them hang.
    number = (vma.anon_vma if exclusive else anon_vma_root(vma)).number
    mem_map.flags[folio] |= PG_anon | PG_swapbacked | PG_uptodate
    first = linear_page_index(vma, address)
    if nr == 1:
        mem_map.mapping[folio], mem_map.index[folio] = number, first
    else:
        mem_map.mapping[folio : folio + nr] = array("I", [number]) * nr
        mem_map.index[folio : folio + nr] = array("Q", range(first, first + nr))
    # By the size alone: whoever makes a PMD-sized folio maps it by a PMD first.
    if nr == kernel.geometry.HPAGE_PMD_NR:
        mem_map.flags[folio] |= PG_anon_exclusive
        _add_pmd_mapping(kernel, folio, vma.mm)
        count_vm_event(kernel, "nr_anon_pages", nr)
    else:
        folio_add_anon_rmap_ptes(kernel, folio, nr, vma, exclusive=exclusive)


def folio_add_anon_rmap_ptes(
    kernel: Kernel, page: int, nr: int, vma: Vma, *, exclusive: bool = False
) -> None:
    """``nr`` more PTEs of ``vma`` map consecutive pages of one folio, from ``page`` (struct page *) on.

    ``exclusive`` (RMAP_EXCLUSIVE): no other process uses these pages.
    Locks expected: the PTE lock.
    """
    _add_pte_mappings(kernel, page, nr, vma.mm)
    # Page by page, also in a large folio: after a fork and a copy only some may be exclusive.
    if exclusive:
        for each in range(page, page + nr):
            kernel.mem_map.flags[each] |= PG_anon_exclusive


def folio_add_file_rmap_ptes(kernel: Kernel, page: int, nr: int, vma: Vma) -> None:
    """``nr`` more PTEs of ``vma`` map consecutive pages of one folio of a file, from ``page`` on.

    Locks expected: the PTE lock.
    """
    _add_pte_mappings(kernel, page, nr, vma.mm)


def folio_add_file_rmap_pmd(kernel: Kernel, folio: int, vma: Vma) -> None:
    """One more PMD leaf, of ``vma``, maps a huge folio of a file. Locks expected: the PMD lock."""
    mem_map = kernel.mem_map
    if not mem_map.entire_mapcount[folio]:
        # Pages that PTEs map already are in the counter: each page counts once, however often it is mapped.
        unmapped = folio_nr_pages(mem_map, folio) - mem_map.nr_pages_mapped[folio]
        count_vm_event(kernel, "nr_mapped", unmapped)
    _add_pmd_mapping(kernel, folio, vma.mm)


def _add_pte_mappings(kernel: Kernel, page: int, nr: int, mm: Mm) -> None:
    """Count ``nr`` more PTEs of ``mm``, page by page and for the whole folio.

    Locks expected: the PTE lock.
    """
    mem_map = kernel.mem_map
    folio = mem_map.compound_head[page]
    large = bool(mem_map.flags[folio] & PG_head)
    for each in range(page, page + nr):
        # The counters say how many pages are mapped at all: only the first mapping of a page changes them.
        if not mem_map.mapcount[each]:
            mem_map.nr_pages_mapped[folio] += large
            if not mem_map.entire_mapcount[folio]:
                count_vm_event(kernel, _counter_of(mem_map, folio))
        mem_map.mapcount[each] += 1
    if large:
        _change_large_mapcount(mem_map, folio, mm, nr)


def _counter_of(mem_map: MemMap, folio: int) -> str:
    """Which counter the folio's mapped pages are in: NR_ANON_MAPPED or NR_FILE_MAPPED."""
    return "nr_anon_pages" if mem_map.flags[folio] & PG_anon else "nr_mapped"


def _leaf_counter_of(mem_map: MemMap, folio: int) -> str:
    """Which counter the folio is in while a PMD leaf maps it: NR_ANON_THPS or NR_SHMEM_PMDMAPPED."""
    anon = mem_map.flags[folio] & PG_anon
    return "nr_anon_transparent_hugepages" if anon else "nr_shmem_pmdmapped"


def folio_dup_anon_rmap_ptes(kernel: Kernel, page: int, nr: int, child: Vma) -> None:
    """fork: ``child`` maps the same pages too, and they are exclusive to neither process any more.

    Locks expected: the PTE locks of both tables.
    """
    mem_map = kernel.mem_map
    for each in range(page, page + nr):
        # Before the child can be seen: a writer that finds the mark would write without a copy.
        mem_map.flags[each] &= ~PG_anon_exclusive
    folio_add_anon_rmap_ptes(kernel, page, nr, child)


def folio_dup_anon_rmap_pmd(kernel: Kernel, folio: int, child: Vma) -> None:
    """fork: ``child`` maps the same huge page by a leaf of its own. Locks expected: the PMD locks of both."""
    kernel.mem_map.flags[folio] &= ~PG_anon_exclusive
    _add_pmd_mapping(kernel, folio, child.mm)


def _add_pmd_mapping(kernel: Kernel, folio: int, mm: Mm) -> None:
    mem_map = kernel.mem_map
    if not mem_map.entire_mapcount[folio]:
        count_vm_event(kernel, _leaf_counter_of(mem_map, folio))
    mem_map.entire_mapcount[folio] += 1
    _change_large_mapcount(mem_map, folio, mm, 1)


def folio_remap_by_ptes(kernel: Kernel, folio: int, mm: Mm) -> None:
    """A PMD leaf of ``mm`` was split: one mapping of the whole becomes one of each page.

    What was exclusive stays so, page by page.
    Locks expected: the PMD lock. (In C this is a part of __split_huge_pmd_locked.)
    """
    mem_map = kernel.mem_map
    nr = folio_nr_pages(mem_map, folio)
    exclusive = mem_map.flags[folio] & PG_anon_exclusive
    for page in range(folio, folio + nr):
        mem_map.mapcount[page] += 1
        if exclusive:
            mem_map.flags[page] |= PG_anon_exclusive
    # Set before the leaf is subtracted: at no time may the folio look partially mapped.
    mem_map.nr_pages_mapped[folio] = nr
    _change_large_mapcount(mem_map, folio, mm, nr - 1)
    mem_map.entire_mapcount[folio] -= 1
    if not mem_map.entire_mapcount[folio]:
        count_vm_event(kernel, "nr_anon_transparent_hugepages", -1)


def folio_remove_rmap_ptes(kernel: Kernel, page: int, nr: int, mm: Mm) -> None:
    """``nr`` PTEs of ``mm`` that mapped consecutive pages of one folio, from ``page`` on, are gone.

    Raises KernelBug for a page that no PTE maps. The references are the caller's to drop.
    Locks expected: the PTE lock.
    """
    mem_map = kernel.mem_map
    folio, gone = mem_map.compound_head[page], 0
    for each in range(page, page + nr):
        if mem_map.mapcount[each] < 1:
            raise KernelBug(f"folio_remove_rmap_ptes: page {each} is not mapped by a PTE")
        mem_map.mapcount[each] -= 1
        gone += not mem_map.mapcount[each]
    if mem_map.flags[folio] & PG_head:
        mem_map.nr_pages_mapped[folio] -= gone
        _change_large_mapcount(mem_map, folio, mm, -nr)
    # While a PMD leaf still maps the folio, all its pages count as mapped.
    if gone and not mem_map.entire_mapcount[folio]:
        count_vm_event(kernel, _counter_of(mem_map, folio), -gone)
        _note_partially_mapped(kernel, folio)


def folio_remove_rmap_pmd(kernel: Kernel, folio: int, mm: Mm) -> None:
    """A PMD leaf of ``mm`` that mapped the folio is gone. The reference is the caller's to drop.

    Raises KernelBug if no PMD maps it.
    Locks expected: the PMD lock. (The model calls it right after it.)
    """
    mem_map = kernel.mem_map
    if mem_map.entire_mapcount[folio] < 1:
        raise KernelBug(f"folio_remove_rmap_pmd: page {folio} is not mapped by a PMD")
    mem_map.entire_mapcount[folio] -= 1
    _change_large_mapcount(mem_map, folio, mm, -1)
    if not mem_map.entire_mapcount[folio]:
        count_vm_event(kernel, _leaf_counter_of(mem_map, folio), -1)
        # Pages that PTEs map stay mapped; only the others leave the counter.
        unmapped = folio_nr_pages(mem_map, folio) - mem_map.nr_pages_mapped[folio]
        count_vm_event(kernel, _counter_of(mem_map, folio), -unmapped)
        _note_partially_mapped(kernel, folio)


def _change_large_mapcount(mem_map: MemMap, folio: int, mm: Mm, diff: int) -> None:
    """folio_add/sub_large_mapcount: the total, and the share of each of up to two address spaces.

    ``private`` of the first two tail pages holds (mm id << 32 | its mappings); a third mm is not
    counted by itself, the folio then simply counts as shared. PG_mapped_shared is
    FOLIO_MM_IDS_SHARED. The model counts for all kernels; 6.1 and 6.12 don't look at it (shared_test).
    """
    total = mem_map.large_mapcount[folio] + diff
    mem_map.large_mapcount[folio] = total
    # In tail pages, whose fields are free: a large folio has no struct of its own for this.
    private, mm_id, slots = mem_map.private, mm.task.pid, (folio + 1, folio + 2)
    # Two are enough: the question is only whether one address space has all the mappings.
    owned = [slot for slot in slots if private[slot] >> 32 == mm_id]
    free = [slot for slot in slots if not private[slot]] if diff > 0 else []
    for slot in (owned or free)[:1]:
        # A third mm that came to a slot late has mappings from before that the slot does not count.
        own = max(0, (private[slot] & 0xFFFFFFFF) + diff)
        private[slot] = mm_id << 32 | own if own else 0
    shares = [private[slot] & 0xFFFFFFFF for slot in slots]
    # One of the two has them all: private again, even if the folio was shared before.
    if total in shares or not total:
        mem_map.flags[folio] &= ~PG_mapped_shared
    else:
        mem_map.flags[folio] |= PG_mapped_shared


def _note_partially_mapped(kernel: Kernel, folio: int) -> None:
    """Queue a large anonymous folio of which some but not all pages are mapped now."""
    mem_map = kernel.mem_map
    flags = mem_map.flags[folio]
    # Queued before with the mark: nothing new. Small folios and files have nothing to split off.
    if not flags & PG_head or not flags & PG_anon or flags & PG_partially_mapped:
        return
    if 0 < mem_map.nr_pages_mapped[folio] < folio_nr_pages(mem_map, folio):
        deferred_split_folio(kernel, folio, partially_mapped=True)


def page_mapcount(mem_map: MemMap, page: int) -> int:
    """Entries that map just this page, a PMD leaf over its folio included. Locks expected: none."""
    count: int = mem_map.mapcount[page] + mem_map.entire_mapcount[mem_map.compound_head[page]]
    return count


def folio_maybe_mapped_shared(kernel: Kernel, page: int) -> bool:
    """Does more than one address space map the folio of ``page``? Each kernel asks in its own way.

    Of a small page all ask whether its map count is above 1. Of a large folio 6.1 asks for just
    this page, 6.12 guesses from the first page (folio_likely_mapped_shared), later kernels keep
    account.
    Locks expected: none; exact only while the page-table locks of all mappings are held.
    Kernel name: page_mapcount(page) > 1 (6.1), folio_likely_mapped_shared (6.12).
    """
    mem_map = kernel.mem_map
    folio = mem_map.compound_head[page]
    if not mem_map.flags[folio] & PG_head:
        return bool(mem_map.mapcount[page] > 1)
    how, total = kernel.profile.shared_test, mem_map.large_mapcount[folio]
    if how == "page":
        return page_mapcount(mem_map, page) > 1
    # One entry can belong to one address space only.
    if total <= 1:
        return False
    if how == "first page":
        # More entries than pages: some page is mapped twice, or a leaf and PTEs map it.
        entire = bool(mem_map.entire_mapcount[folio]) or total > folio_nr_pages(mem_map, folio)
        return entire or bool(mem_map.mapcount[folio] > 1)
    return bool(mem_map.flags[folio] & PG_mapped_shared)


def folio_anon_vma_lock(kernel: Kernel, folio: int) -> Lock:
    """The lock of the anon_vma of a mapped or once mapped anonymous folio (folio_lock_anon_vma_read).

    Locks expected: the page lock, so that the folio keeps its anon_vma.
    """
    number = kernel.mem_map.mapping[folio]
    chains = (vma.anon_vma_chain for mm in kernel.mms for vma in mm.vmas)
    found = (anon_vma.lock for chain in chains for anon_vma in chain if anon_vma.number == number)
    # All VMAs are gone: the walk that follows finds nothing, under a lock that nothing contends for.
    return next(found, None) or Lock(f"{ANON_VMA} {number}, which nobody maps any more")


def rmap_walk(kernel: Kernel, page: int) -> list[tuple[Vma, Column, int]]:
    """Every PTE that maps ``page``: its VMA, table (pte_t[512]) and index. Huge PMDs are not searched.

    page->mapping names the anon_vma, page->index the place in each VMA; the VMAs on that anon_vma
    are the only ones that can map the page.
    Locks expected: the page lock. (The kernel also takes the anon_vma lock for reading, and each PTE lock.)
    """
    mem_map = kernel.mem_map
    folio = mem_map.compound_head[page]
    # Of the folio, not of the page: in C a tail page has no mapping of its own.
    number, pfn = mem_map.mapping[folio], page_to_pfn(mem_map, page)
    found = []
    for vma in (vma for mm in kernel.mms for vma in mm.vmas):
        address = vma_address(vma, mem_map.index[page])
        # The VMA may have been cut since the page was mapped.
        if not vma.vm_start <= address < vma.vm_end:
            continue
        ref = mm_find_pmd(vma.mm, address)
        if ref is None or not pmd_present(ref[0][ref[1]]) or pmd_trans_huge(ref[0][ref[1]]):
            continue
        if all(anon_vma.number != number for anon_vma in vma.anon_vma_chain):
            continue
        table, index = kernel.tables[pmd_table_page(kernel, ref[0][ref[1]])], pte_index(kernel, address)
        # That the VMA may map the page does not mean that it does: after a copy another page is there.
        if pte_present(table[index]) and entry_pfn(table[index]) == pfn:
            found.append((vma, table, index))
    return found


def rmap_walk_pmd(kernel: Kernel, folio: int) -> list[tuple[Vma, Column, int]]:
    """Every PMD leaf that maps the huge page ``folio``: its VMA, table (pmd_t[512]) and index.

    Locks expected: the page lock. (The kernel also takes the anon_vma lock for reading, and each PMD lock.)
    """
    found = []
    for vma in (vma for mm in kernel.mms for vma in mm.vmas):
        address = vma_address(vma, kernel.mem_map.index[folio])
        if not vma.vm_start <= address < vma.vm_end:
            continue
        ref = mm_find_pmd(vma.mm, address)
        pmd = ref[0][ref[1]] if ref is not None else 0
        if ref is not None and pmd_trans_huge(pmd) and entry_pfn(pmd) == page_to_pfn(kernel.mem_map, folio):
            found.append((vma, *ref))
    return found
