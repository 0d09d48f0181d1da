"""Call frames of a recording: local variables, and which window a moment is about.

The browser's frames.js and focus.js follow the same rules; a test holds both against each other.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import Any

from thplab.recording import Recording, State
from thplab.recording.cells import INTEGER, ObjectInfo
from thplab.recording.tracer import CALL, NO_FRAME, RETURN
from thplab.stage.lanes import Lanes

__all__ = ["Frames"]

_ABSENT = 255
_SAFE_HIGH = 0x1FFFFF  # larger integers are entries of page tables, not addresses or counts
_ADDRESSES = ("start_addr", "address")


class Frames:
    """What can be said about the frames of a recording without its state."""

    def __init__(self, recording: Recording) -> None:
        """Read the local variables once."""
        self.recording = recording
        self.header, self.sections = recording.header, recording.sections
        self._number_of = {name: number for number, name in enumerate(self.header["names"])}
        self._records: dict[int, dict[int, tuple[list[int], list[int]]]] = {}
        self._index_locals()
        self._with_window: dict[int, int] = {}
        self._window_from = self._follow_moments()
        self.said = _sentences(self.sections)

    def _index_locals(self) -> None:
        begin = 0
        names, owner = self.sections["l_name"], self.sections["m_frame"]
        for moment, end in enumerate(self.sections["m_locals_end"]):
            for record in range(begin, end):
                of_frame = self._records.setdefault(owner[moment], {})
                moments, records = of_frame.setdefault(names[record], ([], []))
                moments.append(moment)
                records.append(record)
            begin = end

    @cached_property
    def lanes(self) -> Lanes:
        """Who runs and who holds which lock; worked out when it is first asked for."""
        return Lanes(self.recording)

    def parent(self, frame: int) -> int:
        """The caller's frame, or NO_FRAME."""
        above = self.sections["f_parent"][frame]
        return above - 1 if above else NO_FRAME

    def name_of(self, frame: int) -> str:
        """The kernel's name of the function where it has one, else ours."""
        labels = self.header["labels"][self.sections["f_labels"][frame]]
        name: str = (
            labels[0][0] if labels else self.header["functions"][self.sections["f_function"][frame]]["name"]
        )
        return name

    def _record_at(self, frame: int, name: int, step: int, early: bool) -> int:
        moments, records = self._records.get(frame, {}).get(name, ([], []))
        found = bisect_right(moments, step)
        if found:
            return records[found - 1]
        return records[0] if early and records else -1

    def local(self, frame: int, name: str, step: int, *, early: bool = False) -> Any:
        """A local variable as an int, a JSON value of the recording, or None.

        ``early``: if it is not set yet, the first value that it will have (an argument).
        """
        number = self._number_of.get(name)
        record = -1 if number is None else self._record_at(frame, number, step, early)
        if record < 0:
            return None
        kind, lo, hi = (self.sections[column][record] for column in ("l_kind", "l_lo", "l_hi"))
        if kind == INTEGER:
            return lo | hi << 32 if hi <= _SAFE_HIGH else None
        return None if kind == _ABSENT else self.header["values"][lo]

    def locals_text(self, frame: int, step: int) -> list[str]:
        """All local variables: ``name = value``; ``index`` first, then those that vary."""
        rows = []
        for number, (moments, _) in self._records.get(frame, {}).items():
            record = self._record_at(frame, number, step, early=False)
            name = self.header["names"][number]
            if record < 0 or name.startswith("_") or self.sections["l_kind"][record] == _ABSENT:
                continue
            rank = 0 if name == "index" else 1 if len(moments) > 1 else 2
            rows.append((rank, f"{name} = {self._text(record, name)}"))
        return [text for _, text in sorted(rows, key=lambda row: row[0])]

    def _text(self, record: int, name: str) -> str:
        kind, lo, hi = (self.sections[column][record] for column in ("l_kind", "l_lo", "l_hi"))
        if kind == INTEGER:
            return f"{lo | hi << 32:#x}" if hi or name.endswith("pfn") else str(lo)
        value = self.header["values"][lo]
        if value is None or isinstance(value, str):
            return "None" if value is None else f'"{value}"'
        if isinstance(value, int):
            return str(value)
        if "enum" in value:
            return str(value["enum"])
        return f"<{self.header['objects'][value['ref']]['label']}>" if "ref" in value else "(...)"

    def _own_address(self, frame: int, step: int) -> int | None:
        for name in _ADDRESSES:
            value = self.local(frame, name, step, early=True)
            if value is not None:
                return value if isinstance(value, int) else None
        return None

    def _frame_with_window(self, frame: int) -> int:
        if frame not in self._with_window:
            parent = self.parent(frame)
            found = NO_FRAME if parent == NO_FRAME else self._frame_with_window(parent)
            self._with_window[frame] = frame if self._own_address(frame, 0) is not None else found
        return self._with_window[frame]

    def _follow_moments(self) -> list[int]:
        owner, task = self.sections["m_frame"], self.sections["m_task"]
        source = [-1] * len(owner)
        for n in range(1, len(owner)):
            if owner[n] == NO_FRAME:
                continue
            if self._frame_with_window(owner[n]) != NO_FRAME:
                source[n] = n
            elif task[n] == task[n - 1]:
                source[n] = source[n - 1]
        return source

    def window(self, step: int, state: State) -> tuple[ObjectInfo | None, int] | None:
        """(mm, first address) of the window that the running function works on, else the recording's."""
        focus, home = self.header["focus"], None
        if focus is not None:
            home = next(obj for obj in state.objects("Mm") if obj.id == focus["mm"]), int(focus["address"])
        moment = self._window_from[step]
        if moment < 0:
            return home
        frame = self._frame_with_window(self.sections["m_frame"][moment])
        address = self._own_address(frame, moment) or 0
        geometry = self.header["geometry"]
        address -= address % (geometry["entries"] << geometry["page_shift"])
        return self._mm_of(frame, moment, state) or (home[0] if home else None), address

    def _mm_of(self, frame: int, step: int, state: State) -> ObjectInfo | None:
        objects = {obj.id: obj for kind in ("Mm", "Vma") for obj in state.objects(kind)}
        while frame != NO_FRAME:
            mm, vma = (self.local(frame, name, step, early=True) for name in ("mm", "vma"))
            if isinstance(mm, dict) and "ref" in mm:
                return objects.get(mm["ref"])
            if isinstance(vma, dict) and vma.get("ref") in objects:
                found: ObjectInfo = state.get(objects[vma["ref"]], "mm")
                return found
            frame = self.parent(frame)
        return None

    def cursor(self, step: int, address: int) -> int:
        """The entry that is being looked at; -1 if there is none."""
        files = {source["file"] for source in self.header["sources"]}
        frame = next((each.number for each in self.recording.stack(step) if each.file in files), None)
        if frame is None:
            return -1
        geometry = self.header["geometry"]
        index = self.local(frame, "index", step)
        if isinstance(index, int):
            return index if index < geometry["entries"] else -1
        for name in ("addr", "address"):
            value = self.local(frame, name, step)
            offset = value - address if isinstance(value, int) else 0
            if 0 < offset < geometry["entries"] << geometry["page_shift"]:
                return offset >> int(geometry["page_shift"])
        return -1


def _sentences(sections: dict[str, Any]) -> list[int]:
    """For each moment the one whose sentence holds there; -1: none so far.

    What is said at a call holds until that function is left; what is said at a return holds in the
    caller from then on. Where nothing runs the last sentence of all holds.
    """
    kind, owner, parents = sections["m_kind"], sections["m_frame"], sections["f_parent"]
    said: list[int] = []
    holds: dict[int, int] = {}
    last = -1
    for n, sentence in enumerate(sections["m_sentence"]):
        frame = owner[n]
        above = NO_FRAME if frame == NO_FRAME or not parents[frame] else parents[frame] - 1
        if sentence:
            last = holds[frame] = n
            if kind[n] == RETURN:
                holds[above] = n
        elif kind[n] == CALL:
            holds.setdefault(frame, holds.get(above, -1))
        said.append(last if frame == NO_FRAME else holds.get(frame, -1))
    return said
