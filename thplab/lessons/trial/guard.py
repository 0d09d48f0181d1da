"""A clock on a student's code in this very Python: past its time, each instruction raises ``Expired``.

It reaches code that Python interprets, also what ``exec`` is given, and, from Python 3.12 on, code that
catches everything. It does not reach what C code does by itself: a sleep, or ``sum(iter(int, 1))``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from thplab.lessons.trial.perform import Expired

_NAME = "thplab answers"


@contextmanager
def guarded(seconds: float) -> Iterator[None]:
    """For so many seconds the block is as any other."""
    end = time.monotonic() + seconds
    with _monitored(end) if hasattr(sys, "monitoring") else _traced(end):
        yield


def _watched(code: CodeType) -> bool:
    """Typed by the student: code without a file, but for Python's own."""
    return code.co_filename.startswith("<") and not code.co_filename.startswith("<frozen")


@contextmanager
def _monitored(end: float) -> Iterator[None]:
    """Python 3.12 and newer."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore] # not known to all versions
    events, clock = monitoring.events, time.monotonic
    tool = next(number for number in range(5, -1, -1) if monitoring.get_tool(number) is None)

    def starts(code: CodeType, offset: int) -> Any:
        if _watched(code):
            monitoring.set_local_events(tool, code, events.INSTRUCTION)
        return monitoring.DISABLE

    def instruction(code: CodeType, offset: int) -> None:
        if clock() > end:
            raise Expired

    monitoring.use_tool_id(tool, _NAME)
    try:
        monitoring.register_callback(tool, events.PY_START, starts)
        monitoring.register_callback(tool, events.INSTRUCTION, instruction)
        monitoring.set_events(tool, events.PY_START)
        yield
    finally:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, events.PY_START, None)
        monitoring.register_callback(tool, events.INSTRUCTION, None)
        monitoring.free_tool_id(tool)
        monitoring.restart_events()


@contextmanager
def _traced(end: float) -> Iterator[None]:
    """Python 3.11. It takes a trace function away that has raised: code that catches ``Expired`` goes on."""
    clock = time.monotonic

    def called(frame: FrameType, event: str, arg: object) -> Any:
        if not _watched(frame.f_code):
            return None
        frame.f_trace_opcodes = True
        return instruction

    def instruction(frame: FrameType, event: str, arg: object) -> Any:
        if clock() > end:
            raise Expired
        return instruction

    before = sys.gettrace()
    set_trace = sys.settrace
    sys.settrace(called)
    sys.settrace = lambda _: None  # the code can't switch it off
    try:
        yield
    finally:
        sys.settrace = set_trace
        sys.settrace(before)
