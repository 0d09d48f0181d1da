"""Who maps a folio: anon_vma, map counts and the reverse map (mm/rmap.c, 6.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thplab.mm.errors import KernelBug
from thplab.mm.lock import Lock
from thplab.mm.page import (
    PG_anon,
    PG_anon_exclusive,
    PG_head,
    PG_mapped_shared,
    PG_partially_mapped,
    PG_swapbacked,
    PG_uptodate,
    folio_nr_pages,
)
from thplab.mm.state import Struct
from thplab.mm.vmstat import count_vm_event

if TYPE_CHECKING:
    from thplab.mm.mm_types import Mm, Vma
    from thplab.mm.page import MemMap
    from thplab.mm.system import Kernel

__all__ = [
    "AnonVma",
    "anon_vma_prepare",
    "folio_add_anon_rmap_ptes",
    "folio_add_new_anon_rmap",
    "folio_dup_anon_rmap_pmd",
    "folio_dup_anon_rmap_ptes",
    "folio_maybe_mapped_shared",
    "folio_remap_by_ptes",
    "folio_remove_rmap_pmd",
    "folio_remove_rmap_ptes",
    "page_mapcount",
]


class AnonVma(Struct):
    """The anchor of anonymous pages: ``number`` (page->mapping) and the VMAs that may map them.

    ``lock`` is anon_vma->root->rwsem.
    """

    __slots__ = ("lock", "number", "vmas")
    number: int
    lock: Lock
    vmas: tuple[Vma, ...]

    def __init__(self, number: int) -> None:
        """An anchor without VMAs; numbers begin at 1."""
        self.number = number
        self.lock = Lock(f"anon_vma {number}")
        self.vmas = ()


def anon_vma_prepare(vma: Vma) -> AnonVma:
    """The VMA's anon_vma; at the first write fault it gets one (a neighbour's, if they could merge).

    Locks expected: mmap_lock at least for reading.
    """
    if vma.anon_vma is None:
        anon_vma = _find_mergeable_anon_vma(vma)
        if anon_vma is None:
            kernel = vma.mm.kernel
            anon_vma = AnonVma(kernel.next_anon_vma)
            kernel.next_anon_vma += 1
        anon_vma_link(vma, anon_vma)
    assert vma.anon_vma is not None
    return vma.anon_vma


def anon_vma_link(vma: Vma, anon_vma: AnonVma) -> None:
    """Let pages of ``anon_vma`` be mapped by ``vma``."""
    vma.anon_vma = anon_vma
    anon_vma.vmas = (*anon_vma.vmas, vma)


def unlink_anon_vma(vma: Vma) -> None:
    """The VMA goes away: take it off its anon_vma."""
    if vma.anon_vma is not None:
        vma.anon_vma.vmas = tuple(other for other in vma.anon_vma.vmas if other is not vma)
        vma.anon_vma = None


def _find_mergeable_anon_vma(vma: Vma) -> AnonVma | None:
    """An adjacent VMA's anon_vma, if the two differ in nothing but the protection."""
    may_differ = 0x7  # VM_READ, VM_WRITE, VM_EXEC
    for other in vma.mm.vmas:
        touches = other.vm_end == vma.vm_start or other.vm_start == vma.vm_end
        if touches and other.anon_vma and not (other.vm_flags ^ vma.vm_flags) & ~may_differ:
            return other.anon_vma
    return None


def folio_add_new_anon_rmap(kernel: Kernel, folio: int, vma: Vma, address: int) -> None:
    """First mapping of a new, exclusive anonymous folio at ``address``.

    A PMD-sized folio is mapped by one PMD leaf, a smaller one by a PTE for each of its pages.
    Locks expected: the page-table lock of the entries.
    """
    mem_map = kernel.mem_map
    if vma.anon_vma is None:
        raise KernelBug("folio_add_new_anon_rmap: the VMA has no anon_vma")
    nr = folio_nr_pages(mem_map, folio)
    mem_map.flags[folio] |= PG_anon | PG_swapbacked | PG_uptodate
    for offset in range(nr):
        mem_map.mapping[folio + offset] = vma.anon_vma.number
        mem_map.index[folio + offset] = (address >> 12) + offset
        mem_map.flags[folio + offset] |= PG_anon_exclusive
    if nr == kernel.geometry.HPAGE_PMD_NR:
        _add_pmd_mapping(kernel, folio, vma.mm)
        count_vm_event(kernel, "nr_anon_pages", nr)
    else:
        folio_add_anon_rmap_ptes(kernel, folio, nr, vma)


def folio_add_anon_rmap_ptes(kernel: Kernel, page: int, nr: int, vma: Vma) -> None:
    """``nr`` more PTEs of ``vma`` map consecutive pages of one folio, from ``page`` on."""
    mem_map = kernel.mem_map
    folio = mem_map.compound_head[page]
    for each in range(page, page + nr):
        if not mem_map.mapcount[each] and not mem_map.entire_mapcount[folio]:
            count_vm_event(kernel, "nr_anon_pages")
        mem_map.mapcount[each] += 1
    if mem_map.flags[folio] & PG_head:
        _change_large_mapcount(mem_map, folio, vma.mm, nr)


def folio_dup_anon_rmap_ptes(kernel: Kernel, page: int, nr: int, child: Vma) -> None:
    """fork: ``child`` maps the same pages; they are exclusive to nobody any more."""
    mem_map = kernel.mem_map
    for each in range(page, page + nr):
        mem_map.flags[each] &= ~PG_anon_exclusive
    folio_add_anon_rmap_ptes(kernel, page, nr, child)


def folio_dup_anon_rmap_pmd(kernel: Kernel, folio: int, child: Vma) -> None:
    """fork: ``child`` maps the same huge page by a leaf of its own."""
    mem_map = kernel.mem_map
    for each in range(folio, folio + folio_nr_pages(mem_map, folio)):
        mem_map.flags[each] &= ~PG_anon_exclusive
    _add_pmd_mapping(kernel, folio, child.mm)


def _add_pmd_mapping(kernel: Kernel, folio: int, mm: Mm) -> None:
    mem_map = kernel.mem_map
    if not mem_map.entire_mapcount[folio]:
        count_vm_event(kernel, "nr_anon_transparent_hugepages")
    mem_map.entire_mapcount[folio] += 1
    _change_large_mapcount(mem_map, folio, mm, 1)


def folio_remap_by_ptes(kernel: Kernel, folio: int, mm: Mm) -> None:
    """A PMD leaf of ``mm`` was split: one mapping of the whole becomes one of each page."""
    mem_map = kernel.mem_map
    nr = folio_nr_pages(mem_map, folio)
    for page in range(folio, folio + nr):
        mem_map.mapcount[page] += 1
    _change_large_mapcount(mem_map, folio, mm, nr - 1)
    mem_map.entire_mapcount[folio] -= 1
    if not mem_map.entire_mapcount[folio]:
        count_vm_event(kernel, "nr_anon_transparent_hugepages", -1)


def folio_remove_rmap_ptes(kernel: Kernel, page: int, nr: int, mm: Mm) -> None:
    """``nr`` PTEs of ``mm`` that mapped consecutive pages of one folio, from ``page`` on, are gone."""
    mem_map = kernel.mem_map
    folio = mem_map.compound_head[page]
    for each in range(page, page + nr):
        if mem_map.mapcount[each] < 1:
            raise KernelBug(f"folio_remove_rmap_ptes: page {each} is not mapped by a PTE")
        mem_map.mapcount[each] -= 1
    if mem_map.flags[folio] & PG_head:
        _change_large_mapcount(mem_map, folio, mm, -nr)
    if not mem_map.entire_mapcount[folio]:
        gone = sum(1 for each in range(page, page + nr) if not mem_map.mapcount[each])
        count_vm_event(kernel, "nr_anon_pages", -gone)
        _note_partially_mapped(kernel, folio)


def folio_remove_rmap_pmd(kernel: Kernel, folio: int, mm: Mm) -> None:
    """A PMD leaf of ``mm`` that mapped the folio is gone."""
    mem_map = kernel.mem_map
    if mem_map.entire_mapcount[folio] < 1:
        raise KernelBug(f"folio_remove_rmap_pmd: page {folio} is not mapped by a PMD")
    mem_map.entire_mapcount[folio] -= 1
    _change_large_mapcount(mem_map, folio, mm, -1)
    if not mem_map.entire_mapcount[folio]:
        count_vm_event(kernel, "nr_anon_transparent_hugepages", -1)
        nr = folio_nr_pages(mem_map, folio)
        unmapped = sum(1 for each in range(folio, folio + nr) if not mem_map.mapcount[each])
        count_vm_event(kernel, "nr_anon_pages", -unmapped)
        _note_partially_mapped(kernel, folio)


def _change_large_mapcount(mem_map: MemMap, folio: int, mm: Mm, diff: int) -> None:
    """folio_add/sub_large_mapcount: the total, and the share of each of up to two address spaces.

    ``private`` of the first two tail pages holds (mm id << 32 | its mappings); a third mm is not
    counted by itself, the folio then simply counts as shared. PG_mapped_shared is
    FOLIO_MM_IDS_SHARED.
    """
    total = mem_map.large_mapcount[folio] + diff
    mem_map.large_mapcount[folio] = total
    private, mm_id, slots = mem_map.private, mm.task.pid, (folio + 1, folio + 2)
    owned = [slot for slot in slots if private[slot] >> 32 == mm_id]
    free = [slot for slot in slots if not private[slot]] if diff > 0 else []
    for slot in (owned or free)[:1]:
        own = (private[slot] & 0xFFFFFFFF) + diff
        private[slot] = mm_id << 32 | own if own else 0
    shares = [private[slot] & 0xFFFFFFFF for slot in slots]
    if total in shares or not total:
        mem_map.flags[folio] &= ~PG_mapped_shared
    else:
        mem_map.flags[folio] |= PG_mapped_shared


def _note_partially_mapped(kernel: Kernel, folio: int) -> None:
    """deferred_split_folio(partially_mapped=true): some but not all pages of the folio are mapped."""
    mem_map = kernel.mem_map
    flags = mem_map.flags[folio]
    if not flags & PG_head or flags & PG_partially_mapped:
        return
    pages = range(folio, folio + folio_nr_pages(mem_map, folio))
    mapped = sum(1 for page in pages if mem_map.mapcount[page])
    if 0 < mapped < len(pages):
        mem_map.flags[folio] |= PG_partially_mapped
        if len(pages) == kernel.geometry.HPAGE_PMD_NR:
            count_vm_event(kernel, "thp_deferred_split_page")


def page_mapcount(mem_map: MemMap, page: int) -> int:
    """Entries that map just this page, a PMD leaf over its folio included."""
    count: int = mem_map.mapcount[page] + mem_map.entire_mapcount[mem_map.compound_head[page]]
    return count


def folio_maybe_mapped_shared(kernel: Kernel, page: int) -> bool:
    """Does more than one address space map the folio of ``page``? Each kernel asks in its own way.

    Of a small page all ask whether its map count is above 1. Of a large folio 6.1 asks for just
    this page, 6.12 guesses from the first page (folio_likely_mapped_shared), later kernels keep
    account.
    """
    mem_map = kernel.mem_map
    folio = mem_map.compound_head[page]
    if not mem_map.flags[folio] & PG_head:
        return bool(mem_map.mapcount[page] > 1)
    how, total = kernel.profile.shared_test, mem_map.large_mapcount[folio]
    if how == "page":
        return page_mapcount(mem_map, page) > 1
    if total <= 1:
        return False
    if how == "first page":
        entire = bool(mem_map.entire_mapcount[folio]) or total > folio_nr_pages(mem_map, folio)
        return entire or bool(mem_map.mapcount[folio] > 1)
    return bool(mem_map.flags[folio] & PG_mapped_shared)
