"""Who may have huge pages, and under which allocation mask (mm/huge_memory.c, 6.18)."""

from __future__ import annotations

from thplab.mm.include.gfp import (
    GFP_DIRECT_RECLAIM,
    GFP_KSWAPD_RECLAIM,
    GFP_NORETRY,
    GFP_TRANSHUGE,
    GFP_TRANSHUGE_LIGHT,
)
from thplab.mm.include.huge_mm import TvaType, thp_vma_suitable_order, vma_thp_disabled
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.knobs import NO_MTHP
from thplab.mm.include.mm_types import (
    VM_DONTEXPAND,
    VM_HUGEPAGE,
    VM_HUGETLB,
    VM_IO,
    VM_MIXEDMAP,
    VM_PFNMAP,
    Vma,
    vma_is_anonymous,
)
from thplab.mm.shmem.huge import shmem_allowable_huge_order

#: No collapse in such VMAs (VM_NO_KHUGEPAGED).
VM_NO_KHUGEPAGED = VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB


def _sysfs_allows(kernel: Kernel, vm_flags: int, word: str) -> bool:
    """Does a size's own control (``word``) allow it in a VMA with these flags?"""
    # The size follows the switch for all sizes.
    if word == "inherit":
        word = kernel.knobs.enabled
    return word == "always" or (word == "madvise" and bool(vm_flags & VM_HUGEPAGE))


def thp_vma_allowable_mthp_orders(vma: Vma, tva: TvaType) -> int:
    """The sizes between 4 KiB and 2 MiB that this anonymous VMA may have: a mask of orders (unsigned long).

    ``tva``: who asks. 6.1 has no such sizes.
    Locks expected: mmap_lock or the VMA lock at least for reading.
    """
    kernel = vma.mm.kernel
    words = kernel.knobs.mthp_enabled
    # The default, asked at each fault on base pages: answered at once.
    if words == NO_MTHP or vma_thp_disabled(vma.mm, vma.vm_flags, tva):
        return 0
    # Order 1 is missing: a folio of two pages has no room for the deferred list.
    below = range(2, kernel.geometry.HPAGE_PMD_ORDER)
    return sum(1 << order for order in below if _sysfs_allows(kernel, vma.vm_flags, words[order]))


def thp_vma_allowable_order(vma: Vma, vm_flags: int, tva: TvaType) -> bool:
    """May this VMA have PMD-sized pages (thp_vma_allowable_order, PMD_ORDER)?

    ``vm_flags`` (vm_flags_t): those of the VMA, or those that it is about to get; ``tva``: who asks. The
    tests in the kernel's order; files other than shared memory and DAX are not modelled.
    Locks expected: mmap_lock or the VMA lock at least for reading.
    Kernel name: hugepage_vma_check (6.1).
    """
    forced = tva is TvaType.FORCED_COLLAPSE
    if (
        vma_is_anonymous(vma)
        and not forced
        and not _sysfs_allows(vma.mm.kernel, vm_flags, vma.mm.kernel.knobs.hugepage_size_enabled)
    ):
        return False
    if vma_thp_disabled(vma.mm, vm_flags, tva):
        return False
    in_fault = tva is TvaType.PAGEFAULT
    # Device memory and hugetlb are not made of pages that a collapse could move.
    if not in_fault and tva is not TvaType.SMAPS and vm_flags & VM_NO_KHUGEPAGED:
        return False
    size = vma.mm.kernel.geometry.HPAGE_PMD_SIZE
    # The last aligned window: if that does not fit, none does. A fault asks only for its own.
    if not in_fault and not thp_vma_suitable_order(vma, vma.vm_end - size):
        return False
    if vma.vm_file is not None:
        # At a fault shmem decides for itself (shmem_get_folio): it has no huge_fault.
        return not in_fault and shmem_allowable_huge_order(vma.vm_file, vma, vma.vm_pgoff, force=forced)
    # No anon_vma: no page was ever written here, so there is nothing that a collapse could move.
    return in_fault or tva is TvaType.SMAPS or vma.anon_vma is not None


def vma_thp_gfp_mask(vma: Vma) -> int:
    """The mask of a huge allocation at fault time (gfp_t), from ``defrag`` and the advice.

    Locks expected: mmap_lock or the VMA lock at least for reading.
    """
    advised = bool(vma.vm_flags & VM_HUGEPAGE)
    word = vma.mm.kernel.knobs.defrag
    # NORETRY for memory that nobody advised: one light attempt, then base pages.
    if word == "always":
        return GFP_TRANSHUGE | (0 if advised else GFP_NORETRY)
    # Nothing is done now: kswapd is woken, so that a later fault finds a block.
    if word == "defer" or (word == "defer+madvise" and not advised):
        return GFP_TRANSHUGE_LIGHT | GFP_KSWAPD_RECLAIM
    if word in ("madvise", "defer+madvise") and advised:
        return GFP_TRANSHUGE_LIGHT | GFP_DIRECT_RECLAIM
    return GFP_TRANSHUGE_LIGHT
