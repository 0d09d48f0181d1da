"""What a moment is about: the process and window that the running function works on, the entry, the scene."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from itertools import chain
from typing import Any

from thplab import points
from thplab.points import ENTRY, ENTRY_ADDRESS, OWNER, WINDOW_ADDRESS
from thplab.recording.derive.fields import Fields
from thplab.recording.derive.locals import Locals
from thplab.recording.derive.stretches import changes, fill
from thplab.recording.tracer import NO_FRAME

#: The kinds of work that have a picture of their own; ``m_scene`` is a number of this list.
SCENES = ("none", "pass", "process", "window", "collapse", "compaction", "fault")

_SCENE_OF = {
    points.DO_SCAN: "pass", points.WAIT_WORK: "pass", points.ALLOC_SLEEP: "pass", points.SCAN_VMAS: "process",
    points.SCAN: "window", points.COLLAPSE: "collapse", points.COMPACT: "compaction", points.FAULT: "fault",
}  # fmt: skip
_COMPACTION_BEGINS = "mm_compaction_begin"


def derive_focus(
    header: Mapping[str, Any], sections: Mapping[str, array[Any]], fields: Fields, read: Locals
) -> tuple[list[dict[str, Any]], dict[str, array[Any]]]:
    """The header's ``windows``; the columns ``m_window``, ``m_entry`` and ``m_scene``.

    A window is that of the running function or of its nearest caller that has a window's address in a
    variable. Between two windows of one task the last one stays; else it is the recording's own.
    A scene is that of the innermost function that has one; if none has, the last one stays. Without
    functions the trace says where compaction begins; nothing else that has a scene is followed there.
    """
    focus = _Focus(header, sections, fields, read)
    owner, task = sections["m_frame"], sections["m_task"]
    moments = sorted({0, *changes(owner), *changes(task), *read, *focus.traced})
    rows = zip(*(focus.at(n, owner[n], task[n]) for n in moments), strict=True)
    codes = {"m_window": "I", "m_entry": "H", "m_scene": "B"}
    columns = {
        name: fill(code, moments, values, len(owner))
        for (name, code), values in zip(codes.items(), rows, strict=True)
    }
    return focus.windows, columns


def _traced_scenes(header: Mapping[str, Any], sections: Mapping[str, array[Any]]) -> dict[int, int]:
    ends = sections["m_trace_end"]
    begun = (i for i, line in enumerate(header["trace"]) if line["event"] == _COMPACTION_BEGINS)
    return {bisect_right(ends, i): SCENES.index("compaction") for i in begun}


class _Focus:
    """Goes through the moments at which something may change, in their order."""

    def __init__(
        self, header: Mapping[str, Any], sections: Mapping[str, array[Any]], fields: Fields, read: Locals
    ) -> None:
        geometry, self._read = header["geometry"], read
        self._page_shift: int = geometry["page_shift"]
        self._entries: int = geometry["entries"]
        self._mm_of: dict[int | None, int] = {
            number: mm["ref"] for number, mm in fields.last_of("Vma", "mm").items() if mm
        }
        #: frame -> variable -> its first value, and the one that it has now.
        self._first: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self._now: defaultdict[int, dict[str, int]] = defaultdict(dict)
        for frame, name, value in chain.from_iterable(read.values()):
            self._first[frame].setdefault(name, value)
        self._parents: array[int] = sections["f_parent"]
        functions = [header["functions"][number] for number in sections["f_function"]]
        files = {source["file"] for source in header["sources"]}
        self._shown = self._inherited({n: n for n, each in enumerate(functions) if each["file"] in files})
        windowed = [n for n, first in self._first.items() if not first.keys().isdisjoint(WINDOW_ADDRESS)]
        self._with_window = self._inherited({n: n for n in windowed})
        scenes = {point.name: SCENES.index(scene) for point, scene in _SCENE_OF.items()}
        named = {n: scenes[each["name"]] for n, each in enumerate(functions) if each["name"] in scenes}
        self._scenes = self._inherited(named)
        self.windows: list[dict[str, Any]] = []
        self._numbers: dict[tuple[int | None, int], int] = {}
        self._of_frame: dict[int, int] = {}
        home = header["focus"]
        self._home_mm = home["mm"] if home else None
        self._home = self._number(home["mm"], int(home["address"])) if home else 0
        self._frame, self._task, self._window, self._scene = NO_FRAME, -1, self._home, 0
        #: Moment -> the scene that begins there, where there are no functions that say so.
        self.traced = {} if functions else _traced_scenes(header, sections)

    def _inherited(self, own: Mapping[int, int]) -> list[int | None]:
        """For each frame its own value or that of the nearest caller that has one."""
        found: list[int | None] = []
        for frame, above in enumerate(self._parents):
            found.append(own.get(frame, found[above - 1] if above else None))
        return found

    def at(self, n: int, frame: int, task: int) -> tuple[int, int, int]:
        """Window, entry and scene at a moment: 0, or 1 + their number."""
        moved = frame != self._frame or task != self._task
        for whose, name, value in self._read.get(n, ()):
            self._now[whose][name] = value
            if name != ENTRY:
                self._of_frame.clear()
                moved = True
        if moved:
            self._move(frame, task)
        self._scene = self.traced.get(n, self._scene)
        return self._window, self._entry(), self._scene

    def _move(self, frame: int, task: int) -> None:
        same_task, self._frame, self._task = task == self._task, frame, task
        if frame == NO_FRAME:
            self._window = self._home
            return
        windowed = self._with_window[frame]
        if windowed is not None:
            self._window = self._of_frame.get(windowed) or self._window_of(windowed)
        elif not same_task:
            self._window = self._home
        self._scene = self._scenes[frame] or self._scene

    def _value(self, frame: int, name: str) -> int | None:
        """A variable; if it is not set yet the first value that it will have: an argument."""
        found = self._now[frame].get(name)
        return self._first[frame].get(name) if found is None else found

    def _window_of(self, frame: int) -> int:
        address = next(filter(None, (self._value(frame, name) for name in WINDOW_ADDRESS)), 0)
        number = self._number(self._mm(frame), address - address % (self._entries << self._page_shift))
        self._of_frame[frame] = number
        return number

    def _mm(self, frame: int) -> int | None:
        above = frame + 1
        while above:
            mm, vma = (self._value(above - 1, name) for name in OWNER)
            if mm is not None:
                return mm
            if vma in self._mm_of:
                return self._mm_of[vma]
            above = self._parents[above - 1]
        return self._home_mm

    def _number(self, mm: int | None, address: int) -> int:
        if (mm, address) not in self._numbers:
            self.windows.append({"mm": mm, "address": str(address)})
            self._numbers[mm, address] = len(self.windows)
        return self._numbers[mm, address]

    def _entry(self) -> int:
        shown = None if self._frame == NO_FRAME else self._shown[self._frame]
        if shown is None or not self._window or shown not in self._now:
            return 0
        now = self._now[shown]
        entry = now.get(ENTRY)
        if entry is None:
            start = int(self.windows[self._window - 1]["address"])
            inside = (now[name] - start for name in ENTRY_ADDRESS if now.get(name, 0) > start)
            entries = (offset >> self._page_shift for offset in inside)
            entry = next((each for each in entries if each < self._entries), -1)
        return entry + 1 if 0 <= entry < self._entries else 0
