"""fork: a second address space with the same contents (kernel/fork.c; copy_page_range of mm/memory.c).

No page is copied. Parent and child map the same pages, both without the right to write; whoever
writes first gets a copy (memory/fault.py: do_wp_page). The child's entries are old: it has used nothing
yet. A huge page is shared as a whole, by a leaf on each side.
"""

from __future__ import annotations

from thplab.mm.exit import exit_mm
from thplab.mm.huge_memory.fault import copy_huge_pmd
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import (
    MMF_INIT_MASK,
    VM_LOCKED,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    Mm,
    Vma,
    vma_is_anonymous,
)
from thplab.mm.include.page import PG_anon, folio_get, pfn_to_page
from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    _PAGE_RW,
    _PAGE_SWP_EXCLUSIVE,
    _PAGE_SWP_UFFD_WP,
    _PAGE_UFFD_WP,
    entry_pfn,
    mm_find_pmd,
    pmd_populate,
    pmd_table_page,
    pmd_trans_huge,
    pte_lock,
    pte_present,
    set_pte_at,
)
from thplab.mm.include.sched import Task
from thplab.mm.include.state import Column
from thplab.mm.khugepaged.enter import khugepaged_fork
from thplab.mm.memory.tables import pmd_alloc, pte_alloc_one
from thplab.mm.rmap.anon_vma import anon_vma_fork
from thplab.mm.rmap.mapcount import folio_add_file_rmap_ptes, folio_dup_anon_rmap_ptes
from thplab.mm.shmem.file import vma_link_file
from thplab.mm.swapfile import is_pte_marker, pte_to_swp_offset, swap_duplicate
from thplab.mm.vma import insert_vma

__all__ = ["dup_mm", "mm_alloc"]


def mm_alloc(kernel: Kernel, name: str) -> Mm:
    """A new, empty address space with its own PGD, for a new task called ``name``.

    Raises MemoryError if there is no page for the PGD.
    Locks expected: none.
    """
    mm = Mm(kernel, name, Task(name[:15], kernel.next_pid))
    # Before the mm is on any list: if there is no page, nothing has to be undone.
    mm.pgd = pte_alloc_one(mm)
    kernel.next_pid += 1
    kernel.mms = (*kernel.mms, mm)
    return mm


def dup_mm(parent: Mm, name: str) -> Mm:
    """The address space of a forked process called ``name``.

    A parent that khugepaged knows has a child that it knows, from the start. Locked memory and
    userfaultfd registrations are not inherited. Raises MemoryError; the half-made child is then
    removed.
    Locks expected: none. Takes the parent's mmap_lock for writing; no other task can reach the child yet.
    """
    mm = mm_alloc(parent.kernel, name)
    mm.flags = parent.flags & MMF_INIT_MASK
    mm.memcg = parent.memcg
    # For writing: no thread of the parent may map or fault in anything while its entries are copied.
    down_write(parent.mmap_lock, parent.task.comm)
    try:
        # Before any VMA is copied: it asks only whether the parent is registered.
        khugepaged_fork(mm, parent)
        for source in parent.vmas:
            _dup_vma(mm, source)
    except MemoryError:
        exit_mm(mm)
        raise
    finally:
        up_write(parent.mmap_lock)
    return mm


def _dup_vma(mm: Mm, source: Vma) -> None:
    """The child's VMA: the parent's, without what fork does not pass on, and what it maps.

    Raises MemoryError if there is no page for a table.
    Locks expected: the parent's mmap_lock for writing. Takes PTE and PMD locks.
    """
    vm_flags = source.vm_flags & ~(VM_LOCKED | VM_UFFD_MISSING | VM_UFFD_WP)
    vma = Vma(mm, source.vm_start, source.vm_end, vm_flags)
    vma.vm_pgoff = source.vm_pgoff
    vma_link_file(vma, source.vm_file, source.vm_pgoff)
    # Before the first entry: a page that both map must be found in both.
    anon_vma_fork(vma, source)
    insert_vma(mm, vma)
    if vma_needs_copy(source):
        copy_page_range(vma, source)


def vma_needs_copy(source: Vma) -> bool:
    """Without an anon_vma there are only zero pages and pages of files, which faults will bring back.

    Locks expected: the parent's mmap_lock for writing.
    """
    return source.anon_vma is not None


def copy_page_range(vma: Vma, source: Vma) -> None:
    """Give the child's VMA what the parent's maps. Raises MemoryError if there is no page for a table.

    Locks expected: the parent's mmap_lock for writing. Takes PTE and PMD locks.
    """
    size = vma.mm.kernel.geometry.HPAGE_PMD_SIZE
    address = source.vm_start
    while address < source.vm_end:
        following = min((address // size + 1) * size, source.vm_end)
        ref = mm_find_pmd(source.mm, address)
        # Where the parent has no table, the child needs none.
        if ref is not None:
            copy_pmd_range(vma, source, address, following)
        address = following


def copy_pmd_range(vma: Vma, source: Vma, start: int, end: int) -> None:
    """The part of :func:`copy_page_range` under one PMD entry; the child gets the tables above it.

    ``start``, ``end``: unsigned long. Raises MemoryError if there is no page for a table.
    Locks expected: the parent's mmap_lock for writing. Takes PTE and PMD locks.
    """
    # The tables above the entry are never shared: parent and child may map different things later.
    child = pmd_alloc(vma.mm, start)
    ref = mm_find_pmd(source.mm, start)
    assert ref is not None
    pmd = ref[0][ref[1]]
    if not pmd:
        return
    if pmd_trans_huge(pmd):
        if not vma_is_anonymous(vma):  # the child's faults will bring it back
            return
        if copy_huge_pmd(vma, source, child, ref, start):
            return
        # The leaf was split meanwhile: copy its PTEs instead.
        pmd = ref[0][ref[1]]
    kernel = vma.mm.kernel
    # A neighbouring VMA in the same 2 MiB may have made the table.
    if not child[0][child[1]]:
        pmd_populate(kernel, child, pte_alloc_one(vma.mm))
    copy_pte_range(
        vma, source, pmd_table_page(kernel, child[0][child[1]]), pmd_table_page(kernel, pmd), start, end
    )


def copy_pte_range(vma: Vma, source: Vma, to_table: int, from_table: int, start: int, end: int) -> None:
    """Copy the entries of ``start..end``, which one table maps.

    ``to_table``, ``from_table``: the pages of the two tables.
    Locks expected: the parent's mmap_lock for writing. Takes the PTE locks of both tables.
    """
    kernel = vma.mm.kernel
    geometry = kernel.geometry
    first = start // geometry.PAGE_SIZE & (geometry.PTRS_PER_PTE - 1)
    down_write(pte_lock(kernel, to_table), kernel.current.comm)
    down_write(pte_lock(kernel, from_table), kernel.current.comm)
    # Both locked: the parent's entries change, too, as they lose the right to write.
    ptes = kernel.tables[from_table]
    for index in range(first, first + (end - start) // kernel.geometry.PAGE_SIZE):
        if ptes[index]:
            copy = copy_present_pte if pte_present(ptes[index]) else copy_nonpresent_pte
            set_pte_at(kernel.tables[to_table], index, copy(vma, ptes, index))
    up_write(pte_lock(kernel, from_table))
    up_write(pte_lock(kernel, to_table))


def copy_nonpresent_pte(vma: Vma, ptes: Column, index: int) -> int:
    """The child's entry for one that names a swap slot, which both share now; or a guard marker.

    ``ptes``: the parent's pte_t[512].
    Locks expected: the PTE locks of both tables.
    """
    entry: int = ptes[index]
    if is_pte_marker(entry):
        return entry
    swap_duplicate(vma.mm.kernel, pte_to_swp_offset(entry))
    # The parent's too: after swap-in it must not take the page for its own.
    set_pte_at(ptes, index, entry & ~_PAGE_SWP_EXCLUSIVE)
    return entry & ~(_PAGE_SWP_EXCLUSIVE | _PAGE_SWP_UFFD_WP)


def copy_present_pte(vma: Vma, ptes: Column, index: int) -> int:
    """The child's entry for a present one of the parent, which loses the right to write.

    ``ptes``: the parent's pte_t[512].
    Locks expected: the PTE locks of both tables. (The kernel copies a page that may be pinned for I/O at
    once.)
    """
    kernel = vma.mm.kernel
    pte: int = ptes[index]
    # The zero page is shared by all, and not counted.
    if entry_pfn(pte) != kernel.zero_pfn:
        page = pfn_to_page(kernel.mem_map, entry_pfn(pte))
        folio_get(kernel.mem_map, kernel.mem_map.compound_head[page])
        anon = kernel.mem_map.flags[kernel.mem_map.compound_head[page]] & PG_anon
        (folio_dup_anon_rmap_ptes if anon else folio_add_file_rmap_ptes)(kernel, page, 1, vma)
        vma.mm.rss += 1
        # Only what changes is written. (The kernel flushes the parent's TLBs at the end.)
        if pte & _PAGE_RW:
            set_pte_at(ptes, index, pte & ~_PAGE_RW)
    # Old: the child has used nothing yet. That is why khugepaged finds no referenced page in it.
    return pte & ~(_PAGE_RW | _PAGE_ACCESSED | _PAGE_UFFD_WP)
