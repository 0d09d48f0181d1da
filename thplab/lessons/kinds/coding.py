"""A kind of answer: a few lines of Python, held against what the model does."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

from thplab.lessons.kinds.simple import AnswerError

#: Lines of code that an answer may have.
LONGEST = 12
#: Lines that it may execute: more is a loop without an end.
_MOST_STEPS = 200_000
_FILE = "<your code>"

#: Runs the function on cases; what went wrong, in words, and empty if nothing did.
Checker = Callable[[Callable[..., Any]], str]


class _TooLong(Exception):
    """The code goes on and on."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Code, and what is wrong with it; empty if it is right."""

    source: str
    fault: str


@dataclass(frozen=True)
class Code:
    """A function to write. ``template`` is its beginning; ``example`` an answer that is right.

    ``checker`` gets the function and holds it against runs of the model.
    """

    function: str
    template: str
    example: str
    checker: Checker
    options: tuple[str, ...] = field(default=(), init=False)

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        return f"the function {self.function}, in {LONGEST} lines at most"

    @property
    def right(self) -> Attempt:
        """The example."""
        return Attempt(self.example, "")

    @property
    def key(self) -> str:
        """The example."""
        return self.example

    @property
    def listing(self) -> tuple[str, ...]:
        """The lines to begin with."""
        return tuple(self.template.splitlines())

    def read(self, text: str) -> Attempt:
        """Compile the lines and run the checker on them."""
        lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
        if len(lines) > LONGEST:
            raise AnswerError(f"{len(lines)} lines; {LONGEST} are enough")
        try:
            tree = ast.parse(text, _FILE)
        except SyntaxError as error:
            raise AnswerError(f"line {error.lineno}: {error.msg}") from None
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        if self.function not in names:
            raise AnswerError(f"there is no function {self.function}; begin with: {self.listing[0]}")
        return Attempt(text, self._fault(compile(tree, _FILE, "exec")))

    def _fault(self, code: CodeType) -> str:
        space: dict[str, Any] = {}
        try:
            with _Watch():
                exec(code, space)  # noqa: S102 - the reader's own code, in the reader's own kernel
                return self.checker(space[self.function])
        except _TooLong:
            return f"It goes on and on: after {_MOST_STEPS} steps it was stopped. Does its loop end?"
        except Exception as error:
            return f"{_line_of(error)} raised {type(error).__name__}: {error}."

    def show(self, value: object) -> str:
        """The lines."""
        assert isinstance(value, Attempt)
        return value.source.strip("\n")

    def accepts(self, value: object) -> bool:
        """The checker found nothing."""
        assert isinstance(value, Attempt)
        return not value.fault

    def gap(self, value: object) -> str:
        """What the checker found."""
        assert isinstance(value, Attempt)
        return value.fault


def _line_of(error: Exception) -> str:
    """The place in the answer's code that an error came through last."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"Line {line} of your code" if line else "Your code"


class _Watch:
    """Counts the lines of the answer's code while it runs; a debugger that was there comes back."""

    def __init__(self) -> None:
        self._steps = 0

    def __enter__(self) -> None:
        self._before = sys.gettrace()
        sys.settrace(self._call)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _call(self, frame: FrameType, event: str, arg: object) -> Any:
        return self._line if frame.f_code.co_filename == _FILE else None

    def _line(self, frame: FrameType, event: str, arg: object) -> Any:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise _TooLong
        return self._line
