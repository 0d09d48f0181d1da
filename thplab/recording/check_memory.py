"""Is the memory of a recording one? Frames, free lists, page tables and mappings lead nowhere else.

Pictures follow these numbers at any moment, so all that they ever are is checked.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import compress
from typing import Any

from thplab.mm.include.geometry import Geometry
from thplab.mm.include.mmzone import MIGRATE_NAMES
from thplab.mm.include.pgtable import _PAGE_PRESENT, _PAGE_PROTNONE, _PAGE_SPECIAL, entry_pfn
from thplab.recording.check_state import fields
from thplab.recording.need import need

_Header = Mapping[str, Any]
_Sections = Mapping[str, "array[Any]"]

_CONSTANT = {
    "MemMap": ("start_pfn", "nr_frames", "pageblock_order", "first_block_offset"),
    "Zone": ("name", "zone_start_pfn", "spanned_pages", "max_order", "free_lists"),
}  # fmt: skip
#: Columns with an item for each frame that is in use.
_OF_FRAMES = ("compound_head", "contents", "flags", "large_mapcount", "mapcount", "order", "refcount")
#: In a picture of an address space each window is looked at.
_MOST_WINDOWS = 1 << 18
_LARGEST_ORDER = 24
#: Links are followed by each picture; in a free list each has one that leads to it.
_MOST_LINKS = 1 << 24


class Memory:
    """What never changes: the fields of Structs and the columns that they are in."""

    def __init__(self, header: _Header, s: _Sections) -> None:
        """RecordingError if something that is the same all the time changes."""
        self.header, self.s = header, s
        self.constant: set[int] = set()
        self.mem_map = self.fields_of(self.object_in(0, "mem_map"), "MemMap")
        self.start, self.frames, self.block_order, self.offset = (
            self.integer(self.mem_map, name) for name in _CONSTANT["MemMap"]
        )

    def fields_of(self, number: int, of_type: str) -> dict[str, int]:
        """Its fields and their cells; those that never change, and columns, are watched from now on."""
        cells = dict(fields(self.header, number))
        self.constant |= {cells[name] for name in _CONSTANT.get(of_type, ())}
        return cells

    def value(self, cell: int) -> Any:
        """At the start; None for an integer."""
        return self.header["values"][self.s["cell_lo"][cell]] if self.s["cell_kind"][cell] == 1 else None

    def integer(self, cells: Mapping[str, int], name: str) -> int:
        """A field that is a number from 0 on, at the start."""
        cell = cells[name]
        need(self.s["cell_kind"][cell] == 0, f"{name} is no number")
        return self.item(cell)

    def item(self, cell: int) -> int:
        """The number in a cell at the start."""
        return int(self.s["cell_lo"][cell] | self.s["cell_hi"][cell] << 32)

    def object_in(self, number: int, name: str) -> int:
        """The object to which a field leads, all the time."""
        cell = dict(fields(self.header, number))[name]
        self.constant.add(cell)
        value = self.value(cell)
        need(isinstance(value, dict) and "ref" in value, f"{name} leads to nothing")
        return int(value["ref"])

    def column(self, cells: Mapping[str, int], name: str) -> Mapping[str, Any]:
        """The column in a field, all the time."""
        self.constant.add(cells[name])
        value = self.value(cells[name])
        need(isinstance(value, dict) and "column" in value, f"{name} is no column")
        found: Mapping[str, Any] = self.header["columns"][value["column"]]
        return found


def check_memory(header: _Header, s: _Sections) -> None:
    """RecordingError if a number leads out of the memory that there is, or round in a circle."""
    geometry = header["geometry"]
    need(geometry["entries"] in (8, 16, 32, 64, 128, 256, 512), "a table of so many entries")
    sizes = Geometry(geometry["entries"])
    shifts = (sizes.PAGE_SHIFT, sizes.PMD_SHIFT, sizes.PUD_SHIFT, sizes.PGDIR_SHIFT)
    names = ("page_shift", "pmd_shift", "pud_shift", "pgdir_shift")
    need(tuple(geometry[name] for name in names) == shifts, "geometry")
    memory = Memory(header, s)
    rules = _Rules(memory)
    _frames(memory, rules)
    heads = _zones(memory)
    _tables(memory, rules)
    counters = memory.column(dict(fields(header, 0)), "vmstat")
    need(counters["length"] == len(header["vmstat"]), "vmstat")
    rules.check()
    need(memory.constant.isdisjoint(s["c_cell"]), "what never changes has changed")
    _check_lists(memory, heads)
    _check_mappings(memory)


class _Rules:
    """What the items of some columns must be."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.number = array("B", bytes(len(memory.s["cell_kind"])))
        self.rules: list[Callable[[int], bool]] = [lambda value: True]

    def add(self, column: Mapping[str, Any], holds: Callable[[int], bool]) -> None:
        if holds not in self.rules:
            self.rules.append(holds)
        base, end = column["base"], column["base"] + column["length"]
        self.number[base:end] = array("B", [self.rules.index(holds)]) * column["length"]

    def check(self) -> None:
        s = self.memory.s
        for kinds, cells, lo, hi in (
            (self.number, range(len(self.number)), s["cell_lo"], s["cell_hi"]),
            (array("B", map(self.number.__getitem__, s["c_cell"])), s["c_cell"], s["c_lo"], s["c_hi"]),
        ):
            rows = compress(zip(kinds, cells, lo, hi, strict=True), kinds)
            wrong = next((c for k, c, low, high in rows if not self.rules[k](low | high << 32)), None)
            need(wrong is None, f"the number in cell {wrong}")


def _below(end: int, value: int) -> bool:
    return value < end


def _frames(memory: Memory, rules: _Rules) -> None:
    columns = {name: memory.column(memory.mem_map, name) for name in (*_OF_FRAMES, "lru_next")}
    types = memory.column(memory.mem_map, "pageblock_migratetype")
    ready = memory.integer(memory.mem_map, "nr_ready")
    need(memory.frames > 0 and memory.block_order <= _LARGEST_ORDER, "the number of frames")
    for name in _OF_FRAMES:
        least = memory.frames if name in ("flags", "order") else min(ready, memory.frames)
        need(columns[name]["length"] >= least, f"mem_map.{name} is too short")
    need(columns["lru_next"]["length"] >= memory.frames, "mem_map.lru_next is too short")
    blocks = (memory.offset + memory.frames - 1 >> memory.block_order) + 1
    need(memory.offset < 1 << memory.block_order and types["length"] == blocks, "the pageblocks")
    rules.add(columns["compound_head"], partial(_below, columns["compound_head"]["length"]))
    rules.add(columns["lru_next"], partial(_below, columns["lru_next"]["length"]))
    rules.add(types, partial(_below, len(MIGRATE_NAMES)))


def _zones(memory: Memory) -> list[int]:
    """The heads of the free lists."""
    heads: list[int] = []
    links = memory.column(memory.mem_map, "lru_next")["length"]
    for number, data in enumerate(memory.header["objects"]):
        if data["type"] != "Zone":
            continue
        cells = memory.fields_of(number, "Zone")
        first, orders = memory.integer(cells, "free_lists"), memory.integer(cells, "max_order") + 1
        begin, pages = memory.integer(cells, "zone_start_pfn"), memory.integer(cells, "spanned_pages")
        need(orders <= _LARGEST_ORDER and first + orders * len(MIGRATE_NAMES) <= links, "the lists of a zone")
        need(memory.start <= begin and begin + pages <= memory.start + memory.frames, "the pages of a zone")
        need(memory.column(cells, "nr_free")["length"] == orders, "nr_free of a zone")
        heads += range(first, first + orders * len(MIGRATE_NAMES))
    need(bool(heads), "there is no zone")
    return heads


def _tables(memory: Memory, rules: _Rules) -> None:
    """A table has as many entries as it must; one that is present leads to a frame."""
    leads = partial(_leads, memory.start, memory.column(memory.mem_map, "compound_head")["length"])
    for kind, number in memory.header["objects"][0]["maps"]["tables"].values():
        column = memory.header["columns"][number]
        need(kind == "column" and column["length"] == memory.header["geometry"]["entries"], "a page table")
        rules.add(column, leads)


def _leads(start: int, frames: int, entry: int) -> bool:
    there = entry & (_PAGE_PRESENT | _PAGE_PROTNONE) and not entry & _PAGE_SPECIAL
    return not there or 0 <= entry_pfn(entry) - start < frames


def _changes_of(memory: Memory, cells: set[int]) -> Iterator[tuple[int, list[int]]]:
    """The moments that change one of the cells, with the numbers of the changes."""
    ends, found, now = memory.s["m_changes_end"], list[int](), -1
    mine = compress(range(len(memory.s["c_cell"])), map(cells.__contains__, memory.s["c_cell"]))
    for change in mine:
        moment = bisect_right(ends, change)
        if moment != now and found:
            yield now, found
            found = []
        now = moment
        found.append(change)
    if found:
        yield now, found


def _check_lists(memory: Memory, heads: list[int]) -> None:
    """Along each free list one comes back to its head, at each moment."""
    column = memory.column(memory.mem_map, "lru_next")
    base, length = column["base"], column["length"]
    following = memory.s["cell_lo"][base : base + length]
    left = _MOST_LINKS
    leading = array("I", bytes(4 * length))
    for each in following:
        leading[each] += 1
    others = sum(each != 1 for each in leading)

    def come_back() -> None:
        nonlocal left
        for head in heads:
            at = following[head]
            while at != head:
                at, left = following[at], left - 1
                need(left > 0, "a free list has no end")

    come_back()
    for _, changes in _changes_of(memory, set(range(base, base + length))):
        for change in changes:
            link, target = memory.s["c_cell"][change] - base, memory.s["c_lo"][change]
            for place, more in ((following[link], -1), (target, 1)):
                others -= leading[place] != 1
                leading[place] += more
                others += leading[place] != 1
            following[link] = target
        if others:  # else each link leads on in a circle
            come_back()


def _check_mappings(memory: Memory) -> None:
    """A mapping has a begin and an end, and a picture has room for its windows."""
    size = memory.header["geometry"]["entries"] << memory.header["geometry"]["page_shift"]
    vmas = [n for n, data in enumerate(memory.header["objects"]) if data["type"] == "Vma"]
    places = {number: dict(fields(memory.header, number)) for number in vmas}
    of_cell = {cells[name]: n for n, cells in places.items() for name in ("vm_start", "vm_end")}
    now = {cell: memory.item(cell) for cell in of_cell}

    def fits(number: int) -> None:
        begin, end = (now[places[number][name]] for name in ("vm_start", "vm_end"))
        need(begin <= end and (end - begin) // size <= _MOST_WINDOWS, f"the ends of mapping {number}")

    for number in vmas:
        fits(number)
    for _, changes in _changes_of(memory, set(of_cell)):
        for change in changes:
            cell = memory.s["c_cell"][change]
            now[cell] = memory.s["c_lo"][change] | memory.s["c_hi"][change] << 32
        for number in {of_cell[memory.s["c_cell"][change]] for change in changes}:
            fits(number)
