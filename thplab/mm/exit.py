"""The end of an address space (kernel/exit.c, mm/mmap.c: exit_mmap)."""

from __future__ import annotations

from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import Mm
from thplab.mm.khugepaged.enter import khugepaged_exit
from thplab.mm.memory.tables import pte_free
from thplab.mm.memory.zap import free_pgtables, unmap_page_range
from thplab.mm.rmap.anon_vma import unlink_anon_vmas
from thplab.mm.vma import unlink_file_vma


def begin_exit(mm: Mm) -> None:
    """mmput: from now on every task that checks sees that the process is gone.

    Locks expected: none; that is why khugepaged asks again after each lock that it takes.
    """
    mm.mm_users = 0


def exit_mm(mm: Mm) -> None:
    """The process exits: khugepaged drops its slot, then all memory and all tables are given back.

    Locks expected: none. Takes mmap_lock for writing. (In C exit_mmap takes it for writing only for the
    tables.)
    """
    kernel = mm.kernel
    begin_exit(mm)
    # First, or khugepaged could find the mm on its list with its tables half gone.
    khugepaged_exit(mm)
    down_write(mm.mmap_lock, mm.task.comm)
    # Gone from the list at once: free_pgtables() keeps the tables of what is still on it.
    vmas, mm.vmas = mm.vmas, ()
    # The mappings before the tables: an entry in use would be lost with the table that holds it.
    for vma in vmas:
        unmap_page_range(vma, vma.vm_start, vma.vm_end, drop_markers=True)
        unlink_anon_vmas(vma)
        unlink_file_vma(vma)
    free_pgtables(mm, [(vma.vm_start, vma.vm_end) for vma in vmas])
    # The last table, when nothing below it is left.
    pte_free(mm, mm.pgd)
    up_write(mm.mmap_lock)
    kernel.mms = tuple(other for other in kernel.mms if other is not mm)
