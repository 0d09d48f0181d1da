"""Extra references on pages, as direct I/O or vmsplice hold them (mm/gup.c)."""

from __future__ import annotations

from thplab.mm.mm_types import Mm
from thplab.mm.mmu import access
from thplab.mm.page import folio_get
from thplab.mm.page_alloc import folio_put

__all__ = ["get_user_page", "put_page"]


def get_user_page(mm: Mm, address: int) -> int:
    """Take one reference on the page at ``address`` (faulted in for reading); the page.

    The page can't be moved or freed until :func:`put_page`. Raises KernelError (EFAULT).
    """
    page = access(mm, address, write=False)
    folio_get(mm.kernel.mem_map, mm.kernel.mem_map.compound_head[page])
    return page


def put_page(mm: Mm, page: int) -> None:
    """Drop such a reference."""
    folio_put(mm.kernel, mm.kernel.mem_map.compound_head[page])
