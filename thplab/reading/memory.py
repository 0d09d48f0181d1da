"""Memory, free lists and address spaces as text: the twins of memory.js, buddy.js and space.js."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from thplab.mm.include import mm_types as vm
from thplab.mm.include import page as pg
from thplab.mm.include import pgtable as bits
from thplab.mm.include.mmzone import MIGRATE_NAMES
from thplab.reading.glyphs import glyphs
from thplab.reading.moment import ReadMoment
from thplab.reading.walk import walk
from thplab.recording import State
from thplab.recording.cells import ObjectInfo
from thplab.words import counted

#: As the glyphs are called, but a frame is of a huge folio, whoever maps it.
_NAMES = {glyph["key"]: glyph["name"] for glyph in glyphs()} | {"huge": "of one huge folio"}
VMA_FLAGS = (
    ("r", vm.VM_READ), ("w", vm.VM_WRITE), ("x", vm.VM_EXEC), ("shared", vm.VM_SHARED),
    ("uffd-wp", vm.VM_UFFD_WP), ("locked", vm.VM_LOCKED), ("hugepage", vm.VM_HUGEPAGE),
    ("nohugepage", vm.VM_NOHUGEPAGE), ("mergeable", vm.VM_MERGEABLE),
)  # fmt: skip


def frame_keys(state: State) -> list[str]:
    """For each page frame a key of glyphs.json: what it is used for."""
    flags, heads, orders, references = (
        state.items(state.path(f"mem_map.{name}")) for name in ("flags", "compound_head", "order", "refcount")
    )
    whole = state.path("mem_map.pageblock_order")
    frames = state.path("mem_map.nr_frames")
    keys: list[str] = []
    while (page := len(keys)) < frames:
        if flags[page] & pg.PG_buddy:
            keys += ["free"] * min(1 << orders[page], frames - page)
            continue
        folio = heads[page]
        size = orders[folio] if flags[folio] & pg.PG_head else None
        keys.append(_use(flags[page], None if size is None else size >= whole, references[page]))
    return keys


def _use(flags: int, huge: bool | None, references: int) -> str:
    """``huge``: whether the frame's large folio is as large as a pageblock; None without one."""
    poisoned = pg.PAGE_FLAGS.get("hwpoison")
    tests = (
        (poisoned is not None and flags >> poisoned & 1, "poison"),
        (flags & pg.PG_table, "pagetable"),
        (huge, "huge"),
        (huge is not None, "part"),
        (flags & pg.PG_anon, "anon"),
        (flags & (pg.PG_lru | pg.PG_isolated | pg.PG_swapbacked), "file"),
        (references, "kernel"),
    )
    return next((key for holds, key in tests if holds), "percpu")


def memory_lines(at: ReadMoment) -> list[str]:
    """Pageblock by pageblock what its frames are used for; equal neighbours in one line."""
    state = at.state
    keys, size = frame_keys(state), 1 << state.path("mem_map.pageblock_order")
    offset = state.path("mem_map.first_block_offset")
    types = state.items(state.path("mem_map.pageblock_migratetype"))
    said = []
    for number, kind in enumerate(types):
        block = keys[max(number * size - offset, 0) : (number + 1) * size - offset]
        counts = ", ".join(f"{block.count(key)}x {name}" for key, name in _NAMES.items() if key in block)
        said.append(f"{MIGRATE_NAMES[kind]}: {counts}")
    lines, first = [], 0
    for text, run in groupby(said):
        last = first + len(list(run)) - 1
        one = f"pageblock {first}, {text}"
        lines.append(one if first == last else f"pageblocks {first} to {last}, each {text}")
        first = last + 1
    return lines


def buddy_lines(at: ReadMoment) -> list[str]:
    """Each zone's free blocks by migrate type and order, counted along the lists."""
    state, lines = at.state, []
    following = state.items(state.path("mem_map.lru_next"))
    for zone in state.objects("Zone"):
        orders, first = state.get(zone, "max_order") + 1, state.get(zone, "free_lists")
        lines.append(f"zone {zone.label}: {counted(state.get(zone, 'free_pages'), 'page')} free")
        for number, name in enumerate(MIGRATE_NAMES):
            counts = [_length(following, first + number * orders + order) for order in range(orders)]
            some = [f"{count}x order {order}" for order, count in enumerate(counts) if count]
            if some:
                lines.append(f"{name}: {', '.join(some)}")
    return lines


def _length(following: Any, head: int) -> int:
    count, at = 0, following[head]
    while at != head:
        count, at = count + 1, following[at]
    return count


def space_lines(at: ReadMoment) -> list[str]:
    """Each address space: its mappings with their windows, and where khugepaged goes on."""
    state, lines = at.state, []
    for mm in state.path("mms"):
        lines.append(f"{mm.label}: {counted(state.get(mm, 'rss'), 'page')} resident")
        lines += [_mapping(at, mm, vma) for vma in state.get(mm, "vmas")]
    return [*lines, _cursor(state)]


def _mapping(at: ReadMoment, mm: ObjectInfo, vma: ObjectInfo) -> str:
    start, end, flags = (at.state.get(vma, name) for name in ("vm_start", "vm_end", "vm_flags"))
    geometry = at.header["geometry"]
    size = geometry["entries"] << geometry["page_shift"]
    words = " ".join(name for name, bit in VMA_FLAGS if flags & bit)
    states = []
    for first in range(start - start % size, end, size):
        whole, kind = start <= first and first + size <= end, _window_state(at, mm, first)
        states.append("not a whole window" if not whole and kind == "empty" else kind)
    runs = "; ".join(f"{len(list(run))}x {state}" for state, run in groupby(states))
    return f"{start:#x} to {end:#x}, {words}: {runs}"


def _window_state(at: ReadMoment, mm: ObjectInfo, address: int) -> str:
    steps = walk(at.recording, at.state, mm, address)
    pmd = steps[2].entry if len(steps) > 2 else 0
    if not pmd:
        return "empty"
    return "one huge page" if pmd & bits._PAGE_PSE else "a table of entries"


def _cursor(state: State) -> str:
    slot = state.path("khugepaged.scan_mm_slot")
    if slot is None:
        return "khugepaged has no place to go on from"
    mm = state.get(slot, "mm")
    address = state.path("khugepaged.scan_address")
    return f"khugepaged goes on in {mm.label if mm else '?'} at {address:#x}"
