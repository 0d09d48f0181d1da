"""The page-table walk of an address: the twin of walk.js."""

from __future__ import annotations

from dataclasses import dataclass

from thplab.mm.include import pgtable as bits
from thplab.recording import Recording, State
from thplab.recording.cells import ColumnInfo, ObjectInfo

BITS = ("P", "RW", "US", "", "", "A", "D", "PS", "PROTNONE", "SP", "WP", "SD")


@dataclass(frozen=True, slots=True)
class WalkStep:
    """One level of a walk: ``entry`` number ``index`` of the table in frame ``page``; its ``cell``."""

    level: str
    index: int
    entry: int
    page: int
    cell: int


def table_in(state: State, page: int) -> ColumnInfo | None:
    """The page table in a frame (from 0), if one was ever there."""
    found = state.root.maps["tables"].get(page)
    return None if found is None else state._columns[found[1]]


def walk(recording: Recording, state: State, mm: ObjectInfo, address: int) -> tuple[WalkStep, ...]:
    """PGD, PUD, PMD, PTE of an address, ending at a leaf or at an entry that is not present."""
    geometry, page, steps = recording.header["geometry"], state.get(mm, "pgd"), []
    for level in ("PGD", "PUD", "PMD", "PTE"):
        shift = geometry["page_shift" if level == "PTE" else f"{level.lower()}_shift".replace("pgd", "pgdir")]
        table = table_in(state, page)
        if table is None:
            break
        index = address >> shift & (geometry["entries"] - 1)
        entry = state.cell(table.base + index)
        steps.append(WalkStep(level, index, entry, page, table.base + index))
        if level == "PTE" or not entry & bits._PAGE_PRESENT or entry & bits._PAGE_PSE:
            break
        page = bits.entry_pfn(entry) - state.path("mem_map.start_pfn")
    return tuple(steps)


def step_text(step: WalkStep) -> str:
    """One level in words: the entry, its bits, and where it leads."""
    return f"{' '.join(_walk_words(step))}: {_meaning(step)}"


def _walk_words(step: WalkStep) -> list[str]:
    words = [f"{step.level}[{step.index}]", f"{step.entry:#x}"]
    # Without a page behind it the entry is the kernel's own number, whose bits mean nothing to the hardware.
    if bits.pte_present(step.entry):
        words += [name for bit, name in enumerate(BITS) if name and step.entry >> bit & 1]
        words += ["NX"] if step.entry >> 63 else []
    return words


def _meaning(step: WalkStep) -> str:
    if not step.entry:
        return "none"
    if not step.entry & (bits._PAGE_PRESENT | bits._PAGE_PROTNONE):
        return "not present: swapped out or a marker"
    pfn = f"pfn {bits.entry_pfn(step.entry):#x}"
    if step.level == "PTE":
        return f"page at {pfn}"
    return f"leaf: huge page at {pfn}" if step.entry & bits._PAGE_PSE else f"table at {pfn}"
