"""One moment of a recording, read: the state, the call stack, the window, and the sentence about it."""

from __future__ import annotations

from functools import cached_property

from thplab.reading.calls import Calls
from thplab.reading.lanes import Lanes
from thplab.reading.window import read_window
from thplab.recording import Moment, Recording, State
from thplab.recording.tracer import NO_FRAME


class Reader:
    """A recording, with what is the same for all its moments."""

    def __init__(self, recording: Recording) -> None:
        """For ``recording``."""
        self.recording, self.header = recording, recording.header
        self.calls = Calls(recording)
        self.lines: dict[str, list[str]] = {
            source["file"]: source["text"].split("\n") for source in self.header["sources"]
        }

    @cached_property
    def lanes(self) -> Lanes:
        """Who runs, waits and holds which lock."""
        return Lanes(self.recording)

    def read(self, number: int) -> ReadMoment:
        """A moment, read. IndexError outside the recording."""
        return ReadMoment(self, number)


class ReadMoment:
    """One moment, read: what every section of the text and the drawn picture ask for.

    ``stack``: calls, innermost first; ``place``: the innermost whose source is in the recording;
    ``window``: None without one in focus; ``cursor``: the entry that is being read, or -1.
    """

    def __init__(self, reader: Reader, number: int) -> None:
        """Made by :meth:`Reader.read`."""
        self.reader, self.recording, self.header = reader, reader.recording, reader.header
        self.number = number
        self.moment: Moment = self.recording.moment(number)
        self.state: State = self.recording.state(number)
        self.stack = self.recording.stack(number)
        self.place = next((call for call in self.stack if call.file in reader.lines), None)
        focus = self.recording.sections["m_window"][number]
        self.window = read_window(self.recording, number, self.state, focus) if focus else None
        self.cursor = self.recording.sections["m_entry"][number] - 1

    def line(self, file: str, number: int) -> str:
        """A line of the source; empty if the recording does not have it."""
        lines = self.reader.lines.get(file, [])
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def head(self) -> list[str]:
        """Where we are, the sentence, and what this very moment is."""
        m = self.moment
        place = f"Moment {m.number} of {len(self.recording) - 1}: {m.kind}, {m.task}"
        return [f"{place}, {self.clock()}", self.sentence(), self.what()]

    def clock(self) -> str:
        """The virtual time; a recording in which nothing took any time has no clock to show."""
        times = self.recording.sections["m_time"]
        return f"{self.moment.time_ns / 1e9:.6f} s" if times[0] != times[-1] else "no clock"

    def sentence(self) -> str:
        """What happened and why."""
        return self.recording.sentence(self.number)

    def what(self) -> str:
        """The line about to run, a call, a return, or a trace event."""
        m = self.moment
        if m.kind == "event":
            return f"Prints {self.header['trace'][m.trace_lines - 1]['event']}."
        if m.kind == "switch":
            return self.who_runs()
        if m.frame == NO_FRAME:
            return "The recording ends here." if m.number else "Before the first step."
        name = self.reader.calls.name_of(m.frame)
        if m.kind == "line":
            return f"Line {m.line} runs next: {self.line(m.file, m.line)}"
        return f"{'Enters' if m.kind == 'call' else 'Leaves'} {name}."

    def who_runs(self) -> str:
        """At a moment at which another task goes on."""
        comm, _, pid = self.moment.task.rpartition("-")
        return f"{comm} runs now." if pid != "0" else "No task runs now."

    def source_around(self, around: int) -> list[tuple[int, str, bool]]:
        """(number, line, whether it runs next) of the source around the place; empty without one."""
        if self.place is None:
            return []
        lines, line = self.reader.lines[self.place.file], self.place.line
        numbers = range(max(line - around, 1), min(line + around, len(lines)) + 1)
        return [(number, lines[number - 1], number == line) for number in numbers]
