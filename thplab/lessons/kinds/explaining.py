"""A kind of answer: a sentence or two in one's own words, looked through for what must be said.

Words are found, not understood: what is missing is named, and the reader judges the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from thplab.lessons.kinds.simple import AnswerError

_LEAST_WORDS = 8


@dataclass(frozen=True)
class Point:
    """Something that must be said: ``least`` of these ``ways``, each a pattern of words that say it."""

    ways: tuple[str, ...]
    least: int = 1

    def found(self, text: str) -> int:
        """How many of the ways are in a text."""
        return sum(re.search(way, text, re.IGNORECASE) is not None for way in self.ways)


@dataclass(frozen=True)
class Explain:
    """``points``: what must be said -> how it may be said; ``right`` is an answer that says all of it."""

    points: Mapping[str, Point]
    right: str
    options: tuple[str, ...] = field(default=(), init=False)

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        return "one or two sentences of your own"

    @property
    def key(self) -> str:
        """A right answer."""
        return self.right

    @property
    def listing(self) -> tuple[str, ...]:
        """There is nothing to choose from."""
        return ()

    def read(self, text: str) -> str:
        """The sentences."""
        if len(text.split()) < _LEAST_WORDS:
            raise AnswerError(f"{len(text.split())} words are no explanation; type {self.ask}")
        return " ".join(text.split())

    def show(self, value: object) -> str:
        """The sentences."""
        return str(value)

    def accepts(self, value: object) -> bool:
        """Is everything said?"""
        return not self._missing(str(value))

    def gap(self, value: object) -> str:
        """What is not said yet."""
        missing = self._missing(str(value))
        said = len(self.points) - len(missing)
        return f"{said} of {len(self.points)} things are said. Not found: {'; '.join(missing)}."

    def _missing(self, text: str) -> list[str]:
        return [
            f"{what} ({found} of {point.least})" if point.least > 1 else what
            for what, point in self.points.items()
            if (found := point.found(text)) < point.least
        ]
