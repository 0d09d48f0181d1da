"""Faces of a process under /proc/PID: smaps and clear_refs (fs/proc/task_mmu.c, 6.18)."""

from __future__ import annotations

import errno

from thplab.mm.huge_memory.pmd import is_huge_zero_pmd
from thplab.mm.huge_memory.policy import thp_vma_allowable_order
from thplab.mm.include.errors import KernelError
from thplab.mm.include.huge_mm import TvaType
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import (
    VM_HUGEPAGE,
    VM_LOCKED,
    VM_MERGEABLE,
    VM_NOHUGEPAGE,
    VM_READ,
    VM_SHARED,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    VM_WRITE,
    Mm,
    Vma,
)
from thplab.mm.include.page import PG_anon, PG_referenced, PG_young, pfn_to_page
from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    EntryRef,
    entry_pfn,
    mm_find_pmd,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_present,
    set_pmd_at,
    set_pte_at,
)
from thplab.mm.include.swapops import is_pte_marker

#: How smaps spells VM_* bits, the lowest bit first (show_smap_vma_flags).
_VM_FLAG_NAMES = {
    VM_READ: "rd", VM_WRITE: "wr", VM_SHARED: "sh", VM_UFFD_MISSING: "um", VM_UFFD_WP: "uw", VM_LOCKED: "lo",
    VM_HUGEPAGE: "hg", VM_NOHUGEPAGE: "nh", VM_MERGEABLE: "mg",
}  # fmt: skip


def clear_refs(mm: Mm, text: str = "1") -> None:
    """Write ``1`` to /proc/PID/clear_refs: no page counts as used any more.

    Raises KernelError (EINVAL) for anything but 1, the only kind of the real file modelled here.
    Locks expected: none. Takes mmap_lock for writing; PMD and PTE locks in the kernel.
    """
    if text.strip() != "1":
        raise KernelError(errno.EINVAL, "clear_refs", text, "1")
    down_write(mm.mmap_lock, mm.kernel.current.comm)
    for vma in mm.vmas:
        for ref in _pmds(vma):
            _clear_young(mm, ref)
    up_write(mm.mmap_lock)


def _pmds(vma: Vma) -> list[EntryRef]:
    """PMD entries (pmd_t *) that exist and map something of the VMA. Locks expected: mmap_lock."""
    size = vma.mm.kernel.geometry.HPAGE_PMD_SIZE
    # The first and the last huge page's range may belong to the VMA in part only.
    refs = (mm_find_pmd(vma.mm, at) for at in range(vma.vm_start // size * size, vma.vm_end, size))
    return [ref for ref in refs if ref is not None and ref[0][ref[1]]]


def _clear_young(mm: Mm, ref: EntryRef) -> None:
    """Make the leaf, or all entries of the table, old.

    Locks expected: mmap_lock for writing, the PMD or PTE lock in the kernel.
    """
    kernel = mm.kernel
    table, index = ref
    if pmd_trans_huge(table[index]):
        set_pmd_at(table, index, table[index] & ~_PAGE_ACCESSED)
        _clear_flags(mm, table[index])
        return
    ptes = kernel.tables[pmd_table_page(kernel, table[index])]
    # The whole table: what other VMAs of the process have in it is due as well.
    for position, pte in enumerate(ptes):
        # The zero page belongs to nobody: its use says nothing.
        if pte_present(pte) and entry_pfn(pte) != kernel.zero_pfn:
            set_pte_at(ptes, position, pte & ~_PAGE_ACCESSED)
            _clear_flags(mm, pte)


def _clear_flags(mm: Mm, entry: int) -> None:
    """Clear what the folio itself remembers of being used: khugepaged looks at both."""
    mem_map = mm.kernel.mem_map
    folio = mem_map.compound_head[pfn_to_page(mem_map, entry_pfn(entry))]
    if mem_map.flags[folio] & (PG_referenced | PG_young):
        mem_map.flags[folio] &= ~(PG_referenced | PG_young)


def huge_pages(vma: Vma) -> tuple[int, int]:
    """Huge pages of the VMA mapped by PMD leaves: anonymous ones and shared memory's.

    The huge zero page does not count.
    Locks expected: mmap_lock.
    """
    kernel = vma.mm.kernel
    leaves = [ref[0][ref[1]] for ref in _pmds(vma) if pmd_trans_huge(ref[0][ref[1]])]
    folios = [
        pfn_to_page(kernel.mem_map, entry_pfn(pmd)) for pmd in leaves if not is_huge_zero_pmd(kernel, pmd)
    ]
    anon = sum(1 for folio in folios if kernel.mem_map.flags[folio] & PG_anon)
    return anon, len(folios) - anon


def _resident_and_swap(vma: Vma) -> tuple[int, int]:
    """Pages in memory, zero pages not counted, and pages in swap (smaps_pte_entry).

    Locks expected: mmap_lock for reading, the PTE lock in the kernel.
    """
    kernel, resident, swap = vma.mm.kernel, 0, 0
    page = kernel.geometry.PAGE_SIZE
    for address in range(vma.vm_start, vma.vm_end, page):
        ref = mm_find_pmd(vma.mm, address)
        pmd = ref[0][ref[1]] if ref else 0
        if pmd_trans_huge(pmd):
            resident += not is_huge_zero_pmd(kernel, pmd)
        elif pmd:
            pte = kernel.tables[pmd_table_page(kernel, pmd)][pte_index(kernel, address)]
            resident += pte_present(pte) and entry_pfn(pte) != kernel.zero_pfn
            # A marker names no slot.
            swap += bool(pte) and not pte_present(pte) and not is_pte_marker(pte)
    return resident, swap


def _file_of(vma: Vma) -> str:
    """Offset, device and inode of what is mapped, and the file's path."""
    if vma.vm_file is None:
        return "00000000 00:00 0"
    offset = vma.vm_pgoff * vma.mm.kernel.geometry.PAGE_SIZE
    return f"{offset:08x} 00:01 {vma.vm_file.number} /{vma.vm_file.name} (deleted)"


def smaps(mm: Mm) -> str:
    """The lines of /proc/PID/smaps that the lessons read, for each VMA; sizes in kB.

    Locks expected: none. Takes mmap_lock for reading in the kernel.
    """
    kernel = mm.kernel
    page_kb = kernel.geometry.PAGE_SIZE // 1024
    huge_kb = kernel.geometry.HPAGE_PMD_SIZE // 1024
    lines = []
    for vma in mm.vmas:
        mode = ("r" if vma.vm_flags & VM_READ else "-") + ("w" if vma.vm_flags & VM_WRITE else "-")
        kind = "s" if vma.vm_flags & VM_SHARED else "p"
        lines.append(f"{vma.vm_start:x}-{vma.vm_end:x} {mode}-{kind} {_file_of(vma)}")
        resident, swap = _resident_and_swap(vma)
        # Only PMD leaves: a huge page that PTEs map counts under Rss alone.
        anon_huge, shmem_huge = huge_pages(vma)
        for name, kb in (
            ("Size", (vma.vm_end - vma.vm_start) // 1024),
            ("Rss", resident * page_kb),
            ("AnonHugePages", anon_huge * huge_kb),
            ("ShmemPmdMapped", shmem_huge * huge_kb),
            ("Swap", swap * page_kb),
        ):
            lines.append(f"{name + ':':<16}{kb:>8} kB")
        # By the rules of smaps: it says yes before the first touch, when khugepaged would still say no.
        lines.append(f"THPeligible:    {int(thp_vma_allowable_order(vma, vma.vm_flags, TvaType.SMAPS)):>8}")
        flags = [word for bit, word in _VM_FLAG_NAMES.items() if vma.vm_flags & bit]
        lines.append(f"VmFlags: {' '.join(flags)}")
    return "\n".join(lines) + "\n"
