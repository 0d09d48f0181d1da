"""struct anon_vma (include/linux/rmap.h, 6.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thplab.mm.include.lock import ANON_VMA, Lock
from thplab.mm.include.state import Struct

if TYPE_CHECKING:
    from thplab.mm.include.mm_types import Vma

__all__ = ["AnonVma"]


class AnonVma(Struct):
    """The anchor of anonymous pages: ``number`` (page->mapping) and the VMAs that may map them.

    ``lock`` is anon_vma->root->rwsem, which a family of forked processes shares.
    """

    __slots__ = ("lock", "number", "vmas")
    number: int
    lock: Lock
    vmas: tuple[Vma, ...]

    def __init__(self, number: int, lock: Lock | None = None) -> None:
        """An anchor without VMAs; numbers begin at 1. ``lock``: that of the root, if it has one."""
        self.number = number
        self.lock = lock or Lock(f"{ANON_VMA} {number}")
        self.vmas = ()
