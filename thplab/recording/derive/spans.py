"""Who runs, is in the midst of its work, moves pages, waits for a lock or holds one: from when until when."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from thplab.recording.derive.fields import Fields

#: What is done in a span; ``s_what`` is a number of this list.
SPANS = ("runs", "midst", "moves", "waits", "holds")

_DAEMONS = ("khugepaged", "kcompactd0", "kswapd0")
_IDLE = "swapper"
_BEGIN, _END = "mm_compaction_begin", "mm_compaction_end"


@dataclass(slots=True)
class _Span:
    """From moment ``first`` until before moment ``end`` ``who`` does ``what``; ``lock``: 0 for none."""

    who: str
    what: str
    first: int
    end: int
    lock: int = 0
    write: int = 0


def derive_spans(
    header: Mapping[str, Any], sections: Mapping[str, array[Any]], fields: Fields
) -> tuple[list[dict[str, Any]], dict[str, array[Any]]]:
    """The header's ``lanes``, and the sections ``s_...``; the idle task has none."""
    found = _Spans(header, sections, fields)
    lanes = found.lanes()
    number = {lane["comm"]: n for n, lane in enumerate(lanes)}
    spans = sorted((span for span in found.spans if span.who in number), key=lambda span: span.first)
    columns = {
        "s_what": array("B", (SPANS.index(span.what) for span in spans)),
        "s_who": array("H", (number[span.who] for span in spans)),
        "s_lock": array("I", (span.lock for span in spans)),
        "s_write": array("B", (span.write for span in spans)),
        "s_first": array("I", (span.first for span in spans)),
        "s_end": array("I", (span.end for span in spans)),
        "s_outer": _outer(spans),
    }
    return lanes, columns


def _outer(spans: list[_Span]) -> array[int]:
    """For each span 1 + the last one before it that lasts when it begins, 0: none.

    From the last span that has begun this leads to all that last at a moment, and to few others.
    """
    outer, lasting = array("I"), list[int]()
    for number, span in enumerate(spans):
        lasting = [each for each in lasting if spans[each].end > span.first]
        outer.append(lasting[-1] + 1 if lasting else 0)
        lasting.append(number)
    return outer


class _Spans:
    """Follows the running task, the locks and the trace once through all changes."""

    def __init__(self, header: Mapping[str, Any], sections: Mapping[str, array[Any]], fields: Fields) -> None:
        self._header, self._sections, self._fields = header, sections, fields
        self._length = len(sections["m_kind"])
        self.spans: list[_Span] = []
        self._open: defaultdict[tuple[int, str], list[_Span]] = defaultdict(list)
        self._stack: list[str] = []  # who is in the midst of something, innermost last
        change: dict[str, Callable[[int, int, Any], None]] = {
            "current": self._current, "readers": self._readers, "writer": self._writer,
            "waiters": self._waiters,
        }  # fmt: skip
        ends = sections["m_changes_end"]
        for i, number, field, value in sorted(fields.changes, key=lambda row: (row[0], row[2] != "current")):
            if field in change:
                change[field](bisect_right(ends, i) if i >= 0 else 0, number, value)
        self._moves()

    def _note(self, key: tuple[int, str], span: _Span) -> None:
        self._open[key].append(span)
        self.spans.append(span)

    def _close(self, key: tuple[int, str], moment: int, spans: list[_Span]) -> None:
        for span in spans:
            span.end = moment
            self._open[key].remove(span)

    def _comm(self, task: Any) -> str:
        return str(self._fields.last(task["ref"], "comm"))

    def _current(self, moment: int, kernel: int, task: Any) -> None:
        """Whoever runs now was in the midst of something, or begins."""
        comm = self._comm(task)
        if comm in self._stack:
            del self._stack[self._stack.index(comm) + 1 :]
        else:
            self._stack.append(comm)
        doing = dict.fromkeys(self._stack[:-1], "midst") | {comm: "runs"}
        key = (kernel, "current")
        self._close(key, moment, [span for span in self._open[key] if doing.get(span.who) != span.what])
        known = {span.who for span in self._open[key]}
        for who, what in doing.items():
            if who not in known:
                self._note(key, _Span(who, what, moment, self._length))

    def _writer(self, moment: int, lock: int, who: str | None) -> None:
        key = (lock, "writer")
        self._close(key, moment, [*self._open[key]])
        if who is not None:
            self._note(key, _Span(who, "holds", moment, self._length, lock, 1))

    def _readers(self, moment: int, lock: int, count: int) -> None:
        key, held, who = (lock, "readers"), self._open[lock, "readers"], self._stack[-1]
        while len(held) < count:
            self._note(key, _Span(who, "holds", moment, self._length, lock))
        while len(held) > count:
            mine = [span for span in held if span.who == who] or held
            self._close(key, moment, mine[-1:])

    def _waiters(self, moment: int, lock: int, waiters: dict[str, Any]) -> None:
        key, waiting = (lock, "waiters"), [each["ref"] for each in waiters["tuple"]]
        read = self._fields.last
        wanted = {read(each, "who"): read(each, "write") for each in waiting}
        self._close(key, moment, [span for span in self._open[key] if span.who not in wanted])
        known = {span.who for span in self._open[key]}
        for who, write in wanted.items():
            if who not in known:
                self._note(key, _Span(who, "waits", moment, self._length, lock, write))

    def _moves(self) -> None:
        """Who moved pages: told by the trace."""
        tasks, ends, task = self._header["tasks"], self._sections["m_trace_end"], self._sections["m_task"]
        begun: dict[str, _Span] = {}
        for i, line in enumerate(self._header["trace"]):
            if line["event"] in (_BEGIN, _END):
                moment = bisect_right(ends, i)
                who = tasks[task[moment]]["comm"]
                if line["event"] == _BEGIN:
                    begun[who] = _Span(who, "moves", moment, self._length)
                    self.spans.append(begun[who])
                elif who in begun:
                    begun.pop(who).end = moment

    def lanes(self) -> list[dict[str, Any]]:
        """Who has a lane, processes first, then the daemons; and the objects that say how it rests."""
        threads, mms = (self._fields.last_of(kind, "task") for kind in ("Kthread", "Mm"))
        focus = self._header["focus"]
        names = [self._comm(task) for mm, task in mms.items() if focus and mm == focus["mm"]]
        names += [task["comm"] for task in self._header["tasks"] if task["pid"]]
        names += [span.who for span in self.spans if span.what in ("waits", "holds")]
        names += map(self._comm, threads.values())
        rows = [name for name in dict.fromkeys(names) if name != _IDLE]
        rows.sort(key=lambda name: _DAEMONS.index(name) if name in _DAEMONS else -1)

        def of(name: str, tasks: Mapping[int, Any]) -> list[int]:
            return [number for number, task in tasks.items() if self._comm(task) == name]

        return [{"comm": name, "threads": of(name, threads), "mms": of(name, mms)} for name in rows]
