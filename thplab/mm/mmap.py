"""Address spaces: mm_struct, VMAs, mmap and munmap (mm/mmap.c, mm/vma.c, 6.18).

``mm.vmas`` is the sorted, gapped sequence that the kernel keeps in a maple tree.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from thplab.mm.errors import KernelError
from thplab.mm.lock import Lock, down_write, up_write
from thplab.mm.rmap import AnonVma, anon_vma_link, unlink_anon_vma
from thplab.mm.state import Struct
from thplab.mm.task import Task

if TYPE_CHECKING:
    from thplab.mm.system import Kernel

__all__ = ["Mm", "Vma", "do_mmap", "do_munmap", "find_vma", "mm_alloc", "modify_vma_flags", "vma_lookup"]

VM_READ = 0x1
VM_WRITE = 0x2
VM_EXEC = 0x4
VM_SHARED = 0x8
VM_UFFD_MISSING = 0x200
VM_PFNMAP = 0x400
VM_UFFD_WP = 0x1000
VM_LOCKED = 0x2000
VM_IO = 0x4000
VM_DONTEXPAND = 0x40000
VM_HUGETLB = 0x400000
VM_MIXEDMAP = 0x10000000
VM_HUGEPAGE = 0x20000000
VM_NOHUGEPAGE = 0x40000000

#: Bit of mm->flags: khugepaged knows this mm.
MMF_VM_HUGEPAGE = 1 << 16
#: Bit of mm->flags: prctl(PR_SET_THP_DISABLE).
MMF_DISABLE_THP_COMPLETELY = 1 << 24

_PROTECTIONS = {"none": 0, "r": VM_READ, "rw": VM_READ | VM_WRITE}


class Vma(Struct):
    """struct vm_area_struct: one uniform stretch ``vm_start <= address < vm_end`` of ``mm``.

    ``vm_flags``: VM_* bits; ``anon_vma``: None until the first write fault; ``vm_lock``: the
    per-VMA lock; ``address``: where the struct itself would stand (``vma=`` in a backtrace).
    """

    __slots__ = ("address", "anon_vma", "mm", "name", "vm_end", "vm_flags", "vm_lock", "vm_start")
    mm: Mm
    name: str
    vm_start: int
    vm_end: int
    vm_flags: int
    anon_vma: AnonVma | None
    vm_lock: Lock
    address: int

    def __init__(self, mm: Mm, vm_start: int, vm_end: int, vm_flags: int) -> None:
        """A VMA that is not yet part of the address space."""
        self.mm = mm
        self.vm_start = vm_start
        self.vm_end = vm_end
        self.vm_flags = vm_flags
        self.anon_vma = None
        self.name = f"{mm.name} {vm_start:#x}"
        self.vm_lock = Lock(f"vma lock {self.name}")
        self.address = mm.address + 0x1000 + 0x98 * (mm.nr_vmas_made + 1)
        mm.nr_vmas_made += 1


class Mm(Struct):
    """struct mm_struct. ``rss`` (pages): MM_ANONPAGES; ``pgtables``: tables of all levels.

    ``mm_users`` is 0 from the moment the process exits. ``address``: where the struct would stand.
    """

    __slots__ = (
        "address", "flags", "kernel", "mm_users", "mmap_lock", "name", "nr_vmas_made", "pgd",
        "pgtables", "rss", "task", "vmas",
    )  # fmt: skip
    kernel: Kernel
    name: str
    task: Task
    pgd: int
    vmas: tuple[Vma, ...]
    mmap_lock: Lock
    flags: int
    rss: int
    pgtables: int
    mm_users: int
    nr_vmas_made: int
    address: int

    def __init__(self, kernel: Kernel, name: str, task: Task) -> None:
        """An address space without a PGD; see :func:`mm_alloc`."""
        self.kernel = kernel
        self.name = name
        self.task = task
        self.pgd = 0
        self.vmas = ()
        self.mmap_lock = Lock(f"mmap_lock {name}")
        self.flags = 0
        self.rss = 0
        self.pgtables = 0
        self.mm_users = 1
        self.nr_vmas_made = 0
        self.address = 0xFFFF888341A00000 + 0x10000 * task.pid


def mm_alloc(kernel: Kernel, name: str) -> Mm:
    """A new, empty address space with its own PGD, for a new task called ``name``."""
    from thplab.mm.pgtable import pte_alloc_one

    mm = Mm(kernel, name, Task(name[:15], kernel.next_pid))
    mm.pgd = pte_alloc_one(mm)
    kernel.next_pid += 1
    kernel.mms = (*kernel.mms, mm)
    return mm


def find_vma(mm: Mm, address: int) -> Vma | None:
    """The first VMA that ends above ``address`` (it may begin above it, too)."""
    return next((vma for vma in mm.vmas if vma.vm_end > address), None)


def vma_lookup(mm: Mm, address: int) -> Vma | None:
    """The VMA that contains ``address``."""
    vma = find_vma(mm, address)
    return vma if vma and vma.vm_start <= address else None


def check_range(mm: Mm, what: str, start: int, length: int) -> int:
    """End of the page-aligned range; KernelError (EINVAL, ENOMEM) if it can't be one."""
    page = mm.kernel.geometry.PAGE_SIZE
    if start % page:
        raise KernelError(errno.EINVAL, f"{what}: address", hex(start), f"a multiple of {page}")
    if length <= 0:
        raise KernelError(errno.EINVAL, f"{what}: length", length, "more than 0 bytes")
    end = start + -(-length // page) * page
    limit = mm.kernel.geometry.TASK_SIZE
    if start < 0 or end > limit:
        raise KernelError(errno.ENOMEM, f"{what}: range", f"{start:#x}-{end:#x}", f"0 to {limit:#x}")
    return end


def do_mmap(mm: Mm, start: int, length: int, prot: str = "rw") -> Vma:
    """mmap(start, length, prot, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED); the VMA it became part of.

    What was mapped there before is unmapped first. Raises KernelError (EINVAL, ENOMEM); nothing
    has changed then. Takes mmap_lock for writing.
    """
    end = check_range(mm, "mmap", start, length)
    if prot not in _PROTECTIONS:
        raise KernelError(errno.EINVAL, "mmap: prot", prot, " | ".join(_PROTECTIONS))
    down_write(mm.mmap_lock, mm.task.comm)
    try:
        _unmap_locked(mm, start, end)
        vma = Vma(mm, start, end, _PROTECTIONS[prot])
        _insert_vma(mm, vma)
        return vma_merge(mm, vma)
    finally:
        up_write(mm.mmap_lock)


def do_munmap(mm: Mm, start: int, length: int) -> None:
    """munmap(start, length): unmap what is mapped there; holes are fine.

    Raises KernelError (EINVAL). Takes mmap_lock for writing.
    """
    end = check_range(mm, "munmap", start, length)
    down_write(mm.mmap_lock, mm.task.comm)
    try:
        _unmap_locked(mm, start, end)
    finally:
        up_write(mm.mmap_lock)


def _unmap_locked(mm: Mm, start: int, end: int) -> None:
    from thplab.mm.zap import free_pgtables, unmap_page_range

    doomed = split_at(mm, start, end)
    for vma in doomed:
        unmap_page_range(vma, vma.vm_start, vma.vm_end)
        unlink_anon_vma(vma)
    if doomed:
        mm.vmas = tuple(vma for vma in mm.vmas if vma not in doomed)
        free_pgtables(mm, start, end)


def split_at(mm: Mm, start: int, end: int) -> tuple[Vma, ...]:
    """Split VMAs at both borders; the VMAs that now lie wholly inside, in order."""
    for border in (start, end):
        vma = vma_lookup(mm, border)
        if vma is not None and vma.vm_start < border:
            split_vma(vma, border)
    return tuple(vma for vma in mm.vmas if start <= vma.vm_start and vma.vm_end <= end)


def split_vma(vma: Vma, address: int) -> Vma:
    """Cut ``vma`` at ``address``; the new upper part. A huge PMD across the border is split."""
    from thplab.mm.huge_memory import vma_adjust_trans_huge

    vma_adjust_trans_huge(vma, address)
    upper = Vma(vma.mm, address, vma.vm_end, vma.vm_flags)
    if vma.anon_vma is not None:
        anon_vma_link(upper, vma.anon_vma)
    vma.vm_end = address
    _insert_vma(vma.mm, upper)
    return upper


def modify_vma_flags(vma: Vma, start: int, end: int, vm_flags: int) -> Vma:
    """Give ``start..end`` of a VMA other flags: split off what keeps the old ones, merge what fits.

    Returns the VMA that now covers the range (vma_modify_flags). Locks expected: mmap_lock write.
    """
    mm = vma.mm
    (middle,) = split_at(mm, max(start, vma.vm_start), min(end, vma.vm_end))
    middle.vm_flags = vm_flags
    return vma_merge(mm, middle)


def _insert_vma(mm: Mm, vma: Vma) -> None:
    position = sum(1 for other in mm.vmas if other.vm_start < vma.vm_start)
    mm.vmas = (*mm.vmas[:position], vma, *mm.vmas[position:])


def vma_merge(mm: Mm, vma: Vma) -> Vma:
    """Join ``vma`` with its neighbours where flags and anon_vma allow; the VMA that covers it now."""
    position = mm.vmas.index(vma)
    if position and _can_merge(mm.vmas[position - 1], vma):
        vma = _join(mm, mm.vmas[position - 1], vma)
        position -= 1
    if position + 1 < len(mm.vmas) and _can_merge(vma, mm.vmas[position + 1]):
        vma = _join(mm, vma, mm.vmas[position + 1])
    return vma


def _can_merge(lower: Vma, upper: Vma) -> bool:
    anon = lower.anon_vma is None or upper.anon_vma is None or lower.anon_vma is upper.anon_vma
    return lower.vm_end == upper.vm_start and lower.vm_flags == upper.vm_flags and anon


def _join(mm: Mm, lower: Vma, upper: Vma) -> Vma:
    if lower.anon_vma is None and upper.anon_vma is not None:
        anon_vma_link(lower, upper.anon_vma)
    unlink_anon_vma(upper)
    lower.vm_end = upper.vm_end
    mm.vmas = tuple(vma for vma in mm.vmas if vma is not upper)
    return lower
