"""Kinds of answers: how one is read from text, how it is shown, and what is right."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from string import ascii_lowercase
from typing import Protocol

__all__ = ["AnswerError", "Choice", "Kind", "Number", "Order"]


class AnswerError(ValueError):
    """The text is no answer at all: says what one looks like."""


class Kind(Protocol):
    """What a question needs of its kind. A value is what :meth:`read` returns."""

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        ...

    @property
    def right(self) -> object:
        """The value that is right."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """What there is to choose from, if anything."""
        ...

    def read(self, text: str) -> object:
        """The value that a text means. AnswerError if it means none."""
        ...

    def show(self, value: object) -> str:
        """A value as text."""
        ...


@dataclass(frozen=True)
class Number:
    """An integer; ``unit`` is what is counted. Hexadecimal with 0x, ``,`` and ``_`` between digits."""

    right: int
    unit: str = ""
    options: tuple[str, ...] = field(default=(), init=False)

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        return f"a number ({self.unit})" if self.unit else "a number"

    def read(self, text: str) -> int:
        """The integer in ``text``."""
        plain = re.sub(r"(?<=\w)[,_ ](?=\w)", "", text.strip())
        try:
            return int(plain, 16 if plain.lower().startswith("0x") else 10)
        except ValueError:
            raise AnswerError(f"{text!r} is not a number; type one such as 42 or 0x2a") from None

    def show(self, value: object) -> str:
        """The number with its unit."""
        return f"{value} {self.unit}".strip()


def _letter(text: str, count: int) -> int:
    position = ascii_lowercase.find(text.lower()) if len(text) == 1 else -1
    if not 0 <= position < count:
        raise AnswerError(f"{text!r} is not one of the letters a to {ascii_lowercase[count - 1]}")
    return position


@dataclass(frozen=True)
class Choice:
    """One of several; ``right`` is its position."""

    options: tuple[str, ...]
    right: int

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        return f"a letter, a to {ascii_lowercase[len(self.options) - 1]}"

    @classmethod
    def shuffled(cls, random: Random, right: str, *wrong: str) -> Choice:
        """The options in the order that ``random`` draws."""
        options = [right, *wrong]
        random.shuffle(options)
        return cls(tuple(options), options.index(right))

    def read(self, text: str) -> int:
        """The position that a letter means."""
        return _letter(text.strip(), len(self.options))

    def show(self, value: object) -> str:
        """Letter and option."""
        assert isinstance(value, int)
        return f"{ascii_lowercase[value]}  {self.options[value]}"


@dataclass(frozen=True)
class Order:
    """Some of the options in their order (a Parsons problem): what never happens stays out.

    ``right`` holds positions in ``options``.
    """

    options: tuple[str, ...]
    right: tuple[int, ...]

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        return "letters in order, first thing first"

    def read(self, text: str) -> tuple[int, ...]:
        """The positions that the letters mean."""
        letters = re.findall(r"\w+", text)
        if len(letters) == 1:
            letters = list(letters[0])
        if not letters:
            raise AnswerError("type letters, such as: b a c")
        return tuple(_letter(each, len(self.options)) for each in letters)

    def show(self, value: object) -> str:
        """Letters and options, one a line."""
        assert isinstance(value, tuple)
        return "\n".join(f"{ascii_lowercase[i]}  {self.options[i]}" for i in value)
