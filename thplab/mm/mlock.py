"""mlock: memory that stays (mm/mlock.c, 6.18)."""

from __future__ import annotations

import errno

from thplab.mm.gup import mm_populate
from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import VM_LOCKED, Mm
from thplab.mm.vma import modify_vma_flags, vmas_of_range

__all__ = ["do_mlock"]


def do_mlock(mm: Mm, start: int, length: int) -> None:
    """mlock(start, length): fault the range in and keep it in memory. ``length``: bytes.

    The range is rounded outwards to pages. Raises KernelError (ENOMEM) if there is a hole; the
    VMAs before it are locked then, but nothing is faulted in.
    Locks expected: none. Takes mmap_lock for writing.
    """
    page = mm.kernel.geometry.PAGE_SIZE
    end = -(-(start + length) // page) * page
    start -= start % page
    down_write(mm.mmap_lock, mm.task.comm)
    try:
        address = start
        for vma in vmas_of_range(mm, start, end):
            # A hole: the call ends here, and does not undo what it has done.
            if vma.vm_start > address:
                break
            address = min(end, vma.vm_end)
            if not vma.vm_flags & VM_LOCKED:
                modify_vma_flags(vma, start, end, vma.vm_flags | VM_LOCKED)
    finally:
        up_write(mm.mmap_lock)
    if address < end:
        raise KernelError(errno.ENOMEM, f"mlock: part of {start:#x}-{end:#x} is not mapped")
    # Without the lock, since each page may have to be read from disk.
    mm_populate(mm, start, end)
