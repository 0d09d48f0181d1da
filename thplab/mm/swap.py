"""LRU lists: which folios were used lately and which were not (mm/swap.c, mm/vmscan.c, 6.18).

Inactive and active, anonymous and file, and one for what can't be reclaimed. New folios come to the head
of an inactive list; reclaim takes from its tail. The per-CPU batches in which new folios wait to be
put there, which khugepaged empties before it scans (lru_add_drain_all), are not modelled.
An isolated folio (vmscan/isolate.py) is on no list and carries PG_isolated
(a flag of the model: in the kernel it is on a private list of the task that took it).
"""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_add, list_del
from thplab.mm.include.mm_types import VM_LOCKED, Vma
from thplab.mm.include.page import PG_active, PG_anon, PG_lru, PG_referenced, PG_swapbacked, PG_unevictable

#: A scan covers at least so many folios: short lists would be shifted away to nothing.
SWAP_CLUSTER_MAX = 32

#: enum lru_list, in order.
LRU_NAMES = ("inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable")


def folio_lru_list(kernel: Kernel, folio: int) -> int:
    """The number of the list (enum lru_list) that the folio's flags assign it to."""
    flags = kernel.mem_map.flags[folio]
    if flags & PG_unevictable:
        return LRU_NAMES.index("unevictable")
    return (0 if flags & (PG_swapbacked | PG_anon) else 2) + bool(flags & PG_active)


def lru_list(kernel: Kernel, number: int) -> int:
    """The list head of LRU list ``number``."""
    return kernel.node.lru + number


def lru_oldest(kernel: Kernel, name: str, priority: int) -> list[int]:
    """The folios at the tail of an LRU list that a scan of this priority covers.

    ``priority``: int, the share is 1 / 2^priority.
    Locks expected: lruvec->lru_lock in the kernel.
    """
    links, head = kernel.mem_map.links, lru_list(kernel, LRU_NAMES.index(name))
    folios, entry = [], links[1][head]
    while entry != head:
        # A copy: the caller moves folios to other lists meanwhile.
        folios.append(entry)
        entry = links[1][entry]
    return folios[: max(len(folios) >> priority, SWAP_CLUSTER_MAX)]


def isolated_counter(kernel: Kernel, folio: int) -> str:
    """The counter of isolated pages of the folio's kind (NR_ISOLATED_ANON or _FILE)."""
    flags = kernel.mem_map.flags[folio]
    return "nr_isolated_anon" if flags & (PG_swapbacked | PG_anon) else "nr_isolated_file"


def folio_add_lru(kernel: Kernel, folio: int) -> None:
    """Put a folio that is on no list at the head of its LRU list.

    ``folio``: struct folio *.
    Locks expected: none. Takes lruvec->lru_lock in the kernel, when a batch is full.
    """
    mem_map = kernel.mem_map
    mem_map.flags[folio] |= PG_lru
    list_add(mem_map.links, folio, lru_list(kernel, folio_lru_list(kernel, folio)))


def folio_add_lru_vma(kernel: Kernel, folio: int, vma: Vma) -> None:
    """Put a new folio of ``vma`` on the LRU; locked memory counts as unevictable.

    Up to 6.18 the multi-generational LRU marks a new page active, since 7.2 referenced, which khugepaged
    counts as use; only the latter is modelled.
    Locks expected: the PTE or PMD lock under which it was mapped.
    """
    # mlock() promises that the page stays: reclaim must not even scan it.
    kernel.mem_map.flags[folio] |= PG_unevictable if vma.vm_flags & VM_LOCKED else 0
    if kernel.lru_gen_enabled and kernel.profile.lru_gen_marks_fresh_pages:
        kernel.mem_map.flags[folio] |= PG_referenced
    folio_add_lru(kernel, folio)


def lruvec_del_folio(kernel: Kernel, folio: int) -> None:
    """Take a folio off its LRU list; PG_lru stays. Locks expected: lruvec->lru_lock in the kernel."""
    list_del(kernel.mem_map.links, folio)


def folio_change_lru(kernel: Kernel, folio: int, flags: int) -> None:
    """Give a folio that is on an LRU list other flags, and put it at the head of the list they name.

    ``flags``: unsigned long, PG_* bits.
    Locks expected: lruvec->lru_lock in the kernel.
    """
    lruvec_del_folio(kernel, folio)
    kernel.mem_map.flags[folio] = flags
    folio_add_lru(kernel, folio)


def folio_mark_accessed(kernel: Kernel, folio: int) -> None:
    """The kernel itself has used the page: referenced at first, active the second time.

    The multi-generational LRU counts further uses elsewhere (lru_gen_inc_refs).
    Locks expected: none. Takes lruvec->lru_lock in the kernel if the folio changes its list.
    """
    flags = kernel.mem_map.flags[folio]
    if not flags & PG_referenced:
        kernel.mem_map.flags[folio] = flags | PG_referenced
    # Two uses, not one: a file that is read once must not displace pages in use.
    elif not flags & (PG_unevictable | PG_active) and not kernel.lru_gen_enabled:
        flags = flags & ~PG_referenced | PG_active
        if flags & PG_lru:
            folio_change_lru(kernel, folio, flags)
        else:
            kernel.mem_map.flags[folio] = flags
