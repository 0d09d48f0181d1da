"""What must hold of a machine at any moment between two system calls.

``check(machine)`` raises AssertionError with every rule that is broken. The walk through the page
tables is written out here with the x86 manual's bits, so that it does not lean on the code it judges.
``tables_and_pages`` and ``whole_state`` photograph a machine, to compare before and after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from thplab.machine import Machine
from thplab.mm.page import (
    PG_anon,
    PG_anon_exclusive,
    PG_buddy,
    PG_head,
    PG_isolated,
    PG_ksm,
    PG_locked,
    PG_lru,
    PG_partially_mapped,
    PG_reserved,
    PG_swapcache,
    PG_table,
    PG_tail,
)
from thplab.mm.state import Column, Struct

P, RW, ACCESSED, DIRTY, PS, PROTNONE = 1 << 0, 1 << 1, 1 << 5, 1 << 6, 1 << 7, 1 << 8
FRAME = ((1 << 52) - 1) & ~0xFFF
MMF_VM_HUGEPAGE = 1 << 16


def shifts(kernel: Any) -> tuple[int, int, int, int]:
    """Address shifts of PGD, PUD, PMD, PTE: each table resolves log2(entries) bits above the offset."""
    bits = kernel.geometry.entries.bit_length() - 1
    return 12 + 3 * bits, 12 + 2 * bits, 12 + bits, 12


def zones_of(kernel: Any) -> list[Any]:
    """All zones, that of the kernel's own pages included."""
    outside = kernel.node.kernel_zone
    return [*kernel.node.zones, *([outside] if outside else [])]


def list_heads(kernel: Any) -> Iterator[tuple[Any, int, int]]:
    """(zone, order, list head) of each free list: five migrate types, one after the other, in each zone."""
    for zone in zones_of(kernel):
        orders = zone.max_order + 1
        for number in range(5 * orders):
            yield zone, number % orders, zone.free_lists + number


def free_list(kernel: Any) -> list[tuple[int, int]]:
    """(first page, order) of each free block, read off the lists from both ends."""
    blocks = []
    following, previous = kernel.mem_map.links
    for zone, order, head in list_heads(kernel):
        forwards, entry = [], following[head]
        while entry != head and len(forwards) <= kernel.mem_map.nr_frames:
            forwards.append(entry)
            entry = following[entry]
        backwards, entry = [], previous[head]
        while entry != head and len(backwards) <= kernel.mem_map.nr_frames:
            backwards.append(entry)
            entry = previous[entry]
        assert forwards == backwards[::-1], f"free list of {zone.name}, order {order} is torn"
        blocks += [(page, order) for page in forwards]
    return blocks


def entries(kernel: Any, head: int) -> list[int]:
    """What stands on a list, in order."""
    following, found = kernel.mem_map.lru_next, []
    entry = following[head]
    while entry != head and len(found) <= kernel.mem_map.nr_frames:
        found.append(entry)
        entry = following[entry]
    return found


def page_of(kernel: Any, entry: int) -> int:
    """Index of the frame that an entry names."""
    return ((entry & FRAME) >> 12) - kernel.mem_map.start_pfn


def walk_tables(mm: Any) -> Iterator[tuple[int, int, int, int, int]]:
    """(level, table page, index, address, entry) of each entry that is not 0; level 0 is the PGD."""
    levels = shifts(mm.kernel)

    def below(page: int, level: int, base: int) -> Iterator[tuple[int, int, int, int, int]]:
        for index, entry in enumerate(mm.kernel.tables[page]):
            if entry:
                address = base + (index << levels[level])
                yield level, page, index, address, entry
                if level < 3 and not entry & PS:
                    yield from below(page_of(mm.kernel, entry), level + 1, address)

    yield from below(mm.pgd, 0, 0)


def deposited(kernel: Any, pmd_table: int) -> list[int]:
    """Pages of the tables that are kept for the leaves of one PMD table."""
    chain, link = [], kernel.mem_map.mapping[pmd_table]
    while link:
        chain.append(link - 1)
        link = kernel.mem_map.mapping[link - 1]
    return chain


def tables_of(mm: Any) -> dict[int, int]:
    """Table page -> level; a deposited table counts as level 3 as well."""
    found = {mm.pgd: 0}
    for level, _, _, _, entry in walk_tables(mm):
        if level < 3 and not entry & PS:
            found[page_of(mm.kernel, entry)] = level + 1
    for page in [page for page, level in found.items() if level == 2]:
        found |= dict.fromkeys(deposited(mm.kernel, page), 3)
    return found


def slot_of(entry: int) -> int | None:
    """The swap slot that a non-present entry names; None for a marker (type 31)."""
    return None if entry >> 59 == 31 else ~(entry >> 9) & ((1 << 50) - 1)


def swapped_token(kernel: Any, entry: int) -> int:
    """The token of a page that is swapped out; 0 for a marker."""
    slot = slot_of(entry)
    if slot is None:
        return 0
    cached = kernel.swap.cache[slot]
    return int(kernel.mem_map.contents[cached - 1] if cached else kernel.swap.contents[slot])


def vma_of(mm: Any, address: int) -> Any:
    """The VMA at ``address``, or None."""
    return next((v for v in mm.vmas if v.vm_start <= address < v.vm_end), None)


def index_in(vma: Any, address: int) -> int:
    """page->index of what the VMA maps at ``address``."""
    return int(vma.vm_pgoff + (address - vma.vm_start) // 4096)


def file_entries(mapping: Any) -> Iterator[tuple[int, int]]:
    """(page of the file, entry) of each page that the page cache knows."""
    for number, chunk in mapping.i_pages.items():
        yield from ((number * len(chunk) + n, entry) for n, entry in enumerate(chunk) if entry)


def file_token(mm: Any, address: int) -> int:
    """What a file holds for an address where nothing is mapped; 0 if no file is."""
    vma = vma_of(mm, address)
    if vma is None or vma.vm_file is None:
        return 0
    index = index_in(vma, address)
    entry = dict(file_entries(vma.vm_file)).get(index, 0)
    if entry & 1:
        return int(mm.kernel.swap.contents[entry >> 1])
    folio = (entry >> 1) - 1
    return int(mm.kernel.mem_map.contents[folio + index - mm.kernel.mem_map.index[folio]]) if entry else 0


def peek(process: Any, address: int) -> int:
    """The token at ``address`` without touching anything: 0 where nothing is mapped."""
    kernel = process.mm.kernel
    table = kernel.tables[process.mm.pgd]
    for shift in shifts(kernel):
        entry = table[address >> shift & (kernel.geometry.entries - 1)]
        if not entry:
            return file_token(process.mm, address)
        if shift == 12 and not entry & (P | PROTNONE):
            return swapped_token(kernel, entry)
        page = page_of(kernel, entry)
        if shift == 12 or entry & PS:
            return int(kernel.mem_map.contents[page + ((address & ((1 << shift) - 1)) >> 12)])
        table = kernel.tables[page]
    raise AssertionError("the walk did not end")


class Census:
    """Who uses which frame, counted from the page tables, the free lists and the pins."""

    def __init__(self, kernel: Any, pins: Iterable[int] = (), held: Mapping[int, int] | None = None) -> None:
        """``pins``: pages as pin() returned them; ``held``: page -> order that a test allocated itself."""
        self.kernel = kernel
        self.bad: list[str] = []
        self.ptes: Counter[int] = Counter()  # page -> PTEs that map it
        self.leaves: Counter[int] = Counter()  # folio -> PMD leaves that map it
        self.rss: Counter[str] = Counter()
        self.slots: Counter[int] = Counter()  # swap slot -> entries that name it
        cache = kernel.swap.cache
        self.cached = Counter(cache[slot] - 1 for slot in range(kernel.swap.pages) if cache[slot])
        self.files: Counter[int] = Counter()  # folio -> entries of the page cache that name it
        head = kernel.mem_map.compound_head
        self.pins = Counter(head[page] for page in pins)
        self.held = dict(held or {})
        self.roles: list[tuple[range | list[int], str]] = []
        self.nr_roles = bytearray(kernel.mem_map.nr_frames)
        self.tables = {mm.name: tables_of(mm) for mm in kernel.mms}
        for mm in kernel.mms:
            self._count_mappings(mm)
        for mapping in kernel.mappings:
            self._count_page_cache(mapping)
        self._assign_roles()

    def _count_page_cache(self, mapping: Any) -> None:
        mem_map = self.kernel.mem_map
        for index, entry in file_entries(mapping):
            if entry & 1:
                self.slots[entry >> 1] += 1
                continue
            folio = (entry >> 1) - 1
            self.files[folio] += 1
            page = folio + index - mem_map.index[folio]
            if mem_map.compound_head[page] != folio or mem_map.mapping[page] != mapping.number:
                self.bad.append(f"{mapping.name} page {index}: the cache's folio {folio} is another file's")

    def _count_mappings(self, mm: Any) -> None:
        kernel, nr = self.kernel, self.kernel.geometry.entries
        for level, _, _, address, entry in walk_tables(mm):
            if level == 2 and entry & PS:
                folio = page_of(kernel, entry)
                if folio == kernel.huge_zero_folio:
                    continue
                self.leaves[folio] += 1
                self.rss[mm.name] += nr
                self._belongs(mm, address, folio, nr)
            elif level == 3 and not entry & (P | PROTNONE):
                slot = slot_of(entry)
                self.slots.update([] if slot is None else [slot])
            elif level == 3:
                page = page_of(kernel, entry)
                if page == kernel.zero_page:
                    if entry & RW:
                        self.bad.append(f"{mm.name} {address:#x}: the zero page is writable")
                    continue
                self.ptes[page] += 1
                self.rss[mm.name] += 1
                self._belongs(mm, address, page, 1)

    def _belongs(self, mm: Any, address: int, page: int, nr: int) -> None:
        """The page lies in a VMA of this mm and knows its anon_vma and its place."""
        vma = vma_of(mm, address)
        if vma is None or vma.vm_end < address + nr * 4096:
            self.bad.append(f"{mm.name} {address:#x}: mapped outside every VMA")
            return
        mem_map = self.kernel.mem_map
        if mem_map.flags[page] & PG_ksm:
            return  # a merged page belongs to nobody
        owners = {anon_vma.number for anon_vma in vma.anon_vma_chain}
        if not mem_map.flags[mem_map.compound_head[page]] & PG_anon:
            owners = {vma.vm_file.number} if vma.vm_file else set()
        for offset in range(nr):
            if mem_map.mapping[page + offset] not in owners:
                self.bad.append(f"page {page + offset}: mapping is no anon_vma and no file of its VMA")
            if mem_map.index[page + offset] != index_in(vma, address) + offset:
                self.bad.append(f"page {page + offset}: index is not its address")

    def _assign_roles(self) -> None:
        kernel = self.kernel
        for page, order in free_list(kernel):
            self._role(range(page, page + (1 << order)), "free")
        for tables in self.tables.values():
            for page in tables:
                self._role([page], "table")
        flags = kernel.mem_map.flags
        self._role([page for page in range(len(flags)) if flags[page] & PG_reserved], "reserved")
        for zone in zones_of(kernel):
            for head in range(zone.pcp.lists, zone.pcp.lists + 14):
                for page in entries(kernel, head):
                    self._role(range(page, page + (1 << kernel.mem_map.order[page])), "per-CPU list")
        for number in (2, 3):
            self._role(entries(kernel, kernel.node.lru + number), "page cache")
        for folio in self.folios():
            self._role(range(folio, folio + self.nr(folio)), "memory")
        for page, order in self.held.items():
            self._role(range(page, page + (1 << order)), "held by the test")

    def _role(self, pages: range | list[int], role: str) -> None:
        """Note what pages are used for; most frames are free, so ranges are noted in one go."""
        if isinstance(pages, range) and not any(self.nr_roles[pages.start : pages.stop]):
            self.nr_roles[pages.start : pages.stop] = bytes([1]) * len(pages)
        else:
            for page in pages:
                self.nr_roles[page] += 1
        self.roles.append((pages, role))

    def roles_of(self, page: int) -> list[str]:
        """All uses of a page."""
        return [role for pages, role in self.roles if page in pages]

    def folios(self) -> set[int]:
        """First pages of all folios that somebody maps or pins, and the huge zero page."""
        head = self.kernel.mem_map.compound_head
        found = {head[page] for page in self.ptes} | set(self.leaves) | set(self.pins) | set(self.cached)
        found |= set(self.files)
        if self.kernel.huge_zero_folio is not None:
            found.add(self.kernel.huge_zero_folio)
        return found - {self.kernel.zero_page}

    def nr(self, folio: int) -> int:
        """Pages of a folio."""
        mem_map = self.kernel.mem_map
        return 1 << mem_map.order[folio] if mem_map.flags[folio] & PG_head else 1


def check(machine: Machine, pins: Iterable[int] = (), held: Mapping[int, int] | None = None) -> None:
    """Raise AssertionError naming each rule that the machine breaks."""
    census = Census(machine.kernel, pins, held)
    for rule in _RULES:
        census.bad += rule(machine.kernel, census)
    assert not census.bad, "\n".join(census.bad[:20])


def _frames(kernel: Any, census: Census) -> list[str]:
    """Each frame has exactly one role; free + in use = all."""
    bad = []
    for page, number in enumerate(census.nr_roles):
        if number != 1:
            roles = " and ".join(census.roles_of(page))
            bad.append(f"page {page} is {roles or 'lost: neither free nor used'}")
    tables = {page for tables in census.tables.values() for page in tables}
    marked = {page for page, flags in enumerate(kernel.mem_map.flags) if flags & PG_table}
    bad += [f"page {page}: PG_table is wrong" for page in sorted(tables ^ marked)]
    return bad


def _free_blocks(kernel: Any, census: Census) -> list[str]:
    """Aligned by pfn, marked, disjoint (see _frames), counted, and no two free buddies left apart."""
    mem_map = kernel.mem_map
    blocks, bad = set(free_list(kernel)), []
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
    marked = {page for page in range(mem_map.nr_frames) if mem_map.flags[page] & PG_buddy}
    if marked != {page for page, _ in blocks}:
        bad.append(f"PG_buddy on pages that begin no free block: {marked ^ {p for p, _ in blocks}}")
    return bad


def _folios(kernel: Any, census: Census) -> list[str]:
    """Counts are what page tables and pins say; an exclusive frame is mapped once."""
    mem_map, bad = kernel.mem_map, []
    for folio in census.folios():
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


def _exclusive(kernel: Any, census: Census) -> list[str]:
    """A page that is exclusive to one mm is mapped once; a large folio knows how many PTEs map it."""
    mem_map, bad = kernel.mem_map, []
    for folio in census.folios():
        pages = range(folio, folio + census.nr(folio))
        for page in pages:
            if mem_map.flags[page] & PG_anon_exclusive and census.ptes[page] + census.leaves[folio] > 1:
                bad.append(f"page {page} is exclusive but mapped more than once")
        at_pte = sum(1 for page in pages if census.ptes[page])
        if len(pages) > 1 and mem_map.nr_pages_mapped[folio] != at_pte:
            bad.append(f"folio {folio}: nr_pages_mapped {mem_map.nr_pages_mapped[folio]}, by PTEs {at_pte}")
    return bad


def _lru_lists(kernel: Any, census: Census) -> list[str]:
    """On the LRU lists stand exactly the folios with PG_lru, each once; compaction holds nothing."""
    mem_map, node = kernel.mem_map, kernel.node
    listed = [folio for number in range(4) for folio in entries(kernel, node.lru + number)]
    marked = [page for page in range(mem_map.nr_frames) if mem_map.flags[page] & PG_lru]
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


def _swap(kernel: Any, census: Census) -> list[str]:
    """A slot is counted as often as entries name it; what the cache holds is marked, page by page."""
    mem_map, swap = kernel.mem_map, kernel.swap
    bad = [
        f"slot {slot}: swap_map {swap.swap_map[slot]}, entries {census.slots[slot]}"
        for slot in {*census.slots, *(n for n, count in enumerate(swap.swap_map) if count)}
        if swap.swap_map[slot] != census.slots[slot]
    ]
    for folio in census.folios():
        marked = bool(mem_map.flags[folio] & PG_swapcache)
        if marked != (census.cached[folio] > 0) or (marked and census.cached[folio] != census.nr(folio)):
            bad.append(f"folio {folio}: PG_swapcache {marked}, slots in the cache {census.cached[folio]}")
    return bad


def _memcgs(kernel: Any, census: Census) -> list[str]:
    """Each group is charged for as many pages as its folios have."""
    charged: Counter[int] = Counter()
    for folio in census.folios():
        charged[kernel.mem_map.memcg_data[folio]] += census.nr(folio)
    return [
        f"group {memcg.name}: usage {memcg.usage}, charged folios have {charged[memcg.number]} pages"
        for memcg in kernel.memcgs
        if memcg.usage != charged[memcg.number]
    ]


def _split_queue(kernel: Any, census: Census) -> list[str]:
    """Queued are large anonymous folios in use, each once; a partially mapped one is always queued."""
    mem_map = kernel.mem_map
    queued = [mem_map.compound_head[entry] for entry in entries(kernel, kernel.node.split_queue)]
    bad = []
    if len(queued) != kernel.node.split_queue_len or len(set(queued)) != len(queued):
        bad.append(f"split queue {queued}, its length says {kernel.node.split_queue_len}")
    if entries(kernel, kernel.node.split_list):
        bad.append("folios were left on the shrinker's own list")
    for folio in census.folios() | set(queued):
        flags = mem_map.flags[folio]
        fit = flags & PG_head and flags & PG_anon and mem_map.order[folio] > 1 and mem_map.refcount[folio]
        if folio in queued and not fit:
            bad.append(f"folio {folio} on the split queue is not a large anonymous one in use")
        if flags & PG_partially_mapped and folio not in queued:
            bad.append(f"folio {folio} is partially mapped and not on the split queue")
    return bad


_RULES = (
    _frames, _free_blocks, _folios, _exclusive, _counters, _locks, _address_spaces, _swap,
    _memcgs, _khugepaged_list, _files, _split_queue,
)  # fmt: skip


def tables_and_pages(kernel: Any) -> dict[str, Any]:
    """All that a refused collapse must leave as it was, bit for bit: tables, folios, VMAs, sizes."""
    census = Census(kernel)
    mem_map = kernel.mem_map
    columns = ("flags", "refcount", "mapcount", "entire_mapcount", "large_mapcount", "contents", "mapping")
    return {
        "tables": {
            page: (level, tuple(kernel.tables[page]))
            for tables in census.tables.values()
            for page, level in tables.items()
        },
        "folios": {
            folio: tuple(tuple(getattr(mem_map, c)[folio : folio + census.nr(folio)]) for c in columns)
            for folio in census.folios()
        },
        "vmas": [(mm.name, v.vm_start, v.vm_end, v.vm_flags) for mm in kernel.mms for v in mm.vmas],
        "sizes": [(mm.name, mm.rss, mm.pgtables, mm.flags) for mm in kernel.mms],
        "free": sum(1 << order for _, order in free_list(kernel)),
    }


def whole_state(kernel: Any, *, without: tuple[str, ...] = ()) -> list[Any]:
    """Every field of every struct and every item of every column, in a fixed order, for ``==``."""
    seen: dict[int, int] = {}
    keep: list[Any] = []
    result: list[Any] = []

    def visit(value: Any, name: str) -> Any:
        if isinstance(value, Column):
            return name, value.tobytes()
        if isinstance(value, Struct):
            if id(value) in seen:
                return name, "seen", seen[id(value)]
            seen[id(value)] = len(seen)
            keep.append(value)
            hidden = getattr(value, "NOT_STATE", frozenset())
            for field in sorted(set(type(value).__slots__) - hidden - set(without)):
                result.append(visit(getattr(value, field), f"{name}.{field}"))
            return name, type(value).__name__
        if isinstance(value, tuple):
            return name, tuple(visit(item, f"{name}[{i}]") for i, item in enumerate(value))
        if isinstance(value, dict):
            if name.endswith("i_pages"):
                live = [number for number in sorted(value) if any(value[number])]
            else:
                live = [page for page in sorted(value) if kernel.mem_map.flags[page] & PG_table]
            return name, tuple(visit(value[page], f"{name}[{page}]") for page in live)
        return name, value

    visit(kernel, "kernel")
    return result
