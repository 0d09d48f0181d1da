"""Memory cgroups: a limit on the pages of a group of processes (mm/memcontrol.c, 6.18).

Charged are anonymous folios, to the group of the process that faults them in; page tables are not.
A charge that does not fit fails at once: the group's own pages are never reclaimed, as with
``swappiness`` 0 on a real kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from thplab.mm.include.page import folio_nr_pages
from thplab.mm.include.state import Struct

if TYPE_CHECKING:
    from thplab.mm.include.mm_types import Mm
    from thplab.mm.system import Kernel

__all__ = ["MemCgroup", "mem_cgroup_charge", "mem_cgroup_create", "mem_cgroup_uncharge"]


class MemCgroup(Struct):
    """struct mem_cgroup: ``usage`` and ``max`` in pages (None: no limit); ``number`` from 1 on."""

    __slots__ = ("max", "name", "number", "usage")
    name: str
    number: int
    usage: int
    max: int | None

    def __init__(self, name: str, number: int) -> None:
        """An empty group without a limit."""
        self.name = name
        self.number = number
        self.usage = 0
        self.max = None


def mem_cgroup_create(kernel: Kernel, name: str) -> MemCgroup:
    """A new group."""
    memcg = MemCgroup(name, len(kernel.memcgs) + 1)
    kernel.memcgs = (*kernel.memcgs, memcg)
    return memcg


def mem_cgroup_charge(kernel: Kernel, folio: int, mm: Mm) -> bool:
    """Charge a new folio to the group of ``mm``; False if the limit does not allow it."""
    memcg = mm.memcg
    if memcg is None:
        return True
    nr = folio_nr_pages(kernel.mem_map, folio)
    if memcg.max is not None and memcg.usage + nr > memcg.max:
        return False
    memcg.usage += nr
    kernel.mem_map.memcg_data[folio] = memcg.number
    return True


def mem_cgroup_uncharge(kernel: Kernel, folio: int, nr: int) -> None:
    """``nr`` pages of a charged folio are freed."""
    kernel.memcgs[kernel.mem_map.memcg_data[folio] - 1].usage -= nr
    kernel.mem_map.memcg_data[folio] = 0
