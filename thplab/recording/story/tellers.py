"""Who tells what: functions for a point that is called or left, a field that changes, a trace event.

The model says nothing by itself. A teller gets the declared local variables of the point, and ``At``: who
runs, for which machine, and who called. It returns what is told, or None.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from thplab import mm
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import (
    ANON_VMA,
    I_MMAP_RWSEM,
    KHUGEPAGED_MM_LOCK,
    MMAP_LOCK,
    PAGE_TABLE_LOCK,
    VMA_LOCK,
    Lock,
)  # fmt: skip
from thplab.mm.include.mm_types import Mm
from thplab.mm.include.page import folio_nr_pages
from thplab.mm.include.pgtable import mm_find_pmd, pmd_table_page
from thplab.mm.include.state import Struct
from thplab.mm.include.trace_events import TraceEvent
from thplab.points import Locals, Point, point_of
from thplab.recording.story.template import Told

#: Daemons that each node has one of.
_OF_A_NODE = ("kcompactd", "kswapd")
_MODEL = str(Path(mm.__file__).parent)


@dataclass
class Known:
    """What tellers remember of a recording: numbers, and who holds which lock (by its id) for reading."""

    numbers: dict[str, int] = field(default_factory=dict)
    readers: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    #: A list of folios, how many of them were looked at, and their pages.
    folios: tuple[list[int], int, int] = field(default_factory=lambda: ([], 0, 0))


class At:
    """Where something is told: the machine, the running task, and the function in which it happens.

    ``region``: the address of the first window of each process, by which windows are counted.
    """

    def __init__(self, kernel: Kernel, frame: FrameType | None, region: int, known: Known) -> None:
        """``frame``: of the function that is called, is left, or changes something; None if none is known."""
        self.kernel, self._frame, self._region, self._known = kernel, frame, region, known

    @property
    def records_functions(self) -> bool:
        """Are calls and returns recorded, too?"""
        return self._frame is not None

    @property
    def who(self) -> str:
        """The running task (comm); a daemon of the one node that there is without the node's number."""
        comm = self.kernel.current.comm
        plain = comm.rstrip("0123456789")
        return plain if plain in _OF_A_NODE else comm

    @property
    def _above(self) -> FrameType | None:
        """The model's caller: an intruder may stand in between."""
        frame = None if self._frame is None else self._frame.f_back
        while frame is not None and not frame.f_code.co_filename.startswith(_MODEL):
            frame = frame.f_back
        return frame

    @property
    def point(self) -> Point | None:
        """The point in whose function it happens; None in another function."""
        return None if self._frame is None else point_of(self._frame.f_code)

    @property
    def caller(self) -> Point | None:
        """The point whose function called that one; None if another function did."""
        return None if self._above is None else point_of(self._above.f_code)

    def within(self, *wanted: Point) -> Locals | None:
        """The variables of the innermost call of one of these on the stack above; None if there is none."""
        frame = self._above
        while frame is not None:
            point = point_of(frame.f_code)
            if point in wanted and point is not None:
                return Locals(point, frame.f_locals)
            frame = frame.f_back
        return None

    def window(self, address: int) -> str:
        """A window in words: by its number from the first one on, if there is one, else by its address."""
        size = self.kernel.geometry.HPAGE_PMD_SIZE
        number, inside = divmod(address - self._region, size)
        if self._region and 0 <= number < 1 << 18 and not self._region % size:
            return f"window {number}"
        return f"the window at {address - inside:#x}"

    def page(self, address: int) -> int | str:
        """The number of a page from the first window on, or its address in words."""
        number = (address - self._region) // self.kernel.geometry.PAGE_SIZE
        return number if 0 <= number < 1 << 27 else f"{address:#x}"

    def frame_number(self, page: int) -> str:
        """A page frame as the kernel numbers it."""
        return f"{page + self.kernel.mem_map.start_pfn:#x}"

    def pmd(self, mm: Mm, address: int) -> int:
        """The PMD entry of an address; 0: nothing at all is mapped in its window."""
        ref = mm_find_pmd(mm, address)
        return 0 if ref is None else ref[0][ref[1]]

    def table_page(self, mm: Mm, address: int) -> int:
        """The frame (from the first one of memory) in which the window's table of small pages is."""
        ref = mm_find_pmd(mm, address)
        assert ref is not None
        return pmd_table_page(self.kernel, ref[0][ref[1]])

    @property
    def entries(self) -> int:
        """Entries of a page table."""
        return self.kernel.geometry.HPAGE_PMD_NR

    def rises(self, name: str, value: int) -> bool:
        """Is a number larger than when it was last asked about?"""
        return self.grown(name, value) > 0

    def grown(self, name: str, value: int) -> int:
        """By how much a number has grown since it was last asked about."""
        before, self._known.numbers[name] = self._known.numbers.get(name, 0), value
        return value - before

    def holders(self, lock: Lock) -> list[str]:
        """Who holds a lock, in the order in which they took it."""
        return [lock.writer] if lock.writer is not None else [*self._known.readers[id(lock)]]

    def note_reader(self, lock: Lock) -> None:
        """The running task holds a lock for reading from now on, or no longer."""
        held = self._known.readers[id(lock)]
        if lock.readers > len(held):
            held += [_BEFORE] * (lock.readers - len(held) - 1) + [self.who]
        while len(held) > lock.readers:
            held.remove(self.who if self.who in held else held[0])

    def count(self, name: str) -> int:
        """How often this has been asked of ``name`` in this recording."""
        self._known.numbers[name] = self.counted(name) + 1
        return self._known.numbers[name]

    def counted(self, name: str) -> int:
        """How often :meth:`count` was asked."""
        return self._known.numbers.get(name, 0)

    def pages_of(self, folios: list[int]) -> int:
        """The pages of folios. Of a list that only grows, each folio is looked at once."""
        known, seen, pages = self._known.folios
        if folios is not known or len(folios) < seen:
            seen = pages = 0
        pages += sum(folio_nr_pages(self.kernel.mem_map, folio) for folio in folios[seen:])
        self._known.folios = folios, len(folios), pages
        return pages

    def free_frames(self) -> int:
        """Free page frames of the machine."""
        return sum(zone.free_pages for zone in self.kernel.node.zones)


#: Who holds a lock for reading since before the recording.
_BEFORE = "a task that took it earlier"
_LOCKS = (KHUGEPAGED_MM_LOCK, MMAP_LOCK, VMA_LOCK, ANON_VMA, I_MMAP_RWSEM, PAGE_TABLE_LOCK)


def lock_words(lock: Lock) -> str:
    """A lock by its kind and what it guards: ``mmap_lock of app``."""
    kind = next((kind for kind in _LOCKS if lock.name.startswith(f"{kind} ")), lock.name)
    return " of ".join(filter(None, (kind, lock.name[len(kind) + 1 :])))


def duration(ms: int) -> str:
    """A time in milliseconds for people."""
    return f"{ms} ms" if ms < 1000 or ms % 100 else f"{ms / 1000:g} s"


K = TypeVar("K")
T = TypeVar("T")

OnCall = Callable[[Locals, At], Told | None]
OnReturn = Callable[[Locals, Any, At], Told | None]
OnChange = Callable[[Any, At], Told | None]
OnEvent = Callable[[TraceEvent, At], Told | None]

CALLS: dict[Point, OnCall] = {}
RETURNS: dict[Point, OnReturn] = {}
ENTRIES: dict[Point, OnCall] = {}
WAKEUPS: dict[Point, OnCall] = {}
CHANGES: dict[tuple[str, str], OnChange] = {}
EVENTS: dict[str, OnEvent] = {}


def at_call(*points: Point) -> Callable[[OnCall], OnCall]:
    """Tell when one of these functions is entered."""
    return lambda tell: _put(CALLS, points, tell)


def at_return(*points: Point) -> Callable[[OnReturn], OnReturn]:
    """Tell when one of these functions is left, and not by an exception."""
    return lambda tell: _put(RETURNS, points, tell)


def at_entry(*points: Point) -> Callable[[OnCall], OnCall]:
    """Tell when the loop of one of these functions is done with an entry of its table."""
    return lambda tell: _put(ENTRIES, points, tell)


def at_wakeup(*points: Point) -> Callable[[OnCall], OnCall]:
    """Tell when one of these functions, which slept, goes on."""
    return lambda tell: _put(WAKEUPS, points, tell)


def at_change(struct: type[Struct], field: str) -> Callable[[OnChange], OnChange]:
    """Tell what the new value of a field means."""
    return lambda tell: _put(CHANGES, [(struct.__name__, field)], tell)


def at_event(*events: str) -> Callable[[OnEvent], OnEvent]:
    """Tell what one of these trace events says."""
    return lambda tell: _put(EVENTS, events, tell)


def _put(table: dict[K, T], keys: Iterable[K], tell: T) -> T:
    for key in keys:
        if key in table:
            raise ValueError(f"two functions tell what happens at {key}")
        table[key] = tell
    return tell
