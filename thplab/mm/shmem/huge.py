"""Who may have huge pages of shared memory: ``shmem_enabled`` and its like (mm/shmem.c, 6.18).

Two controls. ``shmem_enabled`` speaks for all: always, within_size (the file covers the huge page),
advise (MADV_HUGEPAGE), never, and for tests force and deny. ``hugepages-2048kB/shmem_enabled``
may decide for this size alone; by default it inherits the first.
"""

from __future__ import annotations

from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mm_types import VM_HUGEPAGE, Vma


def shmem_hpage_pmd_enabled(kernel: Kernel) -> bool:
    """Could any shared memory have PMD-sized pages? Then khugepaged is needed. Locks expected: none."""
    word, size = kernel.knobs.shmem_enabled, kernel.knobs.hugepage_shmem_enabled
    # The emergency brake: it overrides the control of the size as well.
    if word == "deny":
        return False
    return size in ("always", "advise", "within_size") or (size == "inherit" and word != "never")


def shmem_allowable_huge_order(mapping: AddressSpace, vma: Vma, index: int, *, force: bool) -> bool:
    """May page ``index`` (pgoff_t) of the file, mapped by ``vma``, be in a PMD-sized page?

    The VMA's own flags count, even while they are about to change. ``force``: MADV_COLLAPSE asks, which
    only ``deny`` and the control of the size can refuse. The kernel's returns a bitmap of orders; in 6.1
    there is no control of the size.
    Kernel name: shmem_allowable_huge_orders (6.18).
    Locks expected: mmap_lock or the VMA lock for reading.
    """
    kernel = vma.mm.kernel
    word, size = kernel.knobs.shmem_enabled, kernel.knobs.hugepage_shmem_enabled
    if word == "deny":
        return False
    whole = _allowed_by(force or word == "force", word, mapping, vma, index)
    if not kernel.profile.shmem_has_size_controls:
        return whole
    # A setting for tests: of the sizes only those that follow it are forced.
    if word == "force":
        return size == "inherit"
    return (
        whole
        if size == "inherit"
        else _allowed_by(force=False, word=size, mapping=mapping, vma=vma, index=index)
    )


def _allowed_by(force: bool, word: str, mapping: AddressSpace, vma: Vma, index: int) -> bool:
    """What one control says (``word``). ``within_size`` falls back to the advice."""
    if force or word == "always":
        return True
    advised = bool(vma.vm_flags & VM_HUGEPAGE)
    if word == "within_size":
        # A huge page that reaches beyond the end of the file would be memory for nothing.
        nr = vma.mm.kernel.geometry.HPAGE_PMD_NR
        return mapping.size >= (index // nr + 1) * nr or advised
    return word == "advise" and advised
