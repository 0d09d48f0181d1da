"""What faults ask of userfaultfd (include/linux/userfaultfd_k.h, 6.18)."""

from __future__ import annotations

import errno

from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import VM_UFFD_MISSING, VM_UFFD_WP, Vma


def userfaultfd_missing(vma: Vma) -> bool:
    """Are missing pages of this memory reported to a handler? Locks expected: mmap_lock or the VMA lock."""
    return bool(vma.vm_flags & VM_UFFD_MISSING)


def userfaultfd_wp(vma: Vma) -> bool:
    """Are writes to protected pages of this memory? Locks expected: mmap_lock or the VMA lock."""
    return bool(vma.vm_flags & VM_UFFD_WP)


def userfaultfd_armed(vma: Vma) -> bool:
    """Is it registered at all? Locks expected: mmap_lock or the VMA lock."""
    # Then an empty entry has a meaning for the program, and no huge page may fill it.
    return bool(vma.vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP))


def handle_userfault(address: int) -> KernelError:
    """The error to raise: a real thread sleeps until its handler answers, and the model has none.

    The kernel drops the fault's lock before it sleeps (VM_FAULT_RETRY).
    """
    return KernelError(errno.EAGAIN, f"{address:#x}: waits for a userfaultfd handler; there is none")
