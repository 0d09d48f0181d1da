"""A recording: all moments of a run, and the state at each of them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thplab.files import write_file
from thplab.points import Named, name_of
from thplab.recording.bounds import LARGEST_FILE
from thplab.recording.cells import ABSENT, ColumnInfo, ObjectInfo
from thplab.recording.check import NOTHING_SAID, check
from thplab.recording.file import pack, unpack
from thplab.recording.state import State
from thplab.recording.story.template import Value, fill
from thplab.recording.story.windows import VERDICT_FUNCTIONS
from thplab.recording.tracer import NO_FRAME

KINDS = ("line", "call", "return", "event", "switch")

#: What :meth:`Recording.find` finds.
FINDABLE = (*KINDS, "verdict", "change")

#: State is kept whole at every so many changes, so that a jump never replays more than that.
_KEYFRAME = 1 << 15


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of the call stack: the model's function, and the kernel frames it stands for.

    ``labels``: (name, rendered arguments), innermost first; none for a helper of the model.
    """

    number: int
    function: str
    file: str
    line: int
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment: what is about to run or has just happened, and how many changes led to it."""

    number: int
    kind: str
    frame: int
    function: str
    file: str
    line: int
    time_ns: float
    task: str
    sentence: str
    changes: int
    trace_lines: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is told at ``moment``: its ``kind``, how much it matters (``rank``), its ``text`` and values."""

    moment: int
    kind: str
    rank: int
    text: str
    values: Mapping[str, Value]

    def __str__(self) -> str:
        """The text, filled in."""
        return fill(self.text, self.values)


class Recording:
    """Moments, and the state at each. ``header`` and ``sections`` are those of the file."""

    def __init__(self, header: dict[str, Any], sections: dict[str, array[Any]]) -> None:
        """Made by a Recorder or read from a file, whose parts have been checked."""
        self.header, self.sections = header, sections
        self._objects = [_object(data) for data in header["objects"]]
        self._columns = [ColumnInfo(number, **data) for number, data in enumerate(header["columns"])]
        self._keyframes: list[tuple[int, array[int], array[int], array[int]]] = []

    def __len__(self) -> int:
        """How many moments there are."""
        return len(self.sections["m_kind"])

    def __repr__(self) -> str:
        """Say what it is, without its contents."""
        return (
            f"<Recording {self.header['title'] or 'untitled'}: {len(self)} moments, {self.header['kernel']}>"
        )

    def _check(self, number: int) -> int:
        if not 0 <= number < len(self):
            raise IndexError(f"moment {number}; this recording has moments 0 to {len(self) - 1}")
        return number

    def moment(self, number: int) -> Moment:
        """Moment ``number`` (from 0). IndexError outside the recording."""
        s = self.sections
        n = self._check(number)
        frame = s["m_frame"][n]
        function = {"name": "", "file": ""}
        if frame != NO_FRAME:
            function = self.header["functions"][s["f_function"][frame]]
        told = self.told(n)
        task = self.header["tasks"][s["m_task"][n]]
        return Moment(
            n, KINDS[s["m_kind"][n]], frame, function["name"], function["file"], s["m_line"][n],
            s["m_time"][n], f"{task['comm']}-{task['pid']}",
            str(told) if told and told.moment == n else "",
            s["m_changes_end"][n], s["m_trace_end"][n],
        )  # fmt: skip

    def told(self, number: int) -> Sentence | None:
        """What was told last at a moment; None before anything was told."""
        place = bisect_right(self.sections["t_moment"], self._check(number))
        return self.told_as(place - 1) if place else None

    def told_as(self, place: int) -> Sentence:
        """Sentence number ``place`` (from 0) of all that are told."""
        s = self.sections
        template = self.header["templates"][s["t_template"][place]]
        begin = s["t_values_end"][place - 1] if place else 0
        values = {
            name: self.header["texts"][s["v_value"][i]] if s["v_kind"][i] else s["v_value"][i]
            for i, name in enumerate(template["names"], begin)
            if s["v_kind"][i] != ABSENT
        }
        return Sentence(s["t_moment"][place], template["kind"], template["rank"], template["text"], values)

    def sentence(self, number: int) -> str:
        """The sentence in force at a moment; before the first one the story, or the title."""
        told = self.told(number)
        return str(told) if told else str(self.header["story"] or self.header["title"])

    def stack(self, number: int) -> list[Frame]:
        """The call stack at a moment, innermost first."""
        s, frames = self.sections, []
        if s["m_frame"][self._check(number)] == NO_FRAME:
            return []
        frame, line = s["m_frame"][number] + 1, s["m_line"][number]
        while frame:
            function = self.header["functions"][s["f_function"][frame - 1]]
            labels = tuple((name, args) for name, args in self.header["labels"][s["f_labels"][frame - 1]])
            frames.append(Frame(frame - 1, function["name"], function["file"], line, labels))
            frame, line = s["f_parent"][frame - 1], s["f_call_line"][frame - 1]
        return frames

    def locals(self, number: int) -> dict[str, Any]:
        """The recorded local variables of the moment's frame."""
        s, state, found = self.sections, self.state(number), {}
        frame, begin = s["m_frame"][number], 0
        for n in range(number + 1):
            end = s["m_locals_end"][n]
            if s["m_frame"][n] == frame:
                for i in range(begin, end):
                    name = self.header["names"][s["l_name"][i]]
                    found[name] = state.decode(s["l_kind"][i], s["l_lo"][i], s["l_hi"][i])
            begin = end
        return found

    def trace_lines(self, number: int) -> list[str]:
        """The lines of the trace file at a moment."""
        return [
            line["text"] for line in self.header["trace"][: self.sections["m_trace_end"][self._check(number)]]
        ]

    def state(self, number: int) -> State:
        """The state at a moment; the same bytes however one comes there."""
        end = self.sections["m_changes_end"][self._check(number)]
        done, kind, lo, hi = self._keyframe(end)
        s = self.sections
        for i in range(done, end):
            cell = s["c_cell"][i]
            kind[cell], lo[cell], hi[cell] = s["c_kind"][i], s["c_lo"][i], s["c_hi"][i]
        return State(self._objects, self._columns, self.header["values"], kind, lo, hi)

    def _keyframe(self, end: int) -> tuple[int, array[int], array[int], array[int]]:
        s = self.sections
        if not self._keyframes:
            self._keyframes.append((0, s["cell_kind"], s["cell_lo"], s["cell_hi"]))
        while self._keyframes[-1][0] + _KEYFRAME <= end:
            begin, *columns = self._keyframes[-1]
            kind, lo, hi = (array(column.typecode, column) for column in columns)
            for i in range(begin, begin + _KEYFRAME):
                cell = s["c_cell"][i]
                kind[cell], lo[cell], hi[cell] = s["c_kind"][i], s["c_lo"][i], s["c_hi"][i]
            self._keyframes.append((begin + _KEYFRAME, kind, lo, hi))
        begin, *columns = self._keyframes[end // _KEYFRAME]
        kind, lo, hi = (array(column.typecode, column) for column in columns)
        return begin, kind, lo, hi

    def find(self, kind: str, start: int, *, forwards: bool = True, name: Named = "") -> int | None:
        """The next (or previous) moment of a kind after (before) ``start``; None if there is none.

        ``kind``: line, call, return, event, ``verdict`` (a function returned a scan result) or
        ``change`` (state has changed since the moment before). ``name``: only of this function (a point of
        thplab/points.py, the function itself or its name), or only this trace event.
        """
        if kind not in FINDABLE:
            raise ValueError(f"kind {kind!r}; allowed: {', '.join(FINDABLE)}")
        numbers = range(start + 1, len(self)) if forwards else range(start - 1, -1, -1)
        word = name_of(name)
        return next((n for n in numbers if self._is(n, kind) and (not word or self._named(n, word))), None)

    def _is(self, number: int, kind: str) -> bool:
        if kind == "change":
            ends = self.sections["m_changes_end"]
            return bool(ends[number] > (ends[number - 1] if number else 0))
        if kind == "verdict":
            # A function that an exception or a sleep ends decides nothing.
            if not self._is(number, "return"):
                return False
            told, moment = self.told(number), self.moment(number)
            return bool(moment.function in VERDICT_FUNCTIONS and told and told.moment == number)
        return bool(self.sections["m_kind"][number] == KINDS.index(kind))

    def _named(self, number: int, name: str) -> bool:
        if self._is(number, "event"):
            return bool(self.header["trace"][self.sections["m_trace_end"][number] - 1]["event"] == name)
        return self.moment(number).function == name

    def find_call(self, function: Named, start: int = -1) -> int | None:
        """The next moment after ``start`` at which ``function`` is entered."""
        return self.find("call", start, name=function)

    def last_change(self, cells: int | Collection[int], before: int) -> int | None:
        """The moment at which the state first showed the present value; None: since the start.

        ``cells``: one cell, or several of which the latest change counts (:meth:`frame_cells`).
        """
        end = self.sections["m_changes_end"][self._check(before)]
        wanted = {cells} if isinstance(cells, int) else set(cells)
        changed = self.sections["c_cell"]
        change = next((i for i in range(end - 1, -1, -1) if changed[i] in wanted), None)
        return None if change is None else bisect_right(self.sections["m_changes_end"], change)

    def counter_cell(self, name: str) -> int:
        """The cell of a counter of /proc/vmstat. KeyError for one that there is not."""
        counters: list[str] = list(self.header["vmstat"])
        if name not in counters:
            raise KeyError(f"no counter {name!r}; there are {', '.join(counters)}")
        return self._column("vmstat").base + counters.index(name)

    def frame_cells(self, pfn: int) -> list[int]:
        """All cells of a page frame: its flags, counts, contents and so on. IndexError outside memory."""
        state = self.state(0)
        page = pfn - state.path("mem_map.start_pfn")
        fields = state.fields(state.path("mem_map"))
        columns = [v for name, v in fields if isinstance(v, ColumnInfo) and not name.startswith("pageblock_")]
        if not 0 <= page < state.path("mem_map.nr_frames"):
            raise IndexError(f"pfn {pfn:#x} is outside memory")
        return [column.base + page for column in columns]

    def entry_cell(self, table_page: int, index: int) -> int:
        """The cell of an entry of the page table that stands in a frame (both numbers from 0)."""
        tables = self._objects[0].maps["tables"]
        if table_page not in tables:
            raise KeyError(f"no page table ever stood in frame {table_page}")
        column = self._columns[tables[table_page][1]]
        if not 0 <= index < column.length:
            raise IndexError(f"entry {index}; a table has entries 0 to {column.length - 1}")
        return column.base + index

    def _column(self, label: str) -> ColumnInfo:
        return next(column for column in self._columns if column.label == label)

    def cell_of(self, dotted: str) -> int:
        """The cell of a field reached from the Kernel at the start, e.g. ``khugepaged.full_scans``."""
        *path, field = dotted.split(".")
        state = self.state(0)
        obj = state.path(".".join(path)) if path else state.root
        if field not in obj.fields:
            raise KeyError(f"{obj.type} has no field {field!r}; it has {', '.join(obj.fields)}")
        return int(obj.base + obj.fields.index(field))

    def to_bytes(self) -> bytes:
        """The bytes of the file."""
        return pack(self.header, self.sections)

    @classmethod
    def from_bytes(cls, data: bytes) -> Recording:
        """Read a file's bytes. Raises RecordingError."""
        header, sections = unpack(data)
        for name, nothing in NOTHING_SAID.items():
            header.setdefault(name, nothing)
        check(header, sections)
        return cls(header, sections)

    def save(self, path: str | Path) -> None:
        """Write the file."""
        write_file(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read a file. Raises RecordingError, or OSError if it can't be read at all."""
        with open(path, "rb") as file:
            return cls.from_bytes(file.read(LARGEST_FILE + 1))


def _object(data: dict[str, Any]) -> ObjectInfo:
    maps = {
        field: {int(key): (what, number) for key, (what, number) in entries.items()}
        for field, entries in data["maps"].items()
    }
    fields = tuple(data["fields"])
    return ObjectInfo(data["id"], data["type"], data["label"], fields, data["base"], maps)
