"""The stage without a screen: a moment of a recording as text, for a terminal, a reader or a test.

Section by section what the browser's textual.js says; a test holds both against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from thplab.reading.counters import counter_lines
from thplab.reading.glyphs import glyphs, views
from thplab.reading.ledger import ledger_lines
from thplab.reading.memory import buddy_lines, memory_lines, space_lines
from thplab.reading.moment import Reader, ReadMoment
from thplab.reading.scene import scene_lines
from thplab.reading.walk import step_text, walk
from thplab.reading.window import Window
from thplab.recording import Recording
from thplab.recording.tracer import NO_FRAME

_NAMES = {glyph["key"]: glyph["name"] for glyph in glyphs()}
_STATES = {
    "table": "points at this table",
    "leaf": "is a leaf: one huge page",
    "fenced": "nobody reaches this table now",
    "empty": "nothing is mapped here",
    "missing": "there is no table with this entry",
}


class TextTwin:
    """Moments of one recording as text; what holds for all of them is worked out once."""

    def __init__(self, recording: Recording) -> None:
        """For ``recording``."""
        self.recording, self._reader = recording, Reader(recording)

    def text(self, number: int) -> str:
        """Everything the stage can show of a moment."""
        at = self.moment(number)
        parts = ["\n".join(at.head())]
        for view in views()[:-1]:  # the last one shows this text
            parts.append("\n".join([f"{view['title']}:", *LINES[view["name"]](at)]))
        return "\n\n".join(parts)

    def moment(self, number: int) -> ReadMoment:
        """A moment, read. IndexError outside the recording."""
        return self._reader.read(number)

    def window(self, number: int) -> Window | None:
        """The window that a moment is about; None if the recording has none in focus."""
        return self.moment(number).window

    def window_text(self, number: int) -> str:
        """The moment's window in run lengths: ``100x present, in use; 412x empty``."""
        window = self.window(number)
        return _runs(window.keys) if window else "No window is in focus."


def _window_lines(at: ReadMoment) -> list[str]:
    w = at.window
    if w is None:
        return ["No window is in focus."]
    lines = [f"{w.address:#x} of {w.mm.label if w.mm else '?'}", f"{_pmd(w)}: {_STATES[w.state]}"]
    lines.append(_runs(w.keys))
    if at.cursor >= 0:
        lines.append(f"Looking at entry {at.cursor}: {_NAMES[w.keys[at.cursor]]}")
    return lines


def _pmd(window: Window) -> str:
    pmd = window.pmd
    return "PMD" if pmd is None else f"PMD[{pmd.index}] {f'{pmd.entry:#x}' if pmd.entry else 'none'}"


def _runs(keys: tuple[str, ...]) -> str:
    return "; ".join(f"{len(list(run))}x {_NAMES[key]}" for key, run in groupby(keys))


def _source_lines(at: ReadMoment) -> list[str]:
    if at.moment.frame == NO_FRAME:
        return ["Nothing is running" if at.header["sources"] else "This recording has no source lines"]
    if at.place is None:
        frame = at.stack[0]
        file = at.header["functions"][at.recording.sections["f_function"][frame.number]]["kernel_file"]
        where = f"its lines are not in this recording · {file or 'ours'} · {frame.file}"
        return [f"{at.reader.calls.name_of(frame.number)}, {where}"]
    frame = at.place
    file = at.header["functions"][at.recording.sections["f_function"][frame.number]]["kernel_file"]
    ours = file if frame.labels else "a helper of the model"
    heading = f"{at.reader.calls.name_of(frame.number)}, {ours} · {frame.file}:{frame.line}"
    return [heading, f"> {at.line(frame.file, frame.line)}"]


def _variable_lines(at: ReadMoment) -> list[str]:
    return [] if at.place is None else at.reader.calls.locals_text(at.place.number, at.number)


def _stack_lines(at: ReadMoment) -> list[str]:
    lines: list[str] = []
    if at.stack and not at.stack[0].labels:
        frame = at.stack[0]
        where = f"{frame.function} at {frame.file}:{frame.line}"
        lines.append(f"    in {where} (a helper of the model, no frame of its own)")
    number = 0
    for frame in at.stack:
        for name, args in frame.labels:
            lines.append(f"#{number:<2} {name} ({args}) at {frame.file}:{frame.line}")
            number += 1
    return lines or ["No kernel function is running."]


def _lock_lines(at: ReadMoment) -> list[str]:
    notes = _table_locks(at)
    lines = []
    holds = [span for span in at.reader.lanes.lasting(at.number) if span.what == "holds"]
    for lock in at.state.objects("Lock"):
        writer, count = at.state.get(lock, "writer"), at.state.get(lock, "readers")
        if writer is None and not count:
            continue
        readers = dict.fromkeys(span.who for span in holds if span.lock == lock.id)
        who = writer or " and ".join(readers) or "a reader"
        words = ("write" if writer else "read", lock.label, notes.get(lock.id, ""), f"by {who}")
        lines.append(" ".join(word for word in words if word))
    pages = at.window.keys.count("locked") if at.window else 0
    if pages:
        lines.append(f"write page lock of {pages} page{'s' if pages > 1 else ''} of the window")
    return lines or ["No lock is held: anything may happen."]


def _lane_lines(at: ReadMoment) -> list[str]:
    return at.reader.lanes.at(at.number) or ["No task runs in this recording."]


def _table_locks(at: ReadMoment) -> dict[int, str]:
    """Which of the window's tables a page table lock protects."""
    w, locks = at.window, at.state.root.maps["ptlocks"]
    pages = [(step.page, step.level) for step in w.walk] if w else []
    if w and w.page >= 0:
        pages.append((w.page, "PTE"))
    return {locks[page][1]: f"of this window's {level} table" for page, level in pages if page in locks}


def _walk_lines(at: ReadMoment) -> list[str]:
    w = at.window
    if w is None or w.mm is None:
        return []
    offset = max(at.cursor, 0) << at.header["geometry"]["page_shift"]
    steps = walk(at.recording, at.state, w.mm, w.address + offset)
    return [step_text(step) for step in steps]


def _trace_lines(at: ReadMoment) -> list[str]:
    lines = [line.strip() for line in at.recording.trace_lines(at.number)]
    return lines or ["No trace event yet."]


#: view -> its lines of a moment
LINES: dict[str, Callable[[ReadMoment], list[str]]] = {
    "scene": scene_lines,
    "window": _window_lines,
    "source": _source_lines,
    "variables": _variable_lines,
    "stack": _stack_lines,
    "locks": _lock_lines,
    "lanes": _lane_lines,
    "walk": _walk_lines,
    "trace": _trace_lines,
    "counters": counter_lines,
    "ledger": ledger_lines,
    "memory": memory_lines,
    "buddy": buddy_lines,
    "space": space_lines,
}


def moment_text(recording: Recording, number: int) -> str:
    """Everything the stage can show of a moment, as text."""
    return TextTwin(recording).text(number)


def window_keys(recording: Recording, number: int) -> list[str]:
    """For each entry of the moment's window a key of glyphs.json; empty without a window in focus."""
    window = TextTwin(recording).window(number)
    return list(window.keys) if window else []


def window_text(recording: Recording, number: int) -> str:
    """The moment's window in run lengths: ``100x present, in use; 412x empty``."""
    return TextTwin(recording).window_text(number)
