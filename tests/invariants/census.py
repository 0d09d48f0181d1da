"""Who uses which frame, counted from the page tables, the lists, the caches and the pins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from tests.invariants.walk import (
    PROTNONE,
    PS,
    RW,
    P,
    deposited,
    entries,
    file_entries,
    free_list,
    index_in,
    page_of,
    slot_of,
    vma_of,
    walk_tables,
    zones_of,
)
from thplab.mm.include.page import PG_anon, PG_buddy, PG_head, PG_ksm, PG_lru, PG_reserved, PG_table

_MARKS = PG_buddy | PG_lru | PG_reserved | PG_table


class Census:
    """A machine, counted; ``bad``: what was found to be wrong on the way."""

    def __init__(self, kernel: Any, pins: Iterable[int] = (), held: Mapping[int, int] | None = None) -> None:
        """``pins``: pages as pin() returned them; ``held``: page -> order that a test allocated itself."""
        self.kernel = kernel
        self.bad: list[str] = []
        self.ptes: Counter[int] = Counter()  # page -> PTEs that map it
        self.leaves: Counter[int] = Counter()  # folio -> PMD leaves that map it
        self.rss: Counter[str] = Counter()
        self.slots: Counter[int] = Counter()  # swap slot -> entries that name it
        cache = kernel.swap.cache
        self.cached = Counter(folio - 1 for folio in cache if folio)
        self.files: Counter[int] = Counter()  # folio -> entries of the page cache that name it
        head = kernel.mem_map.compound_head
        self.pins = Counter(head[page] for page in pins)
        self.held = dict(held or {})
        self.blocks = free_list(kernel)
        self.roles: list[tuple[range | list[int], str]] = []
        self.nr_roles = bytearray(kernel.mem_map.nr_frames)
        self.tables = {mm.name: self._count_mappings(mm) for mm in kernel.mms}
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

    def _count_mappings(self, mm: Any) -> dict[int, int]:
        """Table page -> level; a deposited table counts as level 3 as well."""
        kernel, nr, tables = self.kernel, self.kernel.geometry.entries, {mm.pgd: 0}
        for level, _, address, entry in walk_tables(mm):
            if level < 3 and not entry & PS:
                tables[page_of(kernel, entry)] = level + 1
            elif level < 3:
                folio = page_of(kernel, entry)
                if folio != kernel.huge_zero_folio:
                    self.leaves[folio] += 1
                    self.rss[mm.name] += nr
                    self._belongs(mm, address, folio, nr)
            elif entry & (P | PROTNONE):
                self._count_pte(mm, address, entry)
            else:
                slot = slot_of(entry)
                self.slots.update([] if slot is None else [slot])
        for page in [page for page, level in tables.items() if level == 2]:
            tables |= dict.fromkeys(deposited(kernel, page), 3)
        return tables

    def _count_pte(self, mm: Any, address: int, entry: int) -> None:
        page = page_of(self.kernel, entry)
        if page != self.kernel.zero_page:
            self.ptes[page] += 1
            self.rss[mm.name] += 1
            self._belongs(mm, address, page, 1)
        elif entry & RW:
            self.bad.append(f"{mm.name} {address:#x}: the zero page is writable")

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
        first = index_in(vma, address)
        for offset in range(nr):
            if mem_map.mapping[page + offset] not in owners:
                self.bad.append(f"page {page + offset}: mapping is no anon_vma and no file of its VMA")
            if mem_map.index[page + offset] != first + offset:
                self.bad.append(f"page {page + offset}: index is not its address")

    def _assign_roles(self) -> None:
        kernel = self.kernel
        for page, order in self.blocks:
            self._role(range(page, page + (1 << order)), "free")
        for tables in self.tables.values():
            self._role(list(tables), "table")
        self._role(self.marked(PG_reserved), "reserved")
        for zone in zones_of(kernel):
            for head in range(zone.pcp.lists, zone.pcp.lists + 14):
                for page in entries(kernel, head):
                    self._role(range(page, page + (1 << kernel.mem_map.order[page])), "per-CPU list")
        for number in (2, 3):
            self._role(entries(kernel, kernel.node.lru + number), "page cache")
        for folio in self.folios:
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

    def marked(self, flag: int) -> list[int]:
        """Pages that carry one of the flags of _MARKS, in order."""
        return [page for page, flags in self._marked if flags & flag]

    @cached_property
    def _marked(self) -> list[tuple[int, int]]:
        return [(page, flags) for page, flags in enumerate(self.kernel.mem_map.flags) if flags & _MARKS]

    @cached_property
    def folios(self) -> set[int]:
        """First pages of all folios that somebody maps or pins, and the huge zero page."""
        head = self.kernel.mem_map.compound_head
        found = {head[page] for page in self.ptes}.union(self.leaves, self.pins, self.cached, self.files)
        if self.kernel.huge_zero_folio is not None:
            found.add(self.kernel.huge_zero_folio)
        return found - {self.kernel.zero_page}

    def nr(self, folio: int) -> int:
        """Pages of a folio."""
        mem_map = self.kernel.mem_map
        return 1 << mem_map.order[folio] if mem_map.flags[folio] & PG_head else 1
