"""Memory cgroups: a limit on the pages of a group of processes (mm/memcontrol.c, 6.18).

Charged are anonymous folios, to the group of the process that faults them in; page tables are not.
A charge that does not fit fails at once: the group's own pages are never reclaimed, as with
``swappiness`` 0 on a real kernel.
"""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.memcontrol import MemCgroup
from thplab.mm.include.mm_types import Mm
from thplab.mm.include.page import folio_nr_pages


def mem_cgroup_create(kernel: Kernel, name: str) -> MemCgroup:
    """A new group without a limit. Locks expected: none. Takes cgroup_mutex in the kernel."""
    memcg = MemCgroup(name, len(kernel.memcgs) + 1)
    kernel.memcgs = (*kernel.memcgs, memcg)
    return memcg


def mem_cgroup_charge(kernel: Kernel, folio: int, mm: Mm) -> bool:
    """Charge a new folio to the group of ``mm``; False if the limit does not allow it (C: -ENOMEM).

    All pages of the folio are charged, or none.
    Locks expected: none; in the kernel it may sleep and reclaim.
    """
    memcg = mm.memcg
    if memcg is None:
        return True
    nr = folio_nr_pages(kernel.mem_map, folio)
    # Refused whole: a huge page does not fit where a base page would, so the fault falls back.
    if memcg.max is not None and memcg.usage + nr > memcg.max:
        return False
    memcg.usage += nr
    # The folio remembers the group: the process that frees it may be in another one.
    kernel.mem_map.memcg_data[folio] = memcg.number
    return True


def mem_cgroup_uncharge(kernel: Kernel, folio: int, nr: int) -> None:
    """``nr`` pages of a charged folio are freed. Locks expected: none; nobody has a reference any more."""
    kernel.memcgs[kernel.mem_map.memcg_data[folio] - 1].usage -= nr
    kernel.mem_map.memcg_data[folio] = 0
