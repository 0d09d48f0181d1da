"""Asks the tellers while a recording runs."""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import FrameType
from typing import Any

from thplab.kernels import ScanResult
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.state import Struct
from thplab.mm.include.trace_events import TraceEvent
from thplab.points import ENTRY, Locals, Point, point_of
from thplab.recording.story import tellers
from thplab.recording.story.tellers import At, Known
from thplab.recording.story.template import Told
from thplab.recording.story.windows import VERDICT_POINTS, decided


def _loop_lines(point: Point) -> frozenset[int]:
    """The lines on which the loops of a function over the entries of a table begin, each time anew."""
    lines, first = inspect.getsourcelines(point.function)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    loops = (node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While))
    heads = (
        node for node in loops if ENTRY in {n.id for n in ast.walk(_head(node)) if isinstance(n, ast.Name)}
    )
    return frozenset(node.lineno + first - 1 for node in heads)


def _head(loop: ast.For | ast.While) -> ast.expr:
    return loop.target if isinstance(loop, ast.For) else loop.test


#: Function with a teller of its entries -> the lines at which an entry is done.
LOOPS = {id(point.code): _loop_lines(point) for point in tellers.ENTRIES}


class Narrator:
    """What is told of one machine. ``region``: the address from which windows are counted."""

    def __init__(self, kernel: Kernel, region: int) -> None:
        """Nothing has been told yet."""
        self._kernel, self._region, self._known = kernel, region, Known()

    def _at(self, frame: FrameType | None) -> At:
        return At(self._kernel, frame, self._region, self._known)

    def called(self, point: Point, frame: FrameType, *, goes_on: bool) -> Told | None:
        """A function is entered, or ``goes_on`` after a sleep."""
        tell = (tellers.WAKEUPS if goes_on else tellers.CALLS).get(point)
        return tell and tell(Locals(point, frame.f_locals), self._at(frame))

    def returned(self, point: Point, frame: FrameType, value: Any) -> Told | None:
        """A function is left with ``value``."""
        tell = tellers.RETURNS.get(point)
        return tell and tell(Locals(point, frame.f_locals), value, self._at(frame))

    def entry(self, frame: FrameType) -> Told | None:
        """A loop is done with an entry."""
        point, values = point_of(frame.f_code), frame.f_locals
        if point is None or ENTRY not in values:
            return None
        return tellers.ENTRIES[point](Locals(point, values), self._at(frame))

    def changed(self, struct: Struct, field: str, frame: FrameType | None) -> Told | None:
        """A field has another value."""
        tell = tellers.CHANGES.get((type(struct).__name__, field))
        return tell and tell(struct, self._at(frame))

    def printed(self, event: TraceEvent, frame: FrameType | None) -> Told | None:
        """A trace line is printed: what it says, or the verdict that its function is about to return."""
        if (tell := tellers.EVENTS.get(event.name)) is not None and (told := tell(event, self._at(frame))):
            return told
        point = None if frame is None else point_of(frame.f_code)
        if frame is None or point not in VERDICT_POINTS:
            return None
        local = Locals(point, frame.f_locals)
        result = local.get("result")
        return decided(local, result, self._at(frame)) if isinstance(result, ScanResult) else None
