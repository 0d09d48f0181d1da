"""What a recording says about a moment besides its sentences: state, arguments, trace, local variables."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from thplab.mm.include import lock as locks
from thplab.mm.include import page as pg
from thplab.mm.include import pgtable as bits
from thplab.reading.walk import table_in, walk
from thplab.recording import Recording, State
from thplab.recording.cells import ObjectInfo
from thplab.recording.recording import Sentence
from thplab.recording.tracer import NO_FRAME

KINDS_OF_LOCKS = (
    locks.KHUGEPAGED_MM_LOCK, locks.MMAP_LOCK, locks.VMA_LOCK, locks.ANON_VMA, locks.I_MMAP_RWSEM,
    locks.PAGE_TABLE_LOCK,
)  # fmt: skip
#: Windows that are counted from the first one on; farther ones have their address.
_MANY = 1 << 18
_ARGUMENT = re.compile(r"(\w+)=(<[^>]*>|[^\s,]+)")


def lock_words(name: str) -> str:
    """``mmap_lock app`` as sentences say it: ``mmap_lock of app``."""
    kind = next((kind for kind in KINDS_OF_LOCKS if name.startswith(kind)), name)
    rest = name[len(kind) :].strip()
    return f"{kind} of {rest}" if rest else kind


def table_number(printed: str) -> int:
    """The frame of ``<table 3>``, as a page table is printed."""
    return int(printed.strip("<>").removeprefix("table "))


class Now:
    """Goes through a recording from sentence to sentence, and holds the state of the moment."""

    def __init__(self, recording: Recording) -> None:
        """Before the first sentence."""
        self.recording, self.header, self.sections = recording, recording.header, recording.sections
        first = recording.state(0)
        self._cells = (first._kind, first._lo, first._hi)
        self.state: State = first
        self.moment = 0
        self._changes = self.sections["m_changes_end"][0]
        self._of_frame: defaultdict[int, dict[str, Any]] = defaultdict(dict)
        self._names = [str(name) for name in self.header["names"]]
        #: cell -> what it held before its last change
        self.before: dict[int, Any] = {}
        #: kind -> the last sentence of it
        self.last: dict[str, Sentence] = {}
        self.told: Sentence
        self.place = -1

    def sentences(self) -> Iterator[Sentence]:
        """All sentences; the state follows."""
        for place in range(len(self.sections["t_moment"])):
            told = self.recording.told_as(place)
            for moment in range(self.moment, told.moment + 1):
                self._to(moment)
            self.told, self.place = told, place
            yield told
            self.last[told.kind] = told

    def _to(self, moment: int) -> None:
        s, (kind, lo, hi) = self.sections, self._cells
        end = s["m_changes_end"][moment]
        for i in range(self._changes, end):
            cell = s["c_cell"][i]
            self.before[cell] = self.state.cell(cell) if kind[cell] != 255 else None
            kind[cell], lo[cell], hi[cell] = s["c_kind"][i], s["c_lo"][i], s["c_hi"][i]
        self._changes, self.moment = end, moment
        ends = s["m_locals_end"]
        for i in range(ends[moment - 1] if moment else 0, ends[moment]):
            value = self.state.decode(s["l_kind"][i], s["l_lo"][i], s["l_hi"][i])
            self._of_frame[s["m_frame"][moment]][self._names[s["l_name"][i]]] = value

    # Who, when, where ---------------------------------------------------------------------------------

    @property
    def task(self) -> str:
        """The running task."""
        return str(self.header["tasks"][self.sections["m_task"][self.moment]]["comm"])

    @property
    def function(self) -> str:
        """The function of the moment; empty if there is none."""
        return next((name for name, _ in self.frames()), "")

    def frames(self) -> Iterator[tuple[str, dict[str, str]]]:
        """The name and the printed arguments of the functions on the stack, innermost first."""
        frame = self.sections["m_frame"][self.moment]
        while frame != NO_FRAME:
            function = self.header["functions"][self.sections["f_function"][frame]]
            labels = self.header["labels"][self.sections["f_labels"][frame]]
            yield function["name"], dict(_ARGUMENT.findall(", ".join(args for _, args in labels)))
            frame = (self.sections["f_parent"][frame] or NO_FRAME + 1) - 1

    def argument(self, *names: str, of: str = "") -> str | None:
        """What the innermost function that has it (or that ``of``) was called with."""
        for function, arguments in self.frames():
            if not of or function == of:
                found = next((arguments[name] for name in names if name in arguments), None)
                if found is not None:
                    return found
        return None

    def number(self, *names: str, of: str = "") -> int:
        """The same, a number."""
        found = self.argument(*names, of=of)
        assert found is not None, f"no function was called with {' or '.join(names)}"
        return int(found, 0)

    def local(self, name: str) -> Any:
        """A local variable of the moment's function; None if it is not recorded."""
        return self._of_frame[self.sections["m_frame"][self.moment]].get(name)

    def within(self, function: str) -> bool:
        """Is the function on the stack?"""
        return any(name == function for name, _ in self.frames())

    def traced(self, event: str, *, ahead: bool = False) -> dict[str, str] | None:
        """The fields of the last trace line of an event (``ahead``: of the next one)."""
        trace, end = self.header["trace"], self.sections["m_trace_end"][self.moment]
        lines = trace[end:] if ahead else reversed(trace[:end])
        return next((line["fields"] for line in lines if line["event"] == event), None)

    # Processes, windows, pages ------------------------------------------------------------------------

    def named(self, kind: str) -> set[str]:
        """The names of all objects of a type."""
        return {str(self.state.get(each, "name")) for each in self.state.objects(kind)}

    def at_address(self, kind: str, pointer: str) -> ObjectInfo:
        """The object that a printed pointer points at."""
        found = [o for o in self.state.objects(kind) if self.state.get(o, "address") == int(pointer, 0)]
        assert found, f"no {kind} at {pointer}"
        return found[-1]

    def process(self) -> ObjectInfo | None:
        """The address space of the innermost function that is called with one, or with a mapping of it."""
        for _, arguments in self.frames():
            if arguments.get("mm", "").startswith("0x"):
                return self.at_address("Mm", arguments["mm"])
            if arguments.get("vma", "").startswith("0x"):
                mm: ObjectInfo = self.state.get(self.at_address("Vma", arguments["vma"]), "mm")
                return mm
        return None

    @property
    def geometry(self) -> dict[str, int]:
        """``entries``, ``page_shift`` and so on."""
        found: dict[str, int] = self.header["geometry"]
        return found

    @property
    def window_size(self) -> int:
        """Bytes."""
        return self.geometry["entries"] << self.geometry["page_shift"]

    @property
    def region(self) -> int:
        """The address from which windows and pages are counted."""
        return int(self.header["focus"]["address"]) if self.header["focus"] else 0

    def window_words(self, address: int) -> str:
        """The window of an address as sentences name it."""
        first = address - address % self.window_size
        number = (first - self.region) // self.window_size
        if self.region and 0 <= number < _MANY and not self.region % self.window_size:
            return f"window {number}"
        return f"the window at {first:#x}"

    def page_words(self, address: int) -> int | str:
        """A page as sentences name it: by its number from the first window on."""
        number = (address - self.region) >> self.geometry["page_shift"]
        return number if 0 <= number < _MANY << 9 else f"{address:#x}"

    @property
    def zones(self) -> tuple[ObjectInfo, ...]:
        """The zones of the machine."""
        found: tuple[ObjectInfo, ...] = self.state.path("node.zones")
        return found

    def zone(self, name: str) -> ObjectInfo:
        """The zone called so."""
        return next(zone for zone in self.zones if self.state.get(zone, "name") == name)

    def column(self, name: str) -> array[int]:
        """A column of the memory map, e.g. ``refcount``."""
        return self.state.items(self.state.path(f"mem_map.{name}"))

    def of_page(self, name: str, page: int) -> int:
        """An item of a column of the memory map."""
        return int(self.state.cell(self.state.path(f"mem_map.{name}").base + page))

    def page(self, pfn: int) -> int:
        """The number of a frame from the first one on."""
        return int(pfn - self.state.path("mem_map.start_pfn"))

    def pmd(self, address: int) -> int:
        """The PMD entry of a window; 0: none."""
        mm = self.process()
        assert mm is not None
        steps = walk(self.recording, self.state, mm, address)
        return steps[2].entry if len(steps) > 2 else 0

    def table(self) -> array[int]:
        """The entries of the window that is being scanned or collapsed, also behind the fence."""
        name, page = self.argument("pte_table"), 0
        if name is not None:
            page = table_number(name)
        elif (entry := self.pmd(self.number("start_addr", "address"))) and not entry & bits._PAGE_PSE:
            page = self.page(bits.entry_pfn(entry))
        else:
            return array("Q")
        column = table_in(self.state, page)
        assert column is not None
        return self.state.items(column)

    def is_hole(self, pte: int) -> bool:
        """Empty, or the shared zero page."""
        zero = self.state.path("zero_page") + self.state.path("mem_map.start_pfn")
        return not pte or bits.entry_pfn(pte) == zero

    def folio(self, pte: int) -> int:
        """The first page of the folio that an entry maps."""
        return self.of_page("compound_head", self.page(bits.entry_pfn(pte)))

    def is_young(self, pte: int) -> bool:
        """Was the page used lately, as the entry or the page says?"""
        marks = pg.PG_referenced | pg.PG_young
        return bool(pte & bits._PAGE_ACCESSED or self.of_page("flags", self.folio(pte)) & marks)

    def is_shared(self, pte: int) -> bool:
        """Does another process map a small page, too?"""
        return self.of_page("mapcount", self.page(bits.entry_pfn(pte))) > 1

    def is_large(self, pte: int) -> bool:
        """Is the page part of a large folio?"""
        return bool(self.of_page("flags", self.folio(pte)) & pg.PG_head)
