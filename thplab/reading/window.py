"""The window of a moment: the PMD's state, and a key for each entry.

The browser's entries.js follows the same rules; a test holds both against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thplab.mm.include import page as pg
from thplab.mm.include import pgtable as bits
from thplab.reading.walk import WalkStep, table_in, walk
from thplab.recording import Recording, State
from thplab.recording.cells import ObjectInfo

_PRESENT = bits._PAGE_PRESENT | bits._PAGE_PROTNONE
_COLUMNS = ("compound_head", "flags", "large_mapcount", "mapcount", "refcount")


@dataclass(frozen=True, slots=True)
class Window:
    """A window at a moment. ``state``: table, leaf, fenced, empty or missing; ``page``: its table or -1.

    ``keys``: for each entry a key of glyphs.json.
    """

    mm: ObjectInfo | None
    address: int
    walk: tuple[WalkStep, ...]
    state: str
    page: int
    keys: tuple[str, ...]

    @property
    def pmd(self) -> WalkStep | None:
        """The PMD entry, if there is a table with one."""
        return self.walk[2] if len(self.walk) > 2 else None


def read_window(recording: Recording, number: int, state: State, focus: int) -> Window:
    """A window at moment ``number``; ``focus``: as in ``m_window``, 1 + its number in the header."""
    where = recording.header["windows"][focus - 1]
    address, mm = int(where["address"]), next(iter(state.existing(filter(None, [where["mm"]]))), None)
    steps = walk(recording, state, mm, address) if mm else ()
    entries = recording.header["geometry"]["entries"]
    start_pfn = state.path("mem_map.start_pfn")
    kind, page = "missing", -1
    if len(steps) > 2:
        kind, pmd = "empty", steps[2].entry
        if pmd & bits._PAGE_PSE:
            kind = "leaf"
        elif pmd:
            kind, page = "table", bits.entry_pfn(pmd) - start_pfn
        else:
            page = _detached_table(recording, number, state, steps[2].cell)
            kind = "fenced" if page >= 0 else "empty"
    keys = ["huge" if kind == "leaf" else "none"] * entries
    table = table_in(state, page) if page >= 0 else None
    if table is not None:
        columns = {name: state.items(state.path(f"mem_map.{name}")) for name in _COLUMNS}
        keys = [_entry_key(entry, start_pfn, columns) for entry in state.items(table)]
    return Window(mm, address, steps, kind, page, tuple(keys))


def _detached_table(recording: Recording, number: int, state: State, cell: int) -> int:
    """While the PMD is none in mid-collapse the table it pointed at still stands: its page, or -1."""
    sections = recording.sections
    values = [sections["cell_lo"][cell] | sections["cell_hi"][cell] << 32]
    for i in range(sections["m_changes_end"][number]):
        if sections["c_cell"][i] == cell:
            values.append(sections["c_lo"][i] | sections["c_hi"][i] << 32)
    before = next((value for value in reversed(values[:-1]) if value), 0)
    if not before or before & bits._PAGE_PSE:
        return -1
    page = bits.entry_pfn(before) - state.path("mem_map.start_pfn")
    flags = state.items(state.path("mem_map.flags"))
    return page if 0 <= page < len(flags) and flags[page] & pg.PG_table else -1


def _entry_key(entry: int, start_pfn: int, columns: dict[str, Any]) -> str:
    if not entry:
        return "none"
    if not entry & _PRESENT:
        return "swap"
    if entry & bits._PAGE_SPECIAL:
        return "zero"
    return _page_key(entry, bits.entry_pfn(entry) - start_pfn, columns)


def _page_key(entry: int, page: int, columns: dict[str, Any]) -> str:
    """The first of these that holds, in this order."""
    folio = columns["compound_head"][page]
    flags = columns["flags"][folio]
    large = flags & pg.PG_head
    mapped = columns["large_mapcount"][folio] if large else columns["mapcount"][page]
    held = flags & (pg.PG_isolated | pg.PG_swapcache)
    poisoned = pg.PAGE_FLAGS.get("hwpoison")
    tests = (
        (poisoned is not None and columns["flags"][page] >> poisoned & 1, "poison"),
        (flags & pg.PG_locked, "locked"),
        (not held and columns["refcount"][folio] > mapped, "pinned"),
        (entry & bits._PAGE_UFFD_WP, "uffd"),
        (not flags & (pg.PG_lru | pg.PG_isolated), "offlru"),
        (large, "part"),
        (columns["mapcount"][page] > 1, "shared"),
        (not entry & bits._PAGE_ACCESSED, "old"),
        (not entry & bits._PAGE_RW, "readonly"),
    )
    return next((key for holds, key in tests if holds), "young")
