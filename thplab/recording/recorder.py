"""Record what a machine does: ``with Recorder(kernel) as recorder: ...``, then ``recorder.recording``."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from types import FrameType, TracebackType
from typing import Any, Protocol

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mm_types import Mm
from thplab.mm.include.state import Struct
from thplab.mm.khugepaged import collapse, pages, scan, swapin
from thplab.points import Point
from thplab.recording.assemble import assemble
from thplab.recording.journal import Journal
from thplab.recording.recording import Recording
from thplab.recording.story import Narrator, Told
from thplab.recording.tracer import EVENT, NO_FRAME, RETURN, SWITCH, Tracer, model_file

DEPTHS = ("events", "functions", "lines")

#: The columns of a moment in the order of a row, with their typecodes.
_MOMENT_COLUMNS = {
    "m_kind": "B", "m_frame": "I", "m_line": "I", "m_time": "d", "m_task": "B", "m_changes_end": "I",
    "m_locals_end": "I", "m_trace_end": "I",
}  # fmt: skip

#: Files whose lines are recorded by default.
LINE_FILES = tuple(model_file(module.__file__) for module in (scan, collapse, pages, swapin))


#: A run with more moments is not recorded: it would take gigabytes, and nobody could step through it.
MOST_MOMENTS = 500_000


class RecordingTooLong(RuntimeError):
    """The run has more moments than a recording may have; says what can be done."""

    def __init__(self, title: str, depth: str, most: int) -> None:
        """``title``: of the recording; ``depth``: how it was being recorded."""
        super().__init__(
            f"{title or 'this run'} has more than {most} moments at depth {depth!r} "
            f"(there are {', '.join(DEPTHS)}, the shortest first)"
        )


class Payer(Protocol):
    """Who knows what steps cost, such as a Bill. It calls ``told`` with who paid, for which step in words,
    how many of them, how many ns, and whether an mmap_lock was held for writing.

    ``steps``: all steps in words, in order; ``source``: where the figures come from.
    """

    told: Callable[[str, str, int, int, bool], None] | None

    @property
    def steps(self) -> list[str]:
        """All steps in words."""

    @property
    def source(self) -> str:
        """Where the figures come from, and what they are good for."""


class Recorder:
    """Records one machine for as long as the block lasts.

    ``depth``: ``events`` (trace events and state only), ``functions`` (calls and returns as well) or
    ``lines`` (and each line of ``files``, with its local variables). ``focus``: the window that a
    view opens on, as (mm, address). Only what happens on this machine is recorded, whatever else the
    block does. ``most``: moments that it may have. Raises ValueError for an unknown depth or a process of
    another machine, RuntimeError if another recording runs; RecordingTooLong out of the model's code when
    it has ``most`` moments: that machine is in the middle of something, and of no use any more.
    """

    def __init__(
        self,
        kernel: Kernel,
        depth: str = "lines",
        files: Iterable[str] = LINE_FILES,
        *,
        title: str = "",
        story: str = "",
        scenario: Mapping[str, Any] | None = None,
        focus: tuple[Mm, int] | None = None,
        most: int = MOST_MOMENTS,
    ) -> None:
        """Nothing is recorded yet."""
        if depth not in DEPTHS:
            raise ValueError(f"depth {depth!r}; allowed: {', '.join(DEPTHS)}")
        if focus is not None and focus[0].kernel is not kernel:
            raise ValueError(
                f"focus: process {focus[0].name!r} runs on another machine than the recorded one"
            )
        self.kernel = kernel
        self.depth = depth
        self.title, self.story, self.scenario, self.focus = title, story, dict(scenario or {}), focus
        self.journal = Journal(kernel, self._on_field)
        self.tracer = Tracer(self, frozenset(files), lines=depth == "lines")
        self.first_event = len(kernel.tracing.events)
        #: One tuple a moment: a quick append while the model waits; columns are made of them at the end.
        self._rows: list[tuple[int, int, int, int, int, int, int, int]] = []
        self._narrator = Narrator(kernel, focus[1] if focus else 0)
        #: Moment and what is told there, in the order of the moments.
        self.told: list[tuple[int, Told]] = []
        self.tasks: dict[tuple[str, int], int] = {}
        self._news: Told | None = None
        #: The first moment of each step of the scenario, and what became of the intruders in it.
        self.steps: list[int] = []
        self.intruders: list[dict[str, Any]] = []
        self.payer: Payer | None = None
        #: Number of the first moment that shows it, then as ``Payer.told``.
        self.paid: list[tuple[int, str, str, int, int, bool]] = []
        self._ended = False
        self._most, self._room = most, most
        self._recording: Recording | None = None

    def __enter__(self) -> Recorder:
        """Begin. RuntimeError if another recording runs, or this one has been made already."""
        if self._rows:
            raise RuntimeError("this recorder has been used; make another one")
        self.journal.__enter__()
        self.moment(RETURN, NO_FRAME, 0)  # the state before anything happened
        if self.depth != "events":
            self.tracer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, whatever happened; the last moment shows the final state."""
        if self.depth != "events":
            self.tracer.stop()
        self.journal.__exit__()
        if kind is RecordingTooLong:
            return
        self.journal.finish()
        self.moment(RETURN, NO_FRAME, 0)
        self._ended = True

    @property
    def recording(self) -> Recording:
        """What was recorded; RuntimeError while the block still runs."""
        if self._recording is None:
            if not self._ended:
                raise RuntimeError("nothing was recorded yet: use the recorder in a with block first")
            self._recording = Recording(*assemble(self))
        return self._recording

    def begin_step(self) -> None:
        """A step of the scenario begins with the next moment."""
        self.steps.append(len(self._rows))

    def follow(self, payer: Payer) -> None:
        """Record what steps cost, too."""
        self.payer = payer
        payer.told = lambda *cost: self.paid.append((len(self._rows), *cost))

    def moments(self) -> dict[str, array[Any]]:
        """The columns of the moments, as docs/recording-format.md names them."""
        columns = zip(_MOMENT_COLUMNS.items(), zip(*self._rows, strict=True), strict=True)
        return {name: array(code, column) for (name, code), column in columns}

    def moment(self, kind: int, frame: int, line: int) -> None:
        """Append a moment; its state is all that changed so far."""
        if not self._room:
            raise RecordingTooLong(self.title, self.depth, self._most)
        self._room -= 1
        kernel = self.kernel
        current = kernel.current
        news, self._news = self._news, None
        who = (current.comm, current.pid)
        self._rows.append(
            (
                kind,
                frame,
                line,
                kernel.clock.now,
                self.tasks.get(who) or self.tasks.setdefault(who, len(self.tasks)),
                len(self.journal.cell),
                len(self.tracer.l_name),
                kernel.tracing.nr_written - self.first_event,
            )
        )
        if news is not None:
            self._tell(news)

    def _tell(self, told: Told | None) -> None:
        """Tell it at the moment just appended; of two at one moment the one that matters more."""
        if told is None:
            return
        here = len(self._rows) - 1
        if self.told and self.told[-1][0] == here:
            if told.template.rank < self.told[-1][1].template.rank:
                return
            del self.told[-1]
        self.told.append((here, told))

    def narrate_call(self, point: Point, frame: FrameType, entered: bool) -> None:
        """Tell of the moment just appended, a call or the wakeup of a generator."""
        self._tell(self._narrator.called(point, frame, goes_on=not entered))

    def narrate_return(self, point: Point, frame: FrameType, returned: Any) -> None:
        """Tell of the moment just appended, a return."""
        self._tell(self._narrator.returned(point, frame, returned))

    def narrate_entry(self, frame: FrameType) -> None:
        """Tell of the moment just appended, at which a loop is done with an entry."""
        self._tell(self._narrator.entry(frame))

    def _on_field(self, struct: Struct, name: str) -> None:
        number = self.tracer.stack[-1] if self.tracer.stack else NO_FRAME
        frame = self.tracer.frame(number) if self.tracer.stack else None
        if name == "nr_written" and struct is self.kernel.tracing:
            self.moment(EVENT, number, self._rows[-1][2])
            self._tell(self._narrator.printed(self.kernel.tracing.events[-1], frame))
            return
        told = self._narrator.changed(struct, name, frame)
        if name == "current" and struct is self.kernel and self.depth == "events":
            self.moment(SWITCH, NO_FRAME, 0)  # deeper recordings have calls that show it
            self._tell(told)
        elif told is not None and (self._news is None or told.template.rank >= self._news.template.rank):
            self._news = told  # at the next moment, the first that shows the change
