"""The rules, one function each: what a machine breaks, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.invariants.census import Census
from tests.invariants.walk import PS, deposited, entries, file_entries, page_of, zones_of
from thplab.machine import Machine
from thplab.mm.include.page import (
    PG_anon,
    PG_anon_exclusive,
    PG_buddy,
    PG_head,
    PG_isolated,
    PG_ksm,
    PG_locked,
    PG_lru,
    PG_partially_mapped,
    PG_swapcache,
    PG_table,
    PG_tail,
)

MMF_VM_HUGEPAGE = 1 << 16

Rule = Callable[[Any, Census], list[str]]

_rules: list[Rule] = []


def rule(function: Rule) -> Rule:
    """One of the rules that ``check`` asks."""
    _rules.append(function)
    return function


def check(machine: Machine, pins: Iterable[int] = (), held: Mapping[int, int] | None = None) -> None:
    """Raise AssertionError naming each rule that the machine breaks."""
    census = Census(machine.kernel, pins, held)
    for each in _rules:
        census.bad += each(machine.kernel, census)
    assert not census.bad, "\n".join(census.bad[:20])


@rule
def _frames(kernel: Any, census: Census) -> list[str]:
    """Each frame has exactly one role; free + in use = all."""
    bad = []
    for page, number in enumerate(census.nr_roles):
        if number != 1:
            roles = " and ".join(census.roles_of(page))
            bad.append(f"page {page} is {roles or 'lost: neither free nor used'}")
    tables = {page for tables in census.tables.values() for page in tables}
    bad += [f"page {page}: PG_table is wrong" for page in sorted(tables ^ set(census.marked(PG_table)))]
    return bad


@rule
def _free_blocks(kernel: Any, census: Census) -> list[str]:
    """Aligned by pfn, marked, disjoint (see _frames), counted, and no two free buddies left apart."""
    mem_map = kernel.mem_map
    blocks, bad = set(census.blocks), []
    start_pfn = mem_map.start_pfn
    for zone in zones_of(kernel):
        own = {(p, o) for p, o in blocks if zone.zone_start_pfn <= p + start_pfn < zone.zone_end_pfn}
        for page, order in own:
            pfn = page + start_pfn
            if pfn % (1 << order) or pfn + (1 << order) > zone.zone_end_pfn:
                bad.append(f"free block pfn {pfn:#x} of order {order} is not aligned or leaves its zone")
            if not mem_map.flags[page] & PG_buddy or mem_map.order[page] != order or mem_map.refcount[page]:
                bad.append(f"free block page {page} of order {order} is not marked as one")
            if order < zone.max_order and ((pfn ^ (1 << order)) - start_pfn, order) in own:
                bad.append(f"free block page {page} of order {order} should have joined its buddy")
        per_order = Counter(order for _, order in own)
        for order, count in enumerate(zone.nr_free):
            if count != per_order[order]:
                bad.append(f"{zone.name}: nr_free[{order}] is {count}, on the list are {per_order[order]}")
        if zone.free_pages != sum(1 << order for _, order in own):
            bad.append(f"{zone.name}: free_pages is {zone.free_pages}")
    marked = set(census.marked(PG_buddy))
    if marked != {page for page, _ in blocks}:
        bad.append(f"PG_buddy on pages that begin no free block: {marked ^ {p for p, _ in blocks}}")
    return bad


@rule
def _folios(kernel: Any, census: Census) -> list[str]:
    """Counts are what page tables and pins say; an exclusive frame is mapped once."""
    mem_map, bad = kernel.mem_map, []
    for folio in census.folios:
        nr, flags = census.nr(folio), mem_map.flags[folio]
        pages = range(folio, folio + nr)
        mapped = sum(census.ptes[page] for page in pages) + census.leaves[folio]
        own = 1 if folio == kernel.huge_zero_folio else mapped + census.cached[folio] + census.files[folio]
        if mem_map.refcount[folio] != own + census.pins[folio]:
            bad.append(
                f"folio {folio}: {mem_map.refcount[folio]} references, {own}+{census.pins[folio]} known"
            )
        if mem_map.entire_mapcount[folio] != census.leaves[folio]:
            bad.append(f"folio {folio}: entire_mapcount {mem_map.entire_mapcount[folio]}")
        if nr > 1 and mem_map.large_mapcount[folio] != mapped:
            bad.append(f"folio {folio}: large_mapcount {mem_map.large_mapcount[folio]}, mapped {mapped}")
        bad += [
            f"page {page}: mapcount {mem_map.mapcount[page]}, PTEs {census.ptes[page]}"
            for page in pages
            if mem_map.mapcount[page] != census.ptes[page]
        ]
        if any(mem_map.compound_head[page] != folio for page in pages):
            bad.append(f"folio {folio}: a tail page has another head")
        if any(not mem_map.flags[page] & PG_tail for page in pages[1:]) or flags & PG_tail:
            bad.append(f"folio {folio}: PG_tail is wrong")
        if flags & (PG_locked | PG_isolated):
            bad.append(f"folio {folio} is still locked or isolated")
        known = flags & PG_anon or census.files[folio] == nr
        if folio != kernel.huge_zero_folio and mapped and not (known and flags & PG_lru):
            bad.append(f"folio {folio} is mapped but neither anonymous nor a file's, or not on the LRU")
        if (
            len(kernel.mms) == 1
            and not census.files[folio]
            and not flags & PG_ksm
            and max((census.ptes[p] + census.leaves[folio] for p in pages), default=0) > 1
        ):
            bad.append(f"folio {folio}: one page is mapped twice")
    return bad


@rule
def _exclusive(kernel: Any, census: Census) -> list[str]:
    """A page that is exclusive to one mm is mapped once; a large folio knows how many PTEs map it."""
    mem_map, bad = kernel.mem_map, []
    for folio in census.folios:
        pages = range(folio, folio + census.nr(folio))
        for page in pages:
            if mem_map.flags[page] & PG_anon_exclusive and census.ptes[page] + census.leaves[folio] > 1:
                bad.append(f"page {page} is exclusive but mapped more than once")
        at_pte = sum(1 for page in pages if census.ptes[page])
        if len(pages) > 1 and mem_map.nr_pages_mapped[folio] != at_pte:
            bad.append(f"folio {folio}: nr_pages_mapped {mem_map.nr_pages_mapped[folio]}, by PTEs {at_pte}")
    return bad


@rule
def _lru_lists(kernel: Any, census: Census) -> list[str]:
    """On the LRU lists stand exactly the folios with PG_lru, each once; compaction holds nothing."""
    node = kernel.node
    listed = [folio for number in range(5) for folio in entries(kernel, node.lru + number)]
    marked = census.marked(PG_lru)
    bad = []
    if sorted(listed) != marked:
        bad.append(f"LRU lists and PG_lru disagree about {sorted(set(listed) ^ set(marked))[:10]}")
    orders = kernel.node.zones[0].max_order + 1
    for number in range(orders + 1):
        if entries(kernel, node.compact_lists + number):
            bad.append(f"compaction's list {number} is not empty")
    if kernel.compact_control is not None or kernel.capture_control is not None:
        bad.append("compaction left its control structure behind")
    return bad


@rule
def _counters(kernel: Any, census: Census) -> list[str]:
    """The nr_ counters are what the tables say."""
    from thplab.mm.vmstat import vm_event

    mapped_pages = {page for page, count in census.ptes.items() if count}
    for folio in census.leaves:
        mapped_pages |= set(range(folio, folio + census.nr(folio)))
    anon = {p for p in mapped_pages if kernel.mem_map.flags[kernel.mem_map.compound_head[p]] & PG_anon}
    expected = {
        "nr_free_pages": sum(zone.free_pages for zone in kernel.node.zones),
        "nr_isolated_anon": 0,
        "nr_anon_pages": len(anon),
        "nr_anon_transparent_hugepages": len(anon & set(census.leaves)),
        "nr_mapped": len(mapped_pages - anon),
        "nr_shmem_pmdmapped": len(set(census.leaves) - anon),
        "nr_shmem": sum(census.files.values()),
        "nr_file_pages": sum(census.files.values())
        + sum(len(entries(kernel, kernel.node.lru + number)) for number in (2, 3)),
        "nr_shmem_hugepages": sum(1 for folio in census.files if census.nr(folio) > 1),
        "nr_page_table_pages": sum(len(tables) for tables in census.tables.values()),
    }
    bad = [
        f"{name} is {vm_event(kernel, name)}, should be {value}"
        for name, value in expected.items()
        if vm_event(kernel, name) != value
    ]
    for mm in kernel.mms:
        if mm.rss != census.rss[mm.name]:
            bad.append(f"{mm.name}: rss {mm.rss}, the tables map {census.rss[mm.name]}")
        if mm.pgtables != len(census.tables[mm.name]):
            bad.append(f"{mm.name}: pgtables {mm.pgtables}, there are {len(census.tables[mm.name])}")
    return bad


@rule
def _locks(kernel: Any, census: Census) -> list[str]:
    """Between two system calls nobody holds a lock."""
    locks = [kernel.khugepaged.mm_lock, *kernel.ptlocks.values()]
    for mm in kernel.mms:
        locks.append(mm.mmap_lock)
        for vma in mm.vmas:
            locks.append(vma.vm_lock)
            if vma.anon_vma:
                locks.append(vma.anon_vma.lock)
    held = [f"{lock.name} is still held" for lock in locks if lock.writer is not None or lock.readers]
    return held + [f"{lock.name}: {lock.waiters[0].who} still waits" for lock in locks if lock.waiters]


@rule
def _address_spaces(kernel: Any, census: Census) -> list[str]:
    """VMAs are sorted and disjoint; as many tables are deposited as there are leaves, all empty."""
    bad = []
    for mm in kernel.mms:
        end = 0
        for vma in mm.vmas:
            if not end <= vma.vm_start < vma.vm_end <= kernel.geometry.TASK_SIZE or vma.vm_start % 4096:
                bad.append(f"{mm.name}: VMA {vma.vm_start:#x}-{vma.vm_end:#x} is out of order")
            end = vma.vm_end
            if any(vma not in anon_vma.vmas for anon_vma in vma.anon_vma_chain):
                bad.append(f"{vma.name}: an anon_vma of its chain does not know it")
            if vma.anon_vma is not None and vma.anon_vma not in vma.anon_vma_chain:
                bad.append(f"{vma.name}: its own anon_vma is not in its chain")
        for page in [p for p, level in census.tables[mm.name].items() if level == 2]:
            leaves = sum(1 for entry in kernel.tables[page] if entry & PS and not _of_file(kernel, entry))
            kept = deposited(kernel, page)
            if len(kept) != leaves:
                bad.append(f"{mm.name}: {leaves} leaves, {len(kept)} deposited tables")
            bad += [f"deposited table {table} is not empty" for table in kept if any(kernel.tables[table])]
    return bad


def _of_file(kernel: Any, leaf: int) -> bool:
    """Does the leaf map a file's folio? For such leaves no table is deposited."""
    folio = page_of(kernel, leaf)
    return folio != kernel.huge_zero_folio and not kernel.mem_map.flags[folio] & PG_anon


@rule
def _files(kernel: Any, census: Census) -> list[str]:
    """A file knows exactly the VMAs that map it, and how much of it is in memory; nobody keeps dead files."""
    bad = []
    for mapping in kernel.mappings:
        vmas = {id(vma) for mm in kernel.mms for vma in mm.vmas if vma.vm_file is mapping}
        if {id(vma) for vma in mapping.i_mmap} != vmas or len(mapping.i_mmap) != len(vmas):
            bad.append(f"{mapping.name}: i_mmap is not the VMAs that map it")
        if mapping.f_count < max(len(vmas), 1):
            bad.append(f"{mapping.name}: f_count {mapping.f_count}, VMAs {len(vmas)}")
        in_memory = sum(1 for _, entry in file_entries(mapping) if not entry & 1)
        if mapping.nrpages != in_memory:
            bad.append(f"{mapping.name}: nrpages {mapping.nrpages}, in memory {in_memory}")
        if mapping.i_mmap_rwsem.readers or mapping.i_mmap_rwsem.writer:
            bad.append(f"{mapping.i_mmap_rwsem.name} is still held")
    return bad


@rule
def _khugepaged_list(kernel: Any, census: Census) -> list[str]:
    """Registered are exactly the marked mms, each once; the cursor stands on the list."""
    scan = kernel.khugepaged
    listed = [slot.mm for slot in scan.mm_head]
    bad = []
    if len({id(mm) for mm in listed}) != len(listed):
        bad.append("an mm stands twice on khugepaged's list")
    for mm in kernel.mms:
        if bool(mm.flags & MMF_VM_HUGEPAGE) != (mm in listed):
            bad.append(f"{mm.name}: MMF_VM_HUGEPAGE and the list disagree")
    dead = [mm for mm in listed if mm not in kernel.mms]
    if dead and (scan.scan_mm_slot is None or dead != [scan.scan_mm_slot.mm]):
        bad.append("a dead mm stands on khugepaged's list without being under the cursor")
    if scan.scan_mm_slot is not None and scan.scan_mm_slot not in scan.mm_head:
        bad.append("the cursor stands on no slot of the list")
    return bad


@rule
def _swap(kernel: Any, census: Census) -> list[str]:
    """A slot is counted as often as entries name it; what the cache holds is marked, page by page."""
    mem_map, swap = kernel.mem_map, kernel.swap
    bad = [
        f"slot {slot}: swap_map {swap.swap_map[slot]}, entries {census.slots[slot]}"
        for slot in {*census.slots, *(n for n, count in enumerate(swap.swap_map) if count)}
        if swap.swap_map[slot] != census.slots[slot]
    ]
    for folio in census.folios:
        marked = bool(mem_map.flags[folio] & PG_swapcache)
        if marked != (census.cached[folio] > 0) or (marked and census.cached[folio] != census.nr(folio)):
            bad.append(f"folio {folio}: PG_swapcache {marked}, slots in the cache {census.cached[folio]}")
    return bad


@rule
def _memcgs(kernel: Any, census: Census) -> list[str]:
    """Each group is charged for as many pages as its folios have."""
    charged: Counter[int] = Counter()
    for folio in census.folios:
        charged[kernel.mem_map.memcg_data[folio]] += census.nr(folio)
    return [
        f"group {memcg.name}: usage {memcg.usage}, charged folios have {charged[memcg.number]} pages"
        for memcg in kernel.memcgs
        if memcg.usage != charged[memcg.number]
    ]


@rule
def _split_queue(kernel: Any, census: Census) -> list[str]:
    """Queued are large anonymous folios in use, each once; a partially mapped one is always queued."""
    mem_map = kernel.mem_map
    queued = [mem_map.compound_head[entry] for entry in entries(kernel, kernel.node.split_queue)]
    bad = []
    if len(queued) != kernel.node.split_queue_len or len(set(queued)) != len(queued):
        bad.append(f"split queue {queued}, its length says {kernel.node.split_queue_len}")
    if entries(kernel, kernel.node.split_list):
        bad.append("folios were left on the shrinker's own list")
    for folio in census.folios | set(queued):
        flags = mem_map.flags[folio]
        fit = flags & PG_head and flags & PG_anon and mem_map.order[folio] > 1 and mem_map.refcount[folio]
        if folio in queued and not fit:
            bad.append(f"folio {folio} on the split queue is not a large anonymous one in use")
        if flags & PG_partially_mapped and folio not in queued:
            bad.append(f"folio {folio} is partially mapped and not on the split queue")
    return bad
