"""Moving a folio to another place without anybody noticing (mm/migrate.c, 6.18).

    unmap   every entry that maps the folio becomes a migration entry: who touches the page waits
    copy    contents, and all that is known about the folio
    remap   the entries point at the new place

The number of references is the test: if there are more than mappings, and the one of who isolated
it, account for, somebody uses the page by its physical address, and it stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable

from thplab.mm.compaction.control import CompactControl, MigrateMode
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_del, list_empty
from thplab.mm.include.page import (
    MemMap,
    PG_anon,
    PG_isolated,
    PG_locked,
    folio_get,
    folio_trylock,
    folio_unlock,
)
from thplab.mm.include.pgtable import set_pte_at
from thplab.mm.include.swapops import remove_migration_entry
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.rmap.mapcount import folio_add_anon_rmap_ptes
from thplab.mm.rmap.unmap import Unmapped, try_to_migrate
from thplab.mm.swap import folio_add_lru, isolated_counter
from thplab.mm.trace import trace
from thplab.mm.vmscan.isolate import folio_putback_lru
from thplab.mm.vmstat import count_vm_event

GetNew = Callable[[Kernel, CompactControl], int | None]
PutNew = Callable[[Kernel, CompactControl, int], None]

_MODE_NAMES = {
    MigrateMode.ASYNC: "MIGRATE_ASYNC",
    MigrateMode.SYNC_LIGHT: "MIGRATE_SYNC_LIGHT",
    MigrateMode.SYNC: "MIGRATE_SYNC",
}


def migrate_pages(
    kernel: Kernel, cc: CompactControl, get_new_folio: GetNew, put_new_folio: PutNew
) -> tuple[bool, bool, int]:
    """Move the isolated folios of the list ``cc.migratepages``, for compaction; what can't move stays.

    ``get_new_folio`` and ``put_new_folio``: new_folio_t, free_folio_t; they give a target and take it
    back. Returns whether any failed, whether the targets ran out (-ENOMEM), and the pages moved.
    Locks expected: none; the folios are isolated. Takes page locks.
    """
    mem_map = kernel.mem_map
    links, head = mem_map.links, cc.migratepages
    succeeded = failed = 0
    no_memory = False
    folio = links[0][head]
    while folio != head:
        # Noted before the folio may leave the list.
        following = links[0][folio]
        # Asked for one by one: how many can be moved depends on the targets that are left.
        target = get_new_folio(kernel, cc)
        if target is None:
            no_memory = True
            failed += 1
            break
        if migrate_folio(kernel, folio, target):
            # Off the list only when it has moved: what stays is put back on the LRU by the caller.
            list_del(links, folio)
            _migrate_folio_done(kernel, folio, target)
            succeeded += 1
        else:
            failed += 1
            put_new_folio(kernel, cc, target)
        folio = following
    count_vm_event(kernel, "pgmigrate_success", succeeded)
    count_vm_event(kernel, "pgmigrate_fail", failed)
    trace(
        kernel,
        "mm_migrate_pages",
        nr_succeeded=succeeded,
        nr_failed=failed,
        nr_thp_succeeded=0,
        nr_thp_failed=0,
        nr_thp_split=0,
        nr_split=0,
        mode=_MODE_NAMES[cc.mode],
        reason="compaction",
    )
    return failed > 0, no_memory, succeeded


def migrate_folio(kernel: Kernel, src: int, dst: int) -> bool:
    """Move one isolated page to ``dst``; False: it can't be moved now and is mapped as before.

    Locks expected: none; the page is isolated. Takes the page lock. (The kernel also takes that of ``dst``.)
    """
    mem_map = kernel.mem_map
    # Another task works on it. (Only synchronous migration would wait for the lock.)
    if not folio_trylock(mem_map, src):
        return False
    # Unmapped before it is counted: no process can then gain a new reference by its address.
    unmapped = try_to_migrate(kernel, src)
    cache = 0 if mem_map.flags[src] & PG_anon else 1
    # One reference left, of who isolated it (and the page cache's): any other is a user by frame.
    movable: bool = mem_map.refcount[src] == 1 + cache
    if movable:
        folio_migrate_copy(mem_map, src, dst)
        # The page cache's reference goes along.
        mem_map.refcount[src] -= cache
        mem_map.refcount[dst] += cache
    # In either case, or the processes would wait for ever; with the old page if it stays.
    remove_migration_ptes(kernel, dst if movable else src, unmapped)
    folio_unlock(mem_map, src)
    return movable


def folio_migrate_copy(mem_map: MemMap, src: int, dst: int) -> None:
    """Contents, flags, anon_vma, place and charge (mem_cgroup_migrate) of the page go to ``dst``.

    Locks expected: the page lock of ``src``.
    """
    mem_map.contents[dst] = mem_map.contents[src]
    mem_map.mapping[dst] = mem_map.mapping[src]
    mem_map.index[dst] = mem_map.index[src]
    mem_map.memcg_data[dst], mem_map.memcg_data[src] = mem_map.memcg_data[src], 0
    # The lock and the isolation belong to the old page, and end with it.
    mem_map.flags[dst] |= mem_map.flags[src] & ~(PG_locked | PG_isolated)


def remove_migration_ptes(kernel: Kernel, new: int, unmapped: list[Unmapped]) -> None:
    """Point the entries at the page ``new`` (the same one again if it could not be moved).

    Locks expected: the page lock. (The kernel finds them by the reverse map, under the anon_vma and PTE
    locks.)
    """
    pfn = new + kernel.mem_map.start_pfn
    for vma, table, index, pte in unmapped:
        set_pte_at(table, index, remove_migration_entry(table[index], pte, pfn))
        folio_add_anon_rmap_ptes(kernel, new, 1, vma)
        # Each entry holds a reference again.
        folio_get(kernel.mem_map, new)


def _migrate_folio_done(kernel: Kernel, src: int, dst: int) -> None:
    """The new page goes on its LRU list; the old one, which has no user any more, is freed.

    Locks expected: none.
    """
    mem_map = kernel.mem_map
    folio_add_lru(kernel, dst)
    # The allocation's reference: from now on only its mappings hold the page.
    folio_put(kernel, dst)
    count_vm_event(kernel, isolated_counter(kernel, src), -1)
    mem_map.flags[src] &= ~PG_isolated
    folio_put(kernel, src)


def putback_movable_pages(kernel: Kernel, head: int) -> None:
    """Put every isolated folio of a list (``head``: struct list_head *) back on its LRU list.

    Locks expected: none.
    """
    links = kernel.mem_map.links
    while not list_empty(links, head):
        folio = links[0][head]
        list_del(links, folio)
        folio_putback_lru(kernel, folio)
