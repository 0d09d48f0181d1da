"""The end of an address space (kernel/exit.c, mm/mmap.c: exit_mmap)."""

from __future__ import annotations

from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import Mm
from thplab.mm.khugepaged.enter import khugepaged_exit
from thplab.mm.memory.tables import pte_free
from thplab.mm.memory.zap import free_pgtables, unmap_page_range
from thplab.mm.rmap.anon_vma import unlink_anon_vmas
from thplab.mm.shmem.file import unlink_file_vma

__all__ = ["begin_exit", "exit_mm"]


def begin_exit(mm: Mm) -> None:
    """mmput: from now on everybody who looks sees that the process is gone. Needs no lock."""
    mm.mm_users = 0


def exit_mm(mm: Mm) -> None:
    """The process exits: khugepaged is told first, then all memory and all tables are given back.

    Takes mmap_lock for writing.
    """
    kernel = mm.kernel
    begin_exit(mm)
    khugepaged_exit(mm)
    down_write(mm.mmap_lock, mm.task.comm)
    vmas, mm.vmas = mm.vmas, ()
    for vma in vmas:
        unmap_page_range(vma, vma.vm_start, vma.vm_end, drop_markers=True)
        unlink_anon_vmas(vma)
        unlink_file_vma(vma)
    free_pgtables(mm, [(vma.vm_start, vma.vm_end) for vma in vmas])
    pte_free(mm, mm.pgd)
    up_write(mm.mmap_lock)
    kernel.mms = tuple(other for other in kernel.mms if other is not mm)
