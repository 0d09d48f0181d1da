"""Address spaces and their areas: struct mm_struct, struct vm_area_struct (include/linux/mm_types.h).

``mm.vmas`` is the sorted, gapped sequence that the kernel keeps in a maple tree.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import MMAP_LOCK, VMA_LOCK, Lock
from thplab.mm.include.memcontrol import MemCgroup
from thplab.mm.include.rmap import AnonVma
from thplab.mm.include.sched import Task
from thplab.mm.include.state import Struct

if TYPE_CHECKING:
    from thplab.mm.include.fs import AddressSpace
    from thplab.mm.include.kernel import Kernel

VM_READ = 0x1  # the process may read
VM_WRITE = 0x2  # the process may write
VM_EXEC = 0x4  # the process may run code there
VM_ACCESS_FLAGS = VM_READ | VM_WRITE | VM_EXEC
VM_SHARED = 0x8  # writes reach the file: no copy on write
VM_UFFD_MISSING = 0x200  # userfaultfd: empty entries go to the handler
VM_PFNMAP = 0x400  # raw frames without struct page
VM_UFFD_WP = 0x1000  # userfaultfd: protected entries go to the handler
VM_LOCKED = 0x2000  # mlock: the pages stay in memory
VM_IO = 0x4000  # device memory
VM_DONTEXPAND = 0x40000  # mremap may not enlarge it
VM_HUGETLB = 0x400000  # hugetlbfs, which khugepaged has nothing to do with
VM_MIXEDMAP = 0x10000000  # raw frames and pages
VM_HUGEPAGE = 0x20000000  # MADV_HUGEPAGE: huge pages are wanted
VM_NOHUGEPAGE = 0x40000000  # MADV_NOHUGEPAGE: no huge pages
VM_MERGEABLE = 0x80000000  # MADV_MERGEABLE: KSM may merge pages

#: Bit of mm->flags: khugepaged knows this mm.
MMF_VM_HUGEPAGE = 1 << 16
#: Bit of mm->flags: prctl(PR_SET_THP_DISABLE).
MMF_DISABLE_THP_COMPLETELY = 1 << 24
#: The same, except for memory under MADV_HUGEPAGE.
MMF_DISABLE_THP_EXCEPT_ADVISED = 1 << 25
#: The bits that a forked process inherits.
MMF_INIT_MASK = MMF_DISABLE_THP_COMPLETELY | MMF_DISABLE_THP_EXCEPT_ADVISED


_PROTECTIONS = {"none": 0, "r": VM_READ, "rw": VM_READ | VM_WRITE}


class Vma(Struct):
    """struct vm_area_struct: one uniform stretch ``vm_start <= address < vm_end`` of ``mm``.

    ``vm_flags``: VM_* bits; ``anon_vma``: None until the first write fault; ``anon_vma_chain``:
    all whose pages it may map, its own and after fork its ancestors'; ``vm_lock``: the
    per-VMA lock; ``vm_file``: the file that is mapped, from its page ``vm_pgoff`` on, None for
    anonymous memory; ``address``: where the struct itself would stand (``vma=`` in a backtrace).
    """

    __slots__ = (
        "address", "anon_vma", "anon_vma_chain", "mm", "name", "vm_end", "vm_file", "vm_flags",
        "vm_lock", "vm_pgoff", "vm_start",
    )  # fmt: skip
    mm: Mm
    name: str
    vm_start: int  # unsigned long, first byte
    vm_end: int  # unsigned long, first byte behind
    vm_flags: int  # vm_flags_t
    anon_vma: AnonVma | None
    anon_vma_chain: tuple[AnonVma, ...]
    vm_lock: Lock  # 6.12: struct vma_lock; 6.18: vm_refcnt, vm_lock_seq; 6.1 has none
    vm_file: AddressSpace | None
    vm_pgoff: int  # unsigned long, pages
    address: int

    def __init__(self, mm: Mm, vm_start: int, vm_end: int, vm_flags: int) -> None:
        """A VMA that is not yet part of the address space."""
        self.mm = mm
        self.vm_start = vm_start
        self.vm_end = vm_end
        self.vm_flags = vm_flags
        self.anon_vma = None
        self.anon_vma_chain = ()
        self.vm_file = None
        self.vm_pgoff = vm_start >> 12
        self.name = f"{mm.name} {vm_start:#x}"
        self.vm_lock = Lock(f"{VMA_LOCK} {self.name}")
        self.address = mm.address + 0x1000 + 0x98 * (mm.nr_vmas_made + 1)
        mm.nr_vmas_made += 1


class Mm(Struct):
    """struct mm_struct. ``rss`` (pages): MM_ANONPAGES and MM_SHMEMPAGES; ``pgtables``: tables of all levels.

    ``mm_users`` is 0 from the moment the process exits. ``address``: where the struct would stand.
    """

    __slots__ = (
        "address", "flags", "kernel", "memcg", "mm_users", "mmap_lock", "name", "nr_vmas_made", "pgd",
        "pgtables", "rss", "task", "vmas",
    )  # fmt: skip
    kernel: Kernel
    name: str
    task: Task
    pgd: int  # pgd_t *, here the page of the table
    vmas: tuple[Vma, ...]
    mmap_lock: Lock  # struct rw_semaphore
    flags: int  # MMF_* bits
    rss: int  # pages; in the kernel a percpu_counter of each kind
    pgtables: int  # tables; the kernel's pgtables_bytes is in bytes
    mm_users: int  # atomic_t
    nr_vmas_made: int
    memcg: MemCgroup | None
    address: int

    def __init__(self, kernel: Kernel, name: str, task: Task) -> None:
        """An address space without a PGD; see :func:`mm_alloc`."""
        self.kernel = kernel
        self.name = name
        self.task = task
        self.pgd = 0
        self.vmas = ()
        self.mmap_lock = Lock(f"{MMAP_LOCK} {name}")
        self.flags = 0
        self.rss = 0
        self.pgtables = 0
        self.mm_users = 1
        self.nr_vmas_made = 0
        self.memcg = None
        self.address = 0xFFFF888341A00000 + 0x10000 * task.pid


def vm_access(call: str, prot: str) -> int:
    """VM_* bits of a protection: none, r or rw. Raises KernelError (EINVAL) for another word."""
    if prot not in _PROTECTIONS:
        raise KernelError(errno.EINVAL, f"{call}: prot", prot, " | ".join(_PROTECTIONS))
    return _PROTECTIONS[prot]


def find_vma(mm: Mm, address: int) -> Vma | None:
    """The first VMA (C: NULL, None) that ends above ``address`` (it may begin above it, too).

    ``address``: unsigned long.
    Locks expected: mmap_lock.
    """
    for vma in mm.vmas:
        if vma.vm_end > address:
            return vma
    return None


def vma_lookup(mm: Mm, address: int) -> Vma | None:
    """The VMA that contains ``address`` (unsigned long), or None (C: NULL). Locks expected: mmap_lock."""
    vma = find_vma(mm, address)
    return vma if vma and vma.vm_start <= address else None


def vma_is_anonymous(vma: Vma) -> bool:
    """True unless the VMA maps a file, be it shared memory without a name (kernel: no vm_ops)."""
    return vma.vm_file is None


def linear_page_index(vma: Vma, address: int) -> int:
    """The page of the file that ``address`` maps; of anonymous memory, address / 4096 (pgoff_t)."""
    # By vm_pgoff for anonymous memory too: mremap moves a VMA, and its pages keep their index.
    return (address - vma.vm_start >> 12) + vma.vm_pgoff


def vma_address(vma: Vma, index: int) -> int:
    """Where (unsigned long) the VMA would map the page of that page->index; it may lie outside the VMA."""
    return vma.vm_start + (index - vma.vm_pgoff << 12)
