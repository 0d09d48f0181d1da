"""The stage without a screen: a moment of a recording as text, for a terminal, a reader or a test.

Section by section what the browser's textual.js says; a test holds both against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from thplab.mm.include import pgtable as bits
from thplab.recording import Recording
from thplab.recording.cells import ObjectInfo
from thplab.recording.tracer import NO_FRAME
from thplab.stage.build import glyphs, views
from thplab.stage.counters import counter_lines
from thplab.stage.frames import Frames
from thplab.stage.ledger import ledger_lines
from thplab.stage.memory import buddy_lines, memory_lines, space_lines
from thplab.stage.scene import Scene
from thplab.stage.window import WalkStep, Window, walk

__all__ = ["LINES", "TextTwin", "moment_text", "window_keys", "window_text"]

_NAMES = {glyph["key"]: glyph["name"] for glyph in glyphs()}
_STATES = {
    "table": "points at this table",
    "leaf": "is a leaf: one huge page",
    "fenced": "nobody reaches this table now",
    "empty": "nothing is mapped here",
    "missing": "there is no table with this entry",
}
_BITS = ("P", "RW", "US", "", "", "A", "D", "PS", "PROTNONE", "SP", "WP", "SD")


class TextTwin:
    """Moments of one recording as text; what holds for all of them is worked out once."""

    def __init__(self, recording: Recording) -> None:
        """For ``recording``."""
        self.recording = recording
        self.frames = Frames(recording)

    def text(self, number: int) -> str:
        """Everything the stage can show of a moment."""
        at = self.scene(number)
        parts = ["\n".join(at.head())]
        for view in views()[:-1]:  # the last one shows this text
            parts.append("\n".join([f"{view['title']}:", *LINES[view["name"]](at)]))
        return "\n\n".join(parts)

    def scene(self, number: int) -> Scene:
        """A moment, read. IndexError outside the recording."""
        return Scene(self.recording, self.frames, number)

    def window(self, number: int) -> Window | None:
        """The window that a moment is about; None if the recording has none in focus."""
        return self.scene(number).window

    def window_text(self, number: int) -> str:
        """The moment's window in run lengths: ``100x present, in use; 412x empty``."""
        window = self.window(number)
        return _runs(window.keys) if window else "No window is in focus."


def _window_lines(at: Scene) -> list[str]:
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


def _source_lines(at: Scene) -> list[str]:
    if at.moment.frame == NO_FRAME:
        return ["Nothing is running" if at.header["sources"] else "This recording has no source lines"]
    if at.place is None:
        frame = at.stack[0]
        file = at.header["functions"][at.recording.sections["f_function"][frame.number]]["kernel_file"]
        where = f"its lines are not in this recording · {file or 'ours'} · {frame.file}"
        return [f"{at.frames.name_of(frame.number)}, {where}"]
    frame = at.place
    file = at.header["functions"][at.recording.sections["f_function"][frame.number]]["kernel_file"]
    ours = file if frame.labels else "a helper of the model"
    heading = f"{at.frames.name_of(frame.number)}, {ours} · {frame.file}:{frame.line}"
    return [heading, f"> {at.line(frame.file, frame.line)}"]


def _variable_lines(at: Scene) -> list[str]:
    return [] if at.place is None else at.frames.locals_text(at.place.number, at.number)


def _stack_lines(at: Scene) -> list[str]:
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


def _lock_lines(at: Scene) -> list[str]:
    notes = _table_locks(at)
    lines = []
    for lock in at.state.objects("Lock"):
        writer, readers = at.state.get(lock, "writer"), at.state.get(lock, "readers")
        if writer is None and not readers:
            continue
        who = writer or (f"{readers} readers" if readers > 1 else _taker(at, lock))
        words = ("write" if writer else "read", lock.label, notes.get(lock.id, ""), who and f"by {who}")
        lines.append(" ".join(word for word in words if word))
    pages = at.window.keys.count("locked") if at.window else 0
    if pages:
        lines.append(f"write page lock of {pages} page{'s' if pages > 1 else ''} of the window")
    return lines or ["No lock is held: anything may happen."]


def _lane_lines(at: Scene) -> list[str]:
    return at.frames.lanes.at(at.number) or ["Nobody runs in this recording."]


def _table_locks(at: Scene) -> dict[int, str]:
    """Which of the window's tables a page table lock protects."""
    w, locks = at.window, at.state.root.maps["ptlocks"]
    pages = [(step.page, step.level) for step in w.walk] if w else []
    if w and w.page >= 0:
        pages.append((w.page, "PTE"))
    return {locks[page][1]: f"of this window's {level} table" for page, level in pages if page in locks}


def _taker(at: Scene, lock: ObjectInfo) -> str:
    since = at.recording.last_change(lock.base + lock.fields.index("readers"), at.number)
    if since is None:
        return "a reader"
    return str(at.header["tasks"][at.recording.sections["m_task"][since]]["comm"])


def _walk_lines(at: Scene) -> list[str]:
    w = at.window
    if w is None or w.mm is None:
        return []
    offset = max(at.cursor, 0) << at.header["geometry"]["page_shift"]
    steps = walk(at.recording, at.state, w.mm, w.address + offset)
    return [f"{' '.join(_walk_words(step))}: {_meaning(step)}" for step in steps]


def _walk_words(step: WalkStep) -> list[str]:
    words = [f"{step.level}[{step.index}]", f"{step.entry:#x}"]
    if step.entry:
        words += [name for bit, name in enumerate(_BITS) if name and step.entry >> bit & 1]
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


def _trace_lines(at: Scene) -> list[str]:
    lines = [line.strip() for line in at.recording.trace_lines(at.number)]
    return lines or ["No trace event yet."]


#: view -> its lines of a scene
LINES: dict[str, Callable[[Scene], list[str]]] = {
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
