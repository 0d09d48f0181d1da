"""The tracer: the Python lines of the model as they execute, seen through sys.settrace.

What is recorded is the code that runs. A *moment* is a line about to run, a call, a return or a
trace event; the columns below have one item for each. The trace function that was set before
(coverage, a debugger) is put back afterwards.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from thplab import mm
from thplab.mm.include.sched import Wait
from thplab.mm.include.state import Struct
from thplab.points import OWNER, WINDOW_ADDRESS, Point, point_of
from thplab.recording.owner import kernel_at_work
from thplab.recording.quiet import is_quiet
from thplab.recording.story import LOOPS

if TYPE_CHECKING:
    from thplab.recording.recorder import Recorder

__all__ = ["CALL", "EVENT", "LINE", "NO_FRAME", "RETURN", "SWITCH", "FunctionInfo", "Tracer", "model_file"]

LINE, CALL, RETURN, EVENT, SWITCH = 0, 1, 2, 3, 4

#: The frame of a moment outside every recorded function.
NO_FRAME = 0xFFFFFFFF

_MM = Path(mm.__file__).parent
_PLACES = frozenset({*WINDOW_ADDRESS, *OWNER})


def model_file(path: str | None) -> str:
    """A source file of the model as recordings name it: ``thplab/mm/khugepaged/scan.py``."""
    return f"thplab/mm/{Path(path or '').relative_to(_MM).as_posix()}"


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """A function of the model that is recorded, and whether its lines are."""

    number: int
    code: CodeType
    file: str
    lines: bool
    params: tuple[str, ...]
    point: Point | None
    #: The lines at which a loop over a table is done with an entry.
    loops: frozenset[int]

    @property
    def name(self) -> str:
        """The function's name."""
        return self.code.co_name

    @property
    def line(self) -> int:
        """The line of its ``def``."""
        return self.code.co_firstlineno


class Tracer:
    """Records calls, returns and lines into columns."""

    def __init__(self, recorder: Recorder, files: frozenset[str], *, lines: bool) -> None:
        """``files`` of the model (:func:`model_file`), of which lines and variables are recorded.

        Without ``lines`` of the variables only those arguments that say which window is worked on.
        """
        self._recorder = recorder
        self._files, self._lines = files, lines
        #: By id, and the code kept: hashing a code object costs more than all the rest of a call.
        self._quiet: dict[int, CodeType] = {}
        self._shown: dict[int, FunctionInfo] = {}
        self.functions: list[FunctionInfo] = []
        self._frames: dict[int, int] = {}
        self._alive: list[FrameType] = []
        self._last_locals: dict[int, dict[str, Any]] = {}
        self.stack: list[int] = []
        self._elsewhere = False  # a function works for another machine
        self._raised: FrameType | None = None  # an exception is on its way through this frame
        self.f_function, self.f_parent, self.f_call_line = array("H"), array("I"), array("I")
        self.f_args: list[dict[str, Any]] = []
        self.l_name, self.l_kind = array("H"), array("B")
        self.l_lo, self.l_hi = array("I"), array("I")
        self.names: dict[str, int] = {}
        self._before: Any = None
        self._line_hook, self._return_hook = self._on_line, self._on_return

    def start(self) -> None:
        """Begin to trace this thread."""
        self._before = sys.gettrace()
        sys.settrace(self._on_call)

    def stop(self) -> None:
        """Put back the trace function that was set before, and leave the frames as they were.

        A generator that is never resumed would keep the run in memory: Python's garbage collector does not
        look into what its frame is traced by.
        """
        sys.settrace(self._before)
        for frame in self._alive:  # generators that go on later
            frame.f_trace_lines = True
            frame.f_trace = None
        self._alive.clear()
        self._frames.clear()
        self._last_locals.clear()
        self.stack.clear()

    def frame(self, number: int) -> FrameType:
        """The living frame of a function on the stack."""
        return self._alive[number]

    def _is_quiet(self, code: CodeType) -> bool:
        """True, and remembered, for a function whose calls are not recorded."""
        quiet = not code.co_filename.startswith(str(_MM)) or is_quiet(code)
        if quiet:
            self._quiet[id(code)] = code
        return quiet

    def _info(self, code: CodeType) -> FunctionInfo:
        """Number a function."""
        file = model_file(code.co_filename)
        params = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        number, lines = len(self.functions), self._lines and file in self._files
        loops = LOOPS.get(id(code), frozenset())
        info = FunctionInfo(number, code, file, lines, params, point_of(code), loops)
        self.functions.append(info)
        self._shown[id(code)] = info
        return info

    def _on_call(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        if self._elsewhere or id(code) in self._quiet:
            return None
        info = self._shown.get(id(code))
        if info is None and self._is_quiet(code):
            return None
        entered = frame.f_lineno == code.co_firstlineno  # else a generator that goes on
        if not (entered and self.stack) and kernel_at_work(frame) is not self._recorder.kernel:
            self._elsewhere = True
            frame.f_trace_lines = False
            return self._leave_elsewhere
        info = info or self._info(code)
        number = self._frames.get(id(frame))
        if number is None:
            number = self._new_frame(frame, info)
        self.stack.append(number)
        self._recorder.moment(CALL, number, frame.f_lineno)
        if info.point is not None:
            self._recorder.narrate_call(info.point, frame, entered)
        if not info.lines:
            frame.f_trace_lines = False
            return self._return_hook
        return self._line_hook

    def _leave_elsewhere(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
        """In a function for another machine, or a kernel thread of one that the garbage collector closes."""
        if event == "return":
            self._elsewhere = False
            frame.f_trace_lines = True
        return self._leave_elsewhere

    def _new_frame(self, frame: FrameType, info: FunctionInfo) -> int:
        number = self._frames[id(frame)] = len(self.f_function)
        self._alive.append(frame)
        self.f_function.append(info.number)
        self.f_parent.append(self.stack[-1] + 1 if self.stack else 0)
        self.f_call_line.append(self._caller_line(frame))
        values = frame.f_locals
        self.f_args.append({name: values[name] for name in info.params if name in values})
        self._last_locals[number] = {}
        if info.file in self._files and not info.lines:  # then arguments say which window is worked on
            for name in info.params:
                if name in _PLACES and name in values:
                    self._note_value(name, values[name])
        return number

    def _caller_line(self, frame: FrameType) -> int:
        """The line in the recorded caller from which the call came, over unrecorded frames."""
        caller = frame.f_back
        while caller is not None and id(caller) not in self._frames:
            caller = caller.f_back
        return caller.f_lineno if caller is not None else 0

    def _on_line(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
        number = self.stack[-1]
        if event == "line":
            self._note_locals(number, frame)
            self._recorder.moment(LINE, number, frame.f_lineno)
            if frame.f_lineno in self.functions[self.f_function[number]].loops:
                self._recorder.narrate_entry(frame)
        elif event == "return":
            self._note_locals(number, frame)
            self._leave(number, frame, arg)
        elif event == "exception":
            self._raised = frame
        return self._line_hook

    def _on_return(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
        if event == "return":
            self._leave(self.stack[-1], frame, arg)
        elif event == "exception":
            self._raised = frame
        return self._return_hook

    def _leave(self, number: int, frame: FrameType, arg: Any) -> None:
        self._recorder.moment(RETURN, number, frame.f_lineno)
        point = self.functions[self.f_function[number]].point
        # A yield or an exception has no sentence.
        if point is not None and not isinstance(arg, Wait) and self._raised is not frame:
            self._recorder.narrate_return(point, frame, arg)
        self._raised = None
        self.stack.pop()

    def _note_locals(self, number: int, frame: FrameType) -> None:
        """Write down the variables that changed since the last line of the same frame."""
        last, values = self._last_locals[number], frame.f_locals
        if values == last:
            return
        for name, value in values.items():
            if last.get(name, self) is value:
                continue
            if value is None or isinstance(value, (int, str, Enum, Struct)):
                self._note_value(name, value)
        self._last_locals[number] = dict(values)

    def _note_value(self, name: str, value: object) -> None:
        kind, lo, hi = self._recorder.journal.cells.encode(value)
        self.l_name.append(self.names.setdefault(name, len(self.names)))
        self.l_kind.append(kind)
        self.l_lo.append(lo)
        self.l_hi.append(hi)
