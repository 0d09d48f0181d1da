"""anon_vma: how a page of anonymous memory finds the VMAs that may map it (mm/rmap.c, 6.18).

A page remembers one anon_vma (page->mapping). Every VMA that may map the page hangs on that
anon_vma: the VMA that faulted the page in, the parts it was cut into, and after fork the child's
copies. A child's VMA has an anon_vma of its own for the pages it makes, and hangs on those of its
ancestors too; the list of them is the VMA's chain.
"""

from __future__ import annotations

from thplab.mm.include.mm_types import Vma
from thplab.mm.include.rmap import AnonVma


def anon_vma_prepare(vma: Vma) -> AnonVma:
    """The VMA's anon_vma; at the first write fault it gets one (a neighbour's, if they could merge).

    Locks expected: mmap_lock at least for reading, or the VMA lock. (The kernel takes page_table_lock to
    set it.)
    """
    if vma.anon_vma is None:
        # A neighbour's: two VMAs with different ones could never be merged.
        vma.anon_vma = _find_mergeable_anon_vma(vma) or _anon_vma_alloc(vma, None)
        _anon_vma_chain_link(vma, vma.anon_vma)
    return vma.anon_vma


def _anon_vma_alloc(vma: Vma, root: AnonVma | None) -> AnonVma:
    kernel = vma.mm.kernel
    anon_vma = AnonVma(kernel.next_anon_vma, root.lock if root else None)
    kernel.next_anon_vma += 1
    return anon_vma


def _anon_vma_chain_link(vma: Vma, anon_vma: AnonVma) -> None:
    """Let pages of ``anon_vma`` be mapped by ``vma``."""
    vma.anon_vma_chain = (*vma.anon_vma_chain, anon_vma)
    anon_vma.vmas = (*anon_vma.vmas, vma)


def anon_vma_clone(vma: Vma, source: Vma) -> None:
    """Hang ``vma`` on every anon_vma that ``source`` hangs on: it is a part or a copy of it.

    Locks expected: mmap_lock for writing. (The kernel takes the anon_vma lock.)
    """
    for anon_vma in source.anon_vma_chain:
        _anon_vma_chain_link(vma, anon_vma)


def anon_vma_fork(vma: Vma, parent: Vma) -> None:
    """The child's VMA maps its parent's pages and gets an anon_vma of its own for new ones.

    Locks expected: the parent's mmap_lock for writing. (The kernel takes the anon_vma lock.)
    """
    # Never written: there is no page that both could map.
    if parent.anon_vma is None:
        return
    anon_vma_clone(vma, parent)
    # With the parent's, each walk for a page of the child would also visit all of its relatives.
    vma.anon_vma = _anon_vma_alloc(vma, parent.anon_vma)
    _anon_vma_chain_link(vma, vma.anon_vma)


def unlink_anon_vmas(vma: Vma) -> None:
    """The VMA goes away: take it off all its anon_vmas.

    Locks expected: mmap_lock for writing. (The kernel takes the anon_vma lock.)
    """
    # Its ancestors' too, or a walk of theirs would visit a VMA that is gone.
    for anon_vma in vma.anon_vma_chain:
        anon_vma.vmas = tuple(other for other in anon_vma.vmas if other is not vma)
    # An anon_vma without VMAs is freed in C; here nothing names it any more.
    vma.anon_vma_chain = ()
    vma.anon_vma = None


def has_parents_pages(vma: Vma) -> bool:
    """True if it hangs on more than its own anon_vma, since a fork. Locks expected: mmap_lock for reading."""
    return len(vma.anon_vma_chain) > 1


def anon_vma_root(vma: Vma) -> AnonVma:
    """The oldest anon_vma that the VMA hangs on: where a page belongs that several processes may claim.

    Locks expected: mmap_lock or the VMA lock at least for reading.
    """
    return vma.anon_vma_chain[0]


def _find_mergeable_anon_vma(vma: Vma) -> AnonVma | None:
    """An adjacent VMA's anon_vma, if the two differ in nothing but the protection."""
    may_differ = 0x7  # VM_READ, VM_WRITE, VM_EXEC
    for other in vma.mm.vmas:
        touches = other.vm_end == vma.vm_start or other.vm_start == vma.vm_end
        alike = not (other.vm_flags ^ vma.vm_flags) & ~may_differ and other.vm_file is vma.vm_file
        if touches and alike and other.anon_vma and not has_parents_pages(other):
            return other.anon_vma
    return None
