"""How an address space comes onto khugepaged's list and leaves it (mm/khugepaged.c, 6.18)."""

from __future__ import annotations

from thplab.mm.huge_memory.policy import thp_vma_allowable_order
from thplab.mm.include.huge_mm import TvaType
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.khugepaged import MmSlot
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import MMF_VM_HUGEPAGE, Mm, Vma
from thplab.mm.shmem.huge import shmem_hpage_pmd_enabled


def khugepaged_enter_vma(vma: Vma, vm_flags: int) -> None:
    """Register the VMA's mm with khugepaged if it is not yet and the VMA could have huge pages.

    ``vm_flags`` (vm_flags_t): those that count, which the VMA may be about to get.
    Locks expected: mmap_lock or the VMA lock at least for reading. Takes khugepaged_mm_lock.
    """
    mm = vma.mm
    # Asked at each fault that could be huge: a bit of the mm spares a search of the list.
    if mm.flags & MMF_VM_HUGEPAGE or not hugepage_pmd_enabled(mm.kernel):
        return
    if thp_vma_allowable_order(vma, vm_flags, TvaType.KHUGEPAGED):
        __khugepaged_enter(mm)


def __khugepaged_enter(mm: Mm) -> None:
    """Put a slot for ``mm`` at the tail of the list; khugepaged sleeps while the list is empty.

    Locks expected: none. Takes khugepaged_mm_lock.
    """
    scan = mm.kernel.khugepaged
    # The bit before the slot: a second thread that faults now must not make another slot.
    mm.flags |= MMF_VM_HUGEPAGE
    down_write(scan.mm_lock, mm.kernel.current.comm)
    scan.mm_head = (*scan.mm_head, MmSlot(mm))
    up_write(scan.mm_lock)


def khugepaged_fork(mm: Mm, parent: Mm) -> None:
    """Register a forked process if its parent is registered.

    Locks expected: the parent's mmap_lock for writing. Takes khugepaged_mm_lock.
    """
    # No check of the VMAs: the child starts with its parent's memory, and may never fault in a new window.
    if parent.flags & MMF_VM_HUGEPAGE:
        __khugepaged_enter(mm)


def khugepaged_exit(mm: Mm) -> None:
    """The process exits: take its slot off the list, unless the cursor is on it.

    Then khugepaged itself removes it at its next visit (collect_mm_slot); the kernel waits here until
    khugepaged has left the mm, by taking mmap_lock for writing once.
    Locks expected: none. (The kernel takes khugepaged_mm_lock; here no other task runs in between.)
    """
    scan = mm.kernel.khugepaged
    slot = next((slot for slot in scan.mm_head if slot.mm is mm), None)
    # khugepaged still reads the slot under its cursor after it has dropped its lock.
    if slot is not None and slot is not scan.scan_mm_slot:
        _unlink_slot(scan.mm_head, slot, mm.kernel)


def _unlink_slot(mm_head: tuple[MmSlot, ...], slot: MmSlot, kernel: Kernel) -> None:
    kernel.khugepaged.mm_head = tuple(other for other in mm_head if other is not slot)
    slot.mm.flags &= ~MMF_VM_HUGEPAGE


def collect_mm_slot(kernel: Kernel, slot: MmSlot) -> None:
    """Remove the slot of a dead mm; that of a living one is never removed.

    Locks expected: khugepaged_mm_lock.
    """
    # A living process is never unregistered, not even by MADV_NOHUGEPAGE: its VMAs are refused instead.
    if slot.mm.mm_users == 0:
        _unlink_slot(kernel.khugepaged.mm_head, slot, kernel)


def hugepage_pmd_enabled(kernel: Kernel) -> bool:
    """True if any anonymous or shared memory could have PMD-sized pages: khugepaged has reason to exist.

    Since 7.x (hugepage_enabled) any size will do, or ``enabled`` alone.
    Locks expected: none; the settings may change right after the answer.
    Kernel name: khugepaged_enabled (5.10), hugepage_flags_enabled (6.1).
    """
    if kernel.profile.daemon_runs_for_any_size:
        sizes = kernel.knobs.mthp_enabled
        if kernel.knobs.enabled != "never" or any(word in ("always", "madvise") for word in sizes):
            return True
    size = kernel.knobs.hugepage_size_enabled
    if size == "inherit":
        size = kernel.knobs.enabled
    return size != "never" or (kernel.profile.shmem_has_size_controls and shmem_hpage_pmd_enabled(kernel))
