"""The lanes of a run as a Chrome trace, for https://ui.perfetto.dev and chrome://tracing.

A thread for each process and daemon and one for the processor; functions are slices, locks held and waited
for are slices of their own (they need not nest), trace lines are instants. Time is the model's: virtual time,
which goes on where the ledger knows what a step costs. What happens at one instant is spread, a nanosecond
for each moment at most, so that what came first stands first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count, groupby, pairwise
from typing import Any

from thplab.reading.calls import Calls
from thplab.reading.lanes import Lanes
from thplab.recording import Recording
from thplab.recording.tracer import NO_FRAME

_MACHINE = 1  # process id of everything: there is one machine
_PROCESSOR = 0  # thread id; the lanes follow from 1 on

Event = dict[str, Any]


def perfetto(recording: Recording) -> str:
    """The text of the file: a JSON object with ``traceEvents``, in the order of time."""
    events = sorted(_Tracer(recording).events(), key=lambda event: event.get("ts", -1.0))
    header = recording.header
    about = {"title": header["title"], "story": header["story"], "kernel": header["kernel"]}
    return json.dumps({"displayTimeUnit": "ns", "otherData": about, "traceEvents": events}, indent=0)


class _Tracer:
    def __init__(self, recording: Recording) -> None:
        self.recording, self.lanes, self.calls = recording, Lanes(recording), Calls(recording)
        self.header, self.sections = recording.header, recording.sections
        self.threads = {name: number for number, name in enumerate(self.lanes.rows, start=_PROCESSOR + 1)}
        self.last = len(recording) - 1
        self.times = _spread(self.sections["m_time"])

    def events(self) -> Iterator[Event]:
        yield from self._names()
        yield from self._processor()
        yield from self._functions()
        yield from self._locks()
        yield from self._lines()

    def _at(self, moment: int) -> float:
        """Microseconds."""
        return round(self.times[min(moment, self.last)] / 1000, 6)

    def _event(self, kind: str, name: str, thread: int, moment: int, **more: Any) -> Event:
        return {"ph": kind, "name": name, "pid": _MACHINE, "tid": thread, "ts": self._at(moment), **more}

    def _slice(self, name: str, thread: int, begin: int, end: int, **args: Any) -> Event:
        length = round(self._at(end) - self._at(begin), 6)
        return self._event("X", name, thread, begin, dur=length, args={"moment": begin, **args})

    def _names(self) -> Iterator[Event]:
        title = f"{self.header['title'] or 'Recording'}, Linux {self.header['kernel']}"
        names = [("process_name", _PROCESSOR, title), ("thread_name", _PROCESSOR, "processor")]
        names += [("thread_name", number, name) for name, number in self.threads.items()]
        for what, thread, name in names:
            yield {"ph": "M", "name": what, "pid": _MACHINE, "tid": thread, "args": {"name": name}}
        for number in range(len(self.threads) + 1):
            order = {"sort_index": number}
            yield {"ph": "M", "name": "thread_sort_index", "pid": _MACHINE, "tid": number, "args": order}

    def _processor(self) -> Iterator[Event]:
        for span in self.lanes.spans:
            if span.what == "runs":
                yield self._slice(span.who, _PROCESSOR, span.first, min(span.end, self.last))

    def _functions(self) -> Iterator[Event]:
        first: dict[int, int] = {}
        final: dict[int, int] = {}
        for moment, frame in enumerate(self.sections["m_frame"]):
            if frame != NO_FRAME:
                first.setdefault(frame, moment)
                final[frame] = moment
        for frame, begin in first.items():
            thread = self.threads.get(self._task(begin))
            ours = self.header["functions"][self.sections["f_function"][frame]]["name"].startswith("__init")
            if thread is not None and not ours and self.header["labels"][self.sections["f_labels"][frame]]:
                yield self._slice(self.calls.name_of(frame), thread, begin, final[frame])

    def _task(self, moment: int) -> str:
        comm: str = self.header["tasks"][self.sections["m_task"][moment]]["comm"]
        return comm

    def _locks(self) -> Iterator[Event]:
        """Slices that overlap as they like: begin and end, told apart by a number."""
        numbers = count(1)
        for span in self.lanes.spans:
            if not span.lock:
                continue
            thread, wanted = self.threads[span.who], " for" if span.what == "waits" else ""
            name = f"{span.who} {span.what}{wanted} {self.lanes.lock_of(span)}"
            both = {"cat": "lock" if span.what == "holds" else "wait", "id": next(numbers)}
            for kind, moment in (("b", span.first), ("e", min(span.end, self.last))):
                yield self._event(kind, name, thread, moment, args={"moment": moment}, **both)

    def _lines(self) -> Iterator[Event]:
        printed = 0
        for moment, end in enumerate(self.sections["m_trace_end"]):
            for line in self.header["trace"][printed:end]:
                thread = self.threads.get(self._task(moment), _PROCESSOR)
                args = {"moment": moment, "line": line["text"].strip()}
                yield self._event("i", line["event"], thread, moment, s="t", args=args)
            printed = end


def _spread(times: Sequence[float]) -> list[float]:
    """Nanoseconds of each moment, ascending: of n moments at one instant each has its own."""
    spread: list[float] = []
    instants = [(time, len(list(group))) for time, group in groupby(times)]
    for (time, length), (later, _) in pairwise([*instants, (float("inf"), 0)]):
        step = min(1.0, (later - time) / (length + 1))
        spread += [time + step * number for number in range(length)]
    return spread
