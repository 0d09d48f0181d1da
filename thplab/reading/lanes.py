"""Who runs, sleeps, waits for a lock or holds one: the twin of lanes.js and lane_data.js."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from thplab.recording import Recording, State
from thplab.recording.derive.spans import SPANS


@dataclass(frozen=True, slots=True)
class Span:
    """From moment ``first`` until before moment ``end`` ``who`` does ``what`` (of SPANS).

    ``lock``: the number of the object that is held or waited for, 0 for none; ``how``: read or write.
    """

    who: str
    what: str
    first: int
    end: int
    lock: int
    how: str


class Lanes:
    """``rows``: who has a lane, processes first, then the daemons; ``spans`` in order of ``first``."""

    def __init__(self, recording: Recording) -> None:
        """Those of a recording."""
        self.recording = recording
        header, s = recording.header, recording.sections
        self.rows: list[str] = [lane["comm"] for lane in header["lanes"]]
        names = ("s_who", "s_what", "s_first", "s_end", "s_lock", "s_write")
        self.spans = [
            Span(self.rows[who], SPANS[what], first, end, lock, "write" if write else "read")
            for who, what, first, end, lock, write in zip(*(s[name] for name in names), strict=True)
        ]
        #: Does time go by while somebody works, or only while all sleep?
        self.timed = header.get("ledger") is not None

    def lasting(self, number: int) -> list[Span]:
        """The spans that last at a moment."""
        first, outer, found = self.recording.sections["s_first"], self.recording.sections["s_outer"], []
        span = bisect_right(first, number)
        while span:
            if self.spans[span - 1].end > number:
                found.append(self.spans[span - 1])
            span = outer[span - 1]
        return found[::-1]

    def at(self, number: int) -> list[str]:
        """A line for each row: what it does at a moment."""
        spans, state = self.lasting(number), self.recording.state(number)
        return [f"{who}: {self._words(row, number, spans, state)}" for row, who in enumerate(self.rows)]

    def waited(self, number: int) -> list[tuple[str, str, float]]:
        """Who waited for which lock, and how long (ns) up to a moment."""
        times = self.recording.sections["m_time"]
        waits = [span for span in self.spans if span.what == "waits" and span.first <= number]
        return [(s.who, self.lock_of(s), times[min(s.end, number)] - times[s.first]) for s in waits]

    def _words(self, row: int, number: int, spans: list[Span], state: State) -> str:
        mine = {span.what: span for span in spans if span.who == self.rows[row]}
        if "waits" in mine:
            does = f"waits for {self.lock_of(mine['waits'])}{self._from(mine['waits'], number)}"
        elif "runs" in mine:
            does = "runs, moves pages" if "moves" in mine else "runs"
        elif "midst" in mine:
            task = self.recording.header["tasks"][self.recording.sections["m_task"][number]]
            does = f"in the midst of its work, while {task['comm']} runs"
        else:
            does = self._rests(row, state)
        holds = [span for span in spans if span.what == "holds" and span.who == self.rows[row]]
        return "; ".join([does, *(f"holds {self.lock_of(span)}{self._from(span, number)}" for span in holds)])

    def lock_of(self, span: Span) -> str:
        """The name of a span's lock, and how it is held or wanted."""
        return f"{self.recording.header['objects'][span.lock]['label']} ({span.how})"

    def _from(self, span: Span, number: int) -> str:
        times = self.recording.sections["m_time"]
        since = f", {duration(times[number] - times[span.first])}" if self.timed else ""
        return f" since {span.first}{since}"

    def _rests(self, row: int, state: State) -> str:
        lane = self.recording.header["lanes"][row]
        threads = state.existing(lane["threads"])
        if threads:
            return "has ended" if all(state.get(it, "should_stop") for it in threads) else "asleep"
        mms = state.existing(lane["mms"])
        gone = mms and not any(state.get(mm, "mm_users") for mm in mms)
        return "has exited" if gone else "outside the kernel"


def duration(ns: float) -> str:
    """A length of time for people."""
    for unit, size in (("s", 1e9), ("ms", 1e6)):
        if ns >= size:
            return f"{ns / size:.2f} {unit}"
    return f"{ns / 1e3:.2f} µs" if ns else "0 µs"
