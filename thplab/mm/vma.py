"""Cutting and joining VMAs (mm/vma.c, 6.18)."""

from __future__ import annotations

from thplab.mm.huge_memory.pmd import vma_adjust_trans_huge
from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import Mm, Vma, linear_page_index, vma_lookup
from thplab.mm.khugepaged.enter import khugepaged_enter_vma
from thplab.mm.rmap.anon_vma import anon_vma_clone, has_parents_pages, unlink_anon_vmas
from thplab.mm.shmem.file import fput, get_file


def split_at(mm: Mm, start: int, end: int) -> tuple[Vma, ...]:
    """Split VMAs at both borders (unsigned long); the VMAs that now lie wholly inside, in order.

    Locks expected: mmap_lock for writing.
    """
    # The VMA that has a border inside is cut there; one that begins or ends there is not.
    for border in (start, end):
        vma = vma_lookup(mm, border)
        if vma is not None and vma.vm_start < border:
            split_vma(vma, border)
    return tuple(vma for vma in mm.vmas if start <= vma.vm_start and vma.vm_end <= end)


def split_vma(vma: Vma, address: int) -> Vma:
    """Cut ``vma`` at ``address`` (page aligned); the new upper part. A huge PMD across the border is split.

    Locks expected: mmap_lock for writing. Takes the PMD lock.
    """
    # Before the cut: one PMD entry can't belong to two VMAs.
    vma_adjust_trans_huge(vma, address)
    upper = Vma(vma.mm, address, vma.vm_end, vma.vm_flags)
    upper.vm_pgoff = linear_page_index(vma, address)
    vma_link_file(upper, vma.vm_file, upper.vm_pgoff)
    # Pages keep their anon_vma: the upper part must be found from it as well.
    anon_vma_clone(upper, vma)
    upper.anon_vma = vma.anon_vma
    vma.vm_end = address
    insert_vma(vma.mm, upper)
    return upper


def modify_vma_flags(vma: Vma, start: int, end: int, vm_flags: int) -> Vma:
    """Give ``start..end`` of a VMA other flags: split off what keeps the old ones, merge what fits.

    ``vm_flags``: vm_flags_t. Returns the VMA that now covers the range (vma_modify_flags).
    Locks expected: mmap_lock for writing.
    """
    mm = vma.mm
    (middle,) = split_at(mm, max(start, vma.vm_start), min(end, vma.vm_end))
    middle.vm_flags = vm_flags
    return vma_merge(mm, middle)


def vmas_of_range(mm: Mm, start: int, end: int) -> tuple[Vma, ...]:
    """The VMAs that ``start..end`` touches, in order. Locks expected: mmap_lock at least for reading."""
    return tuple(vma for vma in mm.vmas if vma.vm_start < end and start < vma.vm_end)


def insert_vma(mm: Mm, vma: Vma) -> None:
    """Put a VMA in its place by address. Locks expected: mmap_lock for writing."""
    position = sum(1 for other in mm.vmas if other.vm_start < vma.vm_start)
    mm.vmas = (*mm.vmas[:position], vma, *mm.vmas[position:])


def vma_merge(mm: Mm, vma: Vma) -> Vma:
    """Join ``vma`` with its neighbours where flags and anon_vma allow; the VMA that covers it now.

    Locks expected: mmap_lock for writing.
    """
    before, position = (vma.vm_start, vma.vm_end), mm.vmas.index(vma)
    if position and _can_merge(mm.vmas[position - 1], vma):
        vma = _join(mm, mm.vmas[position - 1], vma)
        position -= 1
    if position + 1 < len(mm.vmas) and _can_merge(vma, mm.vmas[position + 1]):
        vma = _join(mm, vma, mm.vmas[position + 1])
    # A window may lie across the old border: what was too small before may have huge pages now.
    if (vma.vm_start, vma.vm_end) != before:
        khugepaged_enter_vma(vma, vma.vm_flags)
    return vma


def _can_merge(lower: Vma, upper: Vma) -> bool:
    """May two neighbours be one VMA? Same flags, same file and no break in it, and no two anon_vmas."""
    if lower.vm_end != upper.vm_start or lower.vm_flags != upper.vm_flags:
        return False
    if lower.vm_file is not upper.vm_file or linear_page_index(lower, lower.vm_end) != upper.vm_pgoff:
        return False
    if lower.anon_vma is upper.anon_vma:
        return True
    # One of them has none yet: it takes that of the other, unless that one was forked. (Else its ancestors'
    # anon_vmas, which take long to walk as it is, would get more VMAs.)
    with_pages = upper if lower.anon_vma is None else lower
    return None in (lower.anon_vma, upper.anon_vma) and not has_parents_pages(with_pages)


def _join(mm: Mm, lower: Vma, upper: Vma) -> Vma:
    """Extend ``lower`` over ``upper``, which goes. Locks expected: mmap_lock for writing."""
    if lower.anon_vma is None:
        anon_vma_clone(lower, upper)
        lower.anon_vma = upper.anon_vma
    # After the clone: the anon_vma must not be without a VMA in between.
    unlink_anon_vmas(upper)
    unlink_file_vma(upper)
    # Page->index need not change: it counts on from one VMA to the other, else they could not merge.
    lower.vm_end = upper.vm_end
    mm.vmas = tuple(vma for vma in mm.vmas if vma is not upper)
    return lower


def vma_link_file(vma: Vma, mapping: AddressSpace | None, pgoff: int) -> None:
    """Let a VMA map the file from page ``pgoff`` (unsigned long) on (of None: nothing).

    Locks expected: mmap_lock for writing. Takes i_mmap_rwsem for writing.
    """
    if mapping is None:
        return
    vma.vm_file, vma.vm_pgoff = get_file(mapping), pgoff
    # Walks of the reverse mapping read this list.
    down_write(mapping.i_mmap_rwsem, vma.mm.kernel.current.comm)
    mapping.i_mmap = (*mapping.i_mmap, vma)
    up_write(mapping.i_mmap_rwsem)


def unlink_file_vma(vma: Vma) -> None:
    """A VMA goes away: remove it from the file's list and drop its reference.

    Locks expected: mmap_lock for writing. Takes i_mmap_rwsem for writing.
    """
    mapping, vma.vm_file = vma.vm_file, None
    if mapping is None:
        return
    down_write(mapping.i_mmap_rwsem, vma.mm.kernel.current.comm)
    mapping.i_mmap = tuple(other for other in mapping.i_mmap if other is not vma)
    up_write(mapping.i_mmap_rwsem)
    # Last, outside the lock: it may free the whole file.
    fput(vma.mm.kernel, mapping)
