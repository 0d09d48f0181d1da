"""A kind of answer: a window that one paints, and that the model then looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from thplab.lessons.kinds.simple import AnswerError
from thplab.lessons.runs.looking import Look, look
from thplab.scenario import ScenarioError
from thplab.scenario.windows import KINDS, window

#: What is wrong with a window (its pages, what the run showed), in words; empty if nothing is.
Wish = Callable[[Sequence[str], Look], str]


@dataclass(frozen=True, slots=True)
class Painted:
    """A window in words, what the run made of it, and what is wrong with that; empty if it is right."""

    text: str
    look: Look
    fault: str


@dataclass(frozen=True)
class Paint:
    """``example``: a window that is right. ``wish`` judges the run of any window under ``settings``."""

    wish: Wish
    example: str
    kernel: str = "6.18"
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = field(default=(), init=False)

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        return "a window, e.g. 100x young, 412x none"

    @property
    def right(self) -> Painted:
        """The example, as the run has it."""
        return self.read(self.example)

    @property
    def key(self) -> str:
        """The example."""
        return self.example

    @property
    def listing(self) -> tuple[str, ...]:
        """What a page can be."""
        return tuple(f"{kind}: {meaning}" for kind, meaning in KINDS.items())

    def read(self, text: str) -> Painted:
        """Paint the window and let khugepaged look at it."""
        try:
            pages = window(text)
            seen = look(text, self.kernel, **self.settings)
        except ScenarioError as error:
            raise AnswerError(str(error)) from None
        return Painted(text.strip(), seen, self.wish(pages, seen))

    def show(self, value: object) -> str:
        """The window and what the run says to it."""
        assert isinstance(value, Painted)
        where = "" if value.look.stopped is None else f" at entry {value.look.stopped}"
        return f"{value.text}: {value.look.status}{where}"

    def accepts(self, value: object) -> bool:
        """Nothing is wrong with it."""
        assert isinstance(value, Painted)
        return not value.fault

    def gap(self, value: object) -> str:
        """What is wrong with it."""
        assert isinstance(value, Painted)
        return f"{self.show(value)}. {value.fault}"
