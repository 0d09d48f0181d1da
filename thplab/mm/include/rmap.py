"""struct anon_vma (include/linux/rmap.h, 6.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thplab.mm.include.lock import ANON_VMA, Lock
from thplab.mm.include.state import Struct

if TYPE_CHECKING:
    from thplab.mm.include.mm_types import Vma


class AnonVma(Struct):
    """struct anon_vma, the anchor of anonymous pages: ``number`` (page->mapping) and who may map them.

    ``lock`` is anon_vma->root->rwsem, which a family of forked processes shares. ``vmas``: what the
    kernel keeps in an interval tree, each by a struct anon_vma_chain.
    """

    __slots__ = ("lock", "number", "vmas")
    number: int
    lock: Lock
    vmas: tuple[Vma, ...]

    def __init__(self, number: int, lock: Lock | None = None) -> None:
        """An anchor without VMAs; numbers begin at 1. ``lock``: that of the root, if it has one."""
        self.number = number
        # One lock for the family: a page may be mapped by any of its processes, and a walk visits them all.
        self.lock = lock or Lock(f"{ANON_VMA} {number}")
        self.vmas = ()
