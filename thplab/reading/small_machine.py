"""A small machine at one moment of a recording: whose its frames are, what a program has of its window."""

from __future__ import annotations

from dataclasses import dataclass

from thplab.mm.include import pgtable as bits
from thplab.reading.walk import table_in, walk
from thplab.recording import Recording, State
from thplab.recording.cells import ObjectInfo

_SHADES = 8
FREE, OTHERS, MOVED, ZERO, NEW = ".", "x", "m", "z", "n"


@dataclass(frozen=True, slots=True)
class SmallMachine:
    """One moment.

    ``frames``: for each frame a sign: free, another process's, one that another process's page was moved
    to, filled with zeros for the program, taken but not filled yet, or the shade (0 to 7) of the page of
    the window whose contents it has. ``maps``: for each entry of the window the frame that it maps, -1:
    none. ``huge``: one entry maps all; ``fenced``: the entry above the table is empty while the table is
    in use. ``whole``: blocks that are free; ``arcs``: from which block to which one contents went.
    """

    task: str
    frames: str
    maps: tuple[int, ...]
    huge: bool
    fenced: bool
    free: int
    whole: tuple[int, ...]
    arcs: tuple[tuple[int, int], ...]


def small_machine(recording: Recording, n: int, program: str) -> SmallMachine:
    """The machine at moment ``n``; moved and gone pages are those since the recording's first moment."""
    state, first = recording.state(n), recording.state(0)
    entries = recording.header["geometry"]["entries"]
    address = int(recording.header["focus"]["address"])
    mm = next(each for each in state.objects("Mm") if state.get(each, "name") == program)
    was, now = _Window(recording, first, mm, address), _Window(recording, state, mm, address)
    fenced = was.table >= 0 and not now.pmd
    maps = _maps(state, was.table, entries) if fenced else now.maps
    before, others = _others(first, mm), _others(state, mm)
    zone = state.path("node.zones")[0]
    count = int(state.get(zone, "spanned_pages"))
    signs = [OTHERS if page in others else FREE for page in range(count)]
    for page in others - before:
        if page < count:
            signs[page] = MOVED
    _paint(signs, state, first, maps)
    frames = "".join(signs)
    blocks = range(0, count, entries)
    whole = tuple(at // entries for at in blocks if frames[at : at + entries] == FREE * entries)
    target = _target(now, frames, entries)
    arcs = {(page // entries, target) for page in was.maps if page >= 0 and 0 <= target != page // entries}
    arcs |= {
        (a // entries, b // entries)
        for a, b in zip(sorted(before - others), sorted(others - before), strict=False)
    }
    task = recording.header["tasks"][recording.sections["m_task"][n]]
    return SmallMachine(
        task=task["comm"] if task["pid"] else "",
        frames=frames,
        maps=maps,
        huge=now.huge,
        fenced=fenced,
        free=int(state.get(zone, "free_pages")),
        whole=whole,
        arcs=tuple(sorted(arcs)),
    )


class _Window:
    """The entries of the program's window."""

    def __init__(self, recording: Recording, state: State, mm: ObjectInfo, address: int) -> None:
        walked = walk(recording, state, mm, address)
        start, entries = state.path("mem_map.start_pfn"), recording.header["geometry"]["entries"]
        self.pmd = walked[2].entry if len(walked) > 2 else 0
        self.huge = bool(self.pmd & bits._PAGE_PSE)
        self.table = walked[3].page if len(walked) > 3 else -1
        if self.huge:
            first = bits.entry_pfn(self.pmd) - start
            self.maps: tuple[int, ...] = tuple(range(first, first + entries))
        else:
            self.maps = _maps(state, self.table, entries)


def _maps(state: State, page: int, entries: int) -> tuple[int, ...]:
    """The frame that each entry of a table maps."""
    table = table_in(state, page) if page >= 0 else None
    if table is None:
        return (-1,) * entries
    start = state.path("mem_map.start_pfn")
    return tuple(
        bits.entry_pfn(entry) - start if entry & bits._PAGE_PRESENT else -1 for entry in state.items(table)
    )


def _others(state: State, mm: ObjectInfo) -> set[int]:
    """The frames that other processes map."""
    found: set[int] = set()
    for each in state.objects("Mm"):
        if each.id != mm.id:
            found |= set(_mapped_below(state, state.get(each, "pgd"), 3))
    return found


def _mapped_below(state: State, page: int, level: int) -> list[int]:
    table = table_in(state, page)
    start, found = state.path("mem_map.start_pfn"), list[int]()
    for entry in state.items(table) if table else ():
        if entry & bits._PAGE_PRESENT:
            below = bits.entry_pfn(entry) - start
            found += _mapped_below(state, below, level - 1) if level else [below]
    return found


def _paint(signs: list[str], state: State, first: State, maps: tuple[int, ...]) -> None:
    """The frames of the program, and those that are about to be its own: by what is in them."""
    contents, counts = (state.items(state.path(f"mem_map.{name}")) for name in ("contents", "refcount"))
    heads, were = (
        state.items(state.path("mem_map.compound_head")),
        first.items(first.path("mem_map.contents")),
    )
    entries = len(maps)
    entry_of = {page: entry for entry, page in enumerate(maps)}
    for page, sign in enumerate(signs):
        own = page in entry_of
        if not own and (sign != FREE or not counts[heads[page]]):
            continue
        entry = entry_of.get(page, page % entries)
        filled = own or contents[page] != were[page]
        signs[page] = NEW if not filled else str(entry * _SHADES // entries) if contents[page] else ZERO


def _target(now: _Window, frames: str, entries: int) -> int:
    """The block that becomes the huge page, -1: none. It has no free frame, and none of another process."""
    if now.huge:
        return now.maps[0] // entries
    blocks = (frames[at : at + entries] for at in range(0, len(frames), entries))
    return next((i for i, each in enumerate(blocks) if not {FREE, OTHERS, MOVED} & set(each)), -1)
