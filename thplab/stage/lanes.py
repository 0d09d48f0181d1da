"""Who runs, sleeps, waits for a lock or holds one: the twin of lanes.js and lane_data.js."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from thplab.recording import Recording
from thplab.recording.cells import ObjectInfo

__all__ = ["Lanes", "Span", "duration"]

_DAEMONS = ("khugepaged", "kcompactd0", "kswapd0")
_IDLE = "swapper"
_NO_LOCK = -1


@dataclass(slots=True)
class Span:
    """From change number ``first`` until before change ``end`` (None: to the end) ``who`` does ``what``.

    ``what``: holds or waits; ``lock``: the number of the object; ``how``: read or write.
    """

    who: str
    what: str
    lock: int
    how: str
    first: int
    end: int | None = None


class Lanes:
    """Worked out once for a recording. ``rows``: who has a lane, processes first, then the daemons."""

    def __init__(self, recording: Recording) -> None:
        """Follow the task that runs and the locks through all changes."""
        self.recording = recording
        s = recording.sections
        self._end = recording.state(len(recording) - 1)
        self._now = recording.state(0)
        self.spans: list[Span] = []
        #: Does time go by while somebody works, or only while all sleep?
        self.timed = recording.header.get("ledger") is not None
        self._open: dict[tuple[int, str], list[Span]] = {}
        self._stack = [self._comm(self._now.path("current"))]
        #: (change number, who is in the midst of something, innermost last).
        self.switches: list[tuple[int, tuple[str, ...]]] = [(-1, tuple(self._stack))]
        self._watched = self._watch()
        for lock, field, value in self._at_start():
            self._changed(-1, lock, field, value)
        for i in range(s["m_changes_end"][0], len(s["c_cell"])):
            watched = self._watched.get(s["c_cell"][i])
            if watched is not None:
                self._changed(i, *watched, self._end.decode(s["c_kind"][i], s["c_lo"][i], s["c_hi"][i]))
        self.compacting = self._compaction()
        self.rows = self._find_rows()

    def _comm(self, task: Any) -> str:
        return str(self._end.get(task, "comm"))

    def _watch(self) -> dict[int, tuple[int, str]]:
        """Cell -> (lock, field); the task that runs has no lock."""
        cells = {self.recording.cell_of("current"): (_NO_LOCK, "current")}
        for data in self.recording.header["objects"]:
            if data["type"] == "Lock":
                for field in ("readers", "writer", "waiters"):
                    cells[data["base"] + data["fields"].index(field)] = (data["id"], field)
        return cells

    def _at_start(self) -> list[tuple[int, str, Any]]:
        """(lock, field, value) of all locks that there are."""
        locks = [(cell, *watched) for cell, watched in self._watched.items() if watched[0] != _NO_LOCK]
        return [(*watched, self._now.cell(cell)) for cell, *watched in locks if self._now.exists(cell)]

    def _changed(self, change: int, lock: int, field: str, value: Any) -> None:
        if field == "current":
            self._switch(change, self._comm(value))
        elif field == "readers":
            self._readers(change, lock, value)
        elif field == "writer":
            self._close(change, lock, field, lambda span: True)
            if value is not None:
                self._note(change, lock, field, Span(value, "holds", lock, "write", change))
        else:
            self._waiters(change, lock, value)

    def _switch(self, change: int, comm: str) -> None:
        """Whoever goes on was in the midst of something, or begins."""
        if comm in self._stack:
            del self._stack[self._stack.index(comm) + 1 :]
        else:
            self._stack.append(comm)
        self.switches.append((change, tuple(self._stack)))

    def _readers(self, change: int, lock: int, count: int) -> None:
        held = self._open.setdefault((lock, "readers"), [])
        while len(held) < count:
            self._note(change, lock, "readers", Span(self._stack[-1], "holds", lock, "read", change))
        while len(held) > count:
            mine = [span for span in held if span.who == self._stack[-1]] or held
            mine[-1].end = change
            held.remove(mine[-1])

    def _waiters(self, change: int, lock: int, waiters: tuple[ObjectInfo, ...]) -> None:
        wanted = {
            self._end.get(waiter, "who"): "write" if self._end.get(waiter, "write") else "read"
            for waiter in waiters
        }
        self._close(change, lock, "waiters", lambda span: span.who not in {_name(who) for who in wanted})
        known = {span.who for span in self._open.get((lock, "waiters"), ())}
        for who, how in wanted.items():
            if _name(who) not in known:
                self._note(change, lock, "waiters", Span(_name(who), "waits", lock, how, change))

    def _note(self, change: int, lock: int, field: str, span: Span) -> None:
        self._open.setdefault((lock, field), []).append(span)
        self.spans.append(span)

    def _close(self, change: int, lock: int, field: str, which: Any) -> None:
        spans = self._open.get((lock, field), [])
        for span in [span for span in spans if which(span)]:
            span.end = change
            spans.remove(span)

    def _compaction(self) -> list[tuple[str, int, int]]:
        """Who moved pages, from one moment to another: told by the trace."""
        s, header, found = self.recording.sections, self.recording.header, list[tuple[str, int, int]]()
        begun: dict[str, int] = {}
        for i, line in enumerate(header["trace"]):
            if line["event"] in ("mm_compaction_begin", "mm_compaction_end"):
                moment = bisect_right(s["m_trace_end"], i)
                who = header["tasks"][s["m_task"][moment]]["comm"]
                if line["event"] == "mm_compaction_begin":
                    begun[who] = moment
                elif who in begun:
                    found.append((who, begun.pop(who), moment))
        return found + [(who, moment, len(self.recording)) for who, moment in begun.items()]

    def _find_rows(self) -> list[str]:
        ran = [task["comm"] for task in self.recording.header["tasks"] if task["pid"]]
        focus = self.recording.header["focus"]
        mine = [mm for mm in self._end.objects("Mm") if focus and mm.id == focus["mm"]]
        threads = [self._comm(self._end.get(thread, "task")) for thread in self._end.objects("Kthread")]
        everybody = [self._comm(self._end.get(mm, "task")) for mm in mine] + ran
        everybody += [span.who for span in self.spans] + threads
        names = [name for name in dict.fromkeys(everybody) if name != _IDLE]
        return sorted(names, key=lambda name: _DAEMONS.index(name) if name in _DAEMONS else -1)

    def since(self, change: int) -> int:
        """The first moment that shows a change."""
        return bisect_right(self.recording.sections["m_changes_end"], change) if change >= 0 else 0

    def at(self, number: int) -> list[str]:
        """A line for each row: what it does at a moment."""
        applied = self.recording.sections["m_changes_end"][number]
        stack = self.switches[bisect_right(self.switches, applied - 1, key=lambda each: each[0]) - 1][1]
        spans = [s for s in self.spans if s.first < applied and (s.end is None or s.end >= applied)]
        return [f"{who}: {self._words(who, number, stack, spans)}" for who in self.rows]

    def waited(self, number: int) -> list[tuple[str, str, float]]:
        """Who waited for which lock, and how long (ns) up to a moment."""
        s, found = self.recording.sections, []
        applied, times = s["m_changes_end"][number], s["m_time"]
        for span in self.spans:
            if span.what == "waits" and span.first < applied:
                over = number if span.end is None else min(self.since(span.end), number)
                found.append((span.who, self.lock_of(span), times[over] - times[self.since(span.first)]))
        return found

    def _words(self, who: str, number: int, stack: tuple[str, ...], spans: list[Span]) -> str:
        mine = [span for span in spans if span.who == who]
        waits = next((span for span in mine if span.what == "waits"), None)
        if waits is not None:
            does = f"waits for {self.lock_of(waits)}{self._from(waits, number)}"
        elif stack[-1] == who:
            moving = any(w == who and first <= number < end for w, first, end in self.compacting)
            does = "runs, moves pages" if moving else "runs"
        elif who in stack:
            does = f"in the midst of its work, while {stack[-1]} runs"
        else:
            does = self._rests(who, number)
        held = [f"holds {self.lock_of(s)}{self._from(s, number)}" for s in mine if s.what == "holds"]
        return "; ".join([does, *held])

    def lock_of(self, span: Span) -> str:
        """The name of a span's lock, and how it is held or wanted."""
        return f"{self.recording.header['objects'][span.lock]['label']} ({span.how})"

    def _from(self, span: Span, number: int) -> str:
        since = self.since(span.first)
        times = self.recording.sections["m_time"]
        return f" since {since}" + (f", {duration(times[number] - times[since])}" if self.timed else "")

    def _rests(self, who: str, number: int) -> str:
        state = self.recording.state(number)
        threads = [it for it in state.objects("Kthread") if self._comm(state.get(it, "task")) == who]
        if threads:
            return "has ended" if all(state.get(it, "should_stop") for it in threads) else "asleep"
        mine = [mm for mm in state.objects("Mm") if self._comm(state.get(mm, "task")) == who]
        gone = mine and not any(state.get(mm, "mm_users") for mm in mine)
        return "has exited" if gone else "outside the kernel"


def _name(waiter: str) -> str:
    """``munmap by a`` -> a."""
    return waiter.rpartition(" by ")[2]


def duration(ns: float) -> str:
    """A length of time for people."""
    for unit, size in (("s", 1e9), ("ms", 1e6)):
        if ns >= size:
            return f"{ns / size:.2f} {unit}"
    return f"{ns / 1e3:.2f} µs" if ns else "0 µs"
