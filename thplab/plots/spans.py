"""When each phase of a collapse ran and each lock was held: read from a recording whose time goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from thplab import points
from thplab.mm.include.lock import ANON_VMA, MMAP_LOCK, PAGE_TABLE_LOCK, VMA_LOCK
from thplab.phases import PHASES
from thplab.recording import Recording

MMAP_WRITE = "mmap_lock (WRITE)"

#: Beginning of a lock's name and the field that says that it is held -> its row.
LOCKS = {
    (MMAP_LOCK, "readers"): "mmap_lock (read)",
    (MMAP_LOCK, "writer"): MMAP_WRITE,
    (VMA_LOCK, "writer"): "VMA lock",
    (ANON_VMA, "writer"): "anon_vma lock",
    (PAGE_TABLE_LOCK, "writer"): "page table locks",
}


@dataclass(frozen=True, slots=True)
class Span:
    """``row`` from ``begin`` to ``end``, in ns since the scan of the window began."""

    row: str
    begin: int
    end: int


def collapse_spans(recording: Recording, number: int = 0) -> tuple[list[Span], list[Span]]:
    """Phases and locks of collapse ``number`` (from 0), which may have failed.

    Raises ValueError if there is none, if functions were not recorded, or if no time passed.
    """
    first, last = _moments(recording, number)
    start = round(recording.moment(first).time_ns)
    phases = list(_phases(recording, first, last, start))
    if phases[-1].end == 0:
        raise ValueError("no time passes in this recording: record_scenario(..., alongside=Meter) lets it")
    return phases, list(_locks(recording, first, last, start))


def _moments(recording: Recording, number: int) -> tuple[int, int]:
    """Call and return of the scan that led to the collapse."""
    if recording.header["depth"] == "events":
        raise ValueError("depth 'events' has no phases; allowed: functions, lines")
    call, found = -1, 0
    while found <= number:
        following = recording.find_call(points.COLLAPSE, call)
        if following is None:
            raise ValueError(f"collapse {number}; this recording has {found} (the first is number 0)")
        call, found = following, found + 1
    scan = recording.sections["f_parent"][recording.moment(call).frame] - 1
    mine = [n for n, frame in enumerate(recording.sections["m_frame"]) if frame == scan]
    return mine[0], mine[-1]


def _phases(recording: Recording, first: int, last: int, start: int) -> Iterator[Span]:
    """Each phase lasts until the next one begins."""
    called = {phase: recording.find_call(phase.begins, first - 1) for phase in PHASES}
    begun = {
        str(phase): round(recording.moment(call).time_ns) - start
        for phase, call in called.items()
        if call is not None and call < last
    }
    ends = [*list(begun.values())[1:], round(recording.moment(last).time_ns) - start]
    for (row, begin), end in zip(begun.items(), ends, strict=True):
        yield Span(row, begin, end)


def _locks(recording: Recording, first: int, last: int, start: int) -> Iterator[Span]:
    """From the changes of the locks' fields, and of the clock between them."""
    s, state = recording.sections, recording.state(first)
    rows, clock = _lock_cells(recording), recording.cell_of("clock.now")
    now = 0
    held = {cell: 0 for cell in rows if state.exists(cell) and state.cell(cell)}
    for i in range(recording.moment(first).changes, recording.moment(last).changes):
        cell = s["c_cell"][i]
        if cell == clock:
            now = (s["c_lo"][i] | s["c_hi"][i] << 32) - start
        elif cell in rows:
            if state.decode(s["c_kind"][i], s["c_lo"][i], s["c_hi"][i]):
                held.setdefault(cell, now)
            elif cell in held:
                yield Span(rows[cell], held.pop(cell), now)
    for cell, begin in held.items():
        yield Span(rows[cell], begin, now)


def _lock_cells(recording: Recording) -> dict[int, str]:
    """Cells that say that a lock is held -> the lock's row."""
    locks = [each for each in recording.header["objects"] if each["type"] == "Lock"]
    return {
        lock["base"] + lock["fields"].index(field): row
        for lock in locks
        for (beginning, field), row in LOCKS.items()
        if lock["label"].startswith(beginning)
    }
