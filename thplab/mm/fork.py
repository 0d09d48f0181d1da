"""fork: a second address space with the same contents (kernel/fork.c, 6.18).

No page is copied. Parent and child map the same pages, both without the right to write; whoever
writes first gets a copy (memory/fault.py: do_wp_page). The child's entries are old: it has used nothing
yet. A huge page is shared as a whole, by a leaf on each side.
"""

from __future__ import annotations

from thplab.mm.exit import exit_mm
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import MMF_INIT_MASK, VM_LOCKED, VM_UFFD_MISSING, VM_UFFD_WP, Mm, Vma
from thplab.mm.include.sched import Task
from thplab.mm.khugepaged.enter import khugepaged_fork
from thplab.mm.memory.copy import copy_page_range, vma_needs_copy
from thplab.mm.memory.tables import pte_alloc_one
from thplab.mm.rmap.anon_vma import anon_vma_fork
from thplab.mm.vma import insert_vma, vma_link_file


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
