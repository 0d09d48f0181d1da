"""System calls that map and unmap memory (mm/mmap.c, mm/vma.c, 6.18)."""

from __future__ import annotations

import errno

from thplab.mm.gup import mm_populate
from thplab.mm.include.errors import KernelError
from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import VM_LOCKED, VM_SHARED, Mm, Vma, vm_access
from thplab.mm.khugepaged.enter import khugepaged_enter_vma
from thplab.mm.memory.zap import free_pgtables, unmap_page_range
from thplab.mm.rmap.anon_vma import unlink_anon_vmas
from thplab.mm.shmem.file import shmem_file_setup
from thplab.mm.vma import insert_vma, split_at, unlink_file_vma, vma_link_file, vma_merge


def check_range(mm: Mm, what: str, start: int, length: int, beyond: int) -> int:
    """End (unsigned long) of the page-aligned range.

    Raises KernelError: EINVAL for an unaligned start or no length, ``beyond`` (an errno) for a range
    outside the user's half.
    Locks expected: none.
    """
    page = mm.kernel.geometry.PAGE_SIZE
    if start % page:
        raise KernelError(errno.EINVAL, f"{what}: address", hex(start), f"a multiple of {page}")
    if length <= 0:
        raise KernelError(errno.EINVAL, f"{what}: length", length, "more than 0 bytes")
    # The length is rounded up to pages, the start must be aligned: as the system calls have it.
    end = start + -(-length // page) * page
    limit = mm.kernel.geometry.TASK_SIZE
    if start < 0 or end > limit:
        raise KernelError(beyond, f"{what}: range", f"{start:#x}-{end:#x}", f"0 to {limit:#x}")
    return end


def do_mmap(
    mm: Mm,
    start: int,
    length: int,
    prot: str = "rw",
    *,
    flags: int = 0,
    file: AddressSpace | None = None,
    pgoff: int = 0,
) -> Vma:
    """mmap(start, length, prot, MAP_FIXED, file, pgoff); the VMA it became part of.

    ``flags``: VM_SHARED for MAP_SHARED, without it MAP_PRIVATE; VM_LOCKED for MAP_LOCKED, the memory
    is faulted in at once and stays. ``file``: None maps anonymous memory, which as shared memory is
    a file of its own (shmem_zero_setup). ``length``: bytes; ``pgoff``: pages. What was mapped there
    before is unmapped first. Raises KernelError (EINVAL, ENOMEM); nothing has changed then.
    Locks expected: none. Takes mmap_lock for writing.
    """
    # All that can be refused is checked before anything changes.
    end = check_range(mm, "mmap", start, length, errno.ENOMEM)
    vm_flags = vm_access("mmap", prot) | flags
    down_write(mm.mmap_lock, mm.task.comm)
    try:
        # MAP_FIXED replaces what is there; other maps look for a free range, which the model does not.
        do_vmi_munmap(mm, start, end)
        vma = Vma(mm, start, end, vm_flags)
        if file is None and flags & VM_SHARED:
            file = shmem_file_setup(mm.kernel, "dev/zero", (end - start) // mm.kernel.geometry.PAGE_SIZE)
        vma_link_file(vma, file, pgoff)
        insert_vma(mm, vma)
        # Anonymous memory registers at its first huge fault: it has no anon_vma yet.
        if file is not None:
            khugepaged_enter_vma(vma, vma.vm_flags)
        # Last: a new mapping beside an equal one is no VMA of its own.
        vma = vma_merge(mm, vma)
    finally:
        up_write(mm.mmap_lock)
    # After the lock is dropped: the faults take it for reading.
    if flags & VM_LOCKED:
        mm_populate(mm, start, end)
    return vma


def do_munmap(mm: Mm, start: int, length: int) -> None:
    """munmap(start, length): unmap what is mapped there; holes are fine. ``length``: bytes.

    Raises KernelError (EINVAL).
    Locks expected: none. Takes mmap_lock for writing.
    """
    end = check_range(mm, "munmap", start, length, errno.EINVAL)
    down_write(mm.mmap_lock, mm.task.comm)
    try:
        do_vmi_munmap(mm, start, end)
    finally:
        up_write(mm.mmap_lock)


def do_vmi_munmap(mm: Mm, start: int, end: int) -> None:
    # Cut first, so that each VMA goes as a whole or not at all.
    """Unmap ``start..end`` (page aligned): VMAs are cut at both ends, what lies inside goes.

    Locks expected: mmap_lock for writing. (The kernel downgrades it to reading for the zapping, when it can.)
    """
    doomed = split_at(mm, start, end)
    for vma in doomed:
        unmap_page_range(vma, vma.vm_start, vma.vm_end, drop_markers=True)
        # After the entries: as long as one maps a page, the reverse map must find it.
        unlink_anon_vmas(vma)
        unlink_file_vma(vma)
    if doomed:
        mm.vmas = tuple(vma for vma in mm.vmas if vma not in doomed)
        # After the VMAs are off the list: what is still on it needs its tables.
        free_pgtables(mm, [(start, end)])
