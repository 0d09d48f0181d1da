"""Two futures, or any two recordings: where they part, and how they differ at the end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Protocol

from thplab.reading.counters import counters, knobs
from thplab.reading.kernel_words import with_unit
from thplab.reading.lanes import duration
from thplab.reading.moment import Reader
from thplab.reading.text import TextTwin
from thplab.recording import Recording
from thplab.recording.tracer import NO_FRAME
from thplab.table import Table

_VERDICTS = ("mm_khugepaged_scan_pmd", "mm_collapse_huge_page_isolate", "mm_collapse_huge_page")
_SHOWN = 8  # verdicts that differ

_FAR, _ALIKE = 2000, 20  # moments: how far to look for the same code, and how many make it the same

_Moment = tuple[int, str, int, str, str, float]
"""Kind, function, line, sentence, task, time."""

_Row = tuple[str, str, str]
"""What, in the first, in the second."""


@dataclass(frozen=True)
class Comparison:
    """``first`` and ``second``; ``parted``: the first moment that is not the same in both, None: none.

    ``joined``: the moments of both from which they went on with the same code for a while, None: they did
    not. ``rows``: (what, in the first, in the second) of all that differs.
    """

    first: Recording
    second: Recording
    parted: int | None
    rows: tuple[_Row, ...]
    joined: tuple[int, int] | None = None
    edits: tuple[str, ...] = ()

    @property
    def edits_text(self) -> str:
        """What is otherwise in the second; empty if nobody said so."""
        return "; ".join(self.edits)

    @property
    def table(self) -> Table:
        """The differences."""
        said = f"In the second: {self.edits_text}." if self.edits else ""
        return Table.of(("what", "first", "second"), self.rows, said)

    def to_data(self) -> dict[str, Any]:
        """What the browser shows beside the two recordings."""
        rows = [list(row) for row in self.rows]
        return {"rows": rows, "parted": self.parted, "joined": self.joined, "edits": self.edits_text}

    def __str__(self) -> str:
        """The differences as text."""
        return str(self.table) if self.rows else "No difference."

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The differences for a notebook."""
        return self.table._repr_html_() if self.rows else "<p>No difference.</p>"


class Edited(Protocol):
    """Another future, such as a Branch: its recording, and what was done otherwise."""

    @property
    def recording(self) -> Recording:
        """What was recorded."""

    @property
    def edits(self) -> tuple[str, ...]:
        """What was done, in words."""


def compare(first: Recording | Edited, second: Recording | Edited) -> Comparison:
    """Where two recordings part, and what differs: verdicts, window, counters, knobs."""
    edits = () if isinstance(second, Recording) else second.edits
    a, b = (each if isinstance(each, Recording) else each.recording for each in (first, second))
    told = _moments(a), _moments(b)
    parted = _parted(*told)
    rows = _where(a, b, parted) + _sizes(a, b) + _verdicts(a, b) + _at_the_end(a, b)
    joined = None if parted is None else _joined(*told, parted)
    return Comparison(a, b, parted, tuple(rows), joined, edits)


def _moments(recording: Recording) -> list[_Moment]:
    """What is compared of each moment: the state follows from what ran."""
    s, header = recording.sections, recording.header
    names = [each["name"] for each in header["functions"]]
    tasks = [task["comm"] for task in header["tasks"]]
    told = {each.moment: str(each) for each in map(recording.told_as, range(len(s["t_moment"])))}
    ran = ("" if frame == NO_FRAME else names[s["f_function"][frame]] for frame in s["m_frame"])
    said, who = (told.get(n, "") for n in range(len(recording))), (tasks[n] for n in s["m_task"])
    return list(zip(s["m_kind"], ran, s["m_line"], said, who, s["m_time"], strict=True))


def _joined(a: list[_Moment], b: list[_Moment], parted: int) -> tuple[int, int] | None:
    """Where the same code goes on, after something was inserted into one of them."""
    codes = [[moment[:3] for moment in moments[parted : parted + _FAR]] for moments in (a, b)]
    for shift in range(_FAR - _ALIKE):
        for x, y in ((0, shift), (shift, 0)):
            mine, other = codes[0][x : x + _ALIKE], codes[1][y : y + _ALIKE]
            if len(mine) == len(other) == _ALIKE and mine == other:
                return parted + x, parted + y
    return None


def _parted(a: list[_Moment], b: list[_Moment]) -> int | None:
    """The end of the shorter one counts as a moment at which they part."""
    pairs = enumerate(zip_longest(a[:-1], b[:-1]))
    return next((number for number, (mine, other) in pairs if mine != other), None)


def _where(a: Recording, b: Recording, parted: int | None) -> list[_Row]:
    if parted is None:
        return []
    return [(f"first differing moment, {parted}", _told(a, parted), _told(b, parted))]


def _told(recording: Recording, moment: int) -> str:
    read = Reader(recording).read(min(moment, len(recording) - 1))
    return f"{read.moment.task}: {read.what()}"


def _sizes(a: Recording, b: Recording) -> list[_Row]:
    rows = [("moments", str(len(a)), str(len(b)))] if len(a) != len(b) else []
    if all(recording.header.get("ledger") for recording in (a, b)):
        took = [r.sections["m_time"][-1] - r.sections["m_time"][0] for r in (a, b)]
        rows += [("virtual time", duration(took[0]), duration(took[1]))] if took[0] != took[1] else []
    return rows


def _verdicts(a: Recording, b: Recording) -> list[_Row]:
    """The results in the trace, one after the other, where they are not the same."""
    told = [
        [
            (line["event"], line["fields"]["status"])
            for line in r.header["trace"]
            if line["event"] in _VERDICTS
        ]
        for r in (a, b)
    ]
    rows = []
    for number, pair in enumerate(zip_longest(*told), 1):
        if pair[0] != pair[1]:
            mine, other = (f"{each[0].removeprefix('mm_')}: {each[1]}" if each else "none" for each in pair)
            rows.append((f"verdict {number}", mine, other))
    more = len(rows) - _SHOWN
    rest = [("more verdicts that differ", str(more), str(more))] if more > 0 else []
    return rows[:_SHOWN] + rest


def _at_the_end(a: Recording, b: Recording) -> list[_Row]:
    mine, other = (TextTwin(recording).window_text(len(recording) - 1) for recording in (a, b))
    rows = [("window at the end", mine, other)] if mine != other else []
    ends = [recording.state(len(recording) - 1) for recording in (a, b)]
    counted = [counters(recording.header, end) for recording, end in zip((a, b), ends, strict=True)]
    rows += _differing(*({name: with_unit(name, n) for name, n in each.items()} for each in counted))
    rows += _differing(*(knobs(end) for end in ends))
    return rows + _intruders(a, b)


def _differing(a: dict[str, str], b: dict[str, str]) -> list[_Row]:
    names = [name for name in {**a, **b} if a.get(name) != b.get(name)]
    return [(name, a.get(name, "none"), b.get(name, "none")) for name in names]


def _intruders(a: Recording, b: Recording) -> list[_Row]:
    """When somebody else acted: at once, or after waiting for a lock."""
    told = [[f"{i['op']} by {i['proc']} {i['ran']}" for i in r.header.get("intruders", [])] for r in (a, b)]
    pairs = zip_longest(*told, fillvalue="nobody")
    return [("somebody else acts", mine, other) for mine, other in pairs if mine != other]
