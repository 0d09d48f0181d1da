"""Where a huge page fits, and who has said no (include/linux/huge_mm.h, 6.18)."""

from __future__ import annotations

from enum import Enum

from thplab.mm.include.mm_types import (
    MMF_DISABLE_THP_COMPLETELY,
    MMF_DISABLE_THP_EXCEPT_ADVISED,
    VM_HUGEPAGE,
    VM_NOHUGEPAGE,
    Mm,
    Vma,
    vma_is_anonymous,
)


class TvaType(Enum):
    """enum tva_type: who asks whether a VMA may have huge pages."""

    SMAPS = 0
    PAGEFAULT = 1
    KHUGEPAGED = 2
    FORCED_COLLAPSE = 3


def highest_order(orders: int) -> int:
    """The largest order in a mask of orders (unsigned long), which is not empty."""
    return orders.bit_length() - 1


def thp_vma_suitable_order(vma: Vma, address: int) -> bool:
    """True if the aligned 2 MiB around ``address`` lie inside the VMA (and are aligned in its file, too).

    ``address``: unsigned long, any in the window.
    Locks expected: mmap_lock or the VMA lock at least for reading.
    """
    geometry = vma.mm.kernel.geometry
    size = geometry.HPAGE_PMD_SIZE
    # A folio of a file lies at a multiple of its size in the file: only then can one PMD map it.
    if (
        not vma_is_anonymous(vma)
        and (vma.vm_start // geometry.PAGE_SIZE - vma.vm_pgoff) % geometry.HPAGE_PMD_NR
    ):
        return False
    haddr = address & ~(size - 1)
    return vma.vm_start <= haddr and haddr + size <= vma.vm_end


def vma_thp_disabled(mm: Mm, vm_flags: int, tva: TvaType) -> bool:
    """Has the process refused, for this memory (MADV_NOHUGEPAGE) or for all (prctl)?

    ``vm_flags``: vm_flags_t. Before 6.18 prctl knows no exemption for advised memory.
    Locks expected: mmap_lock or the VMA lock at least for reading.
    """
    if vm_flags & VM_NOHUGEPAGE or mm.flags & MMF_DISABLE_THP_COMPLETELY:
        return True
    # Advised memory and MADV_COLLAPSE are exempt: "except advised" is what the second mode says.
    if vm_flags & VM_HUGEPAGE or tva is TvaType.FORCED_COLLAPSE:
        return False
    return bool(mm.flags & MMF_DISABLE_THP_EXCEPT_ADVISED)
