"""Kinds of answers: how one is read from text, how it is shown, and what is right."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from string import ascii_lowercase
from typing import Protocol


class AnswerError(ValueError):
    """The text is no answer at all: says what one looks like."""


class Kind(Protocol):
    """What a question needs of its kind. A value is what :meth:`read` returns.

    Where many answers are right (a window to paint, code to write) ``right`` is one of them.
    """

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

    @property
    def key(self) -> str:
        """A right answer, as one would type it."""
        ...

    @property
    def listing(self) -> tuple[str, ...]:
        """The options as lines of text, each with the letter or number that names it."""
        ...

    def read(self, text: str) -> object:
        """The value that a text means. AnswerError if it means none."""
        ...

    def show(self, value: object) -> str:
        """A value as text."""
        ...

    def accepts(self, value: object) -> bool:
        """Is this value right?"""
        ...

    def gap(self, value: object) -> str:
        """Where a wrong value parts from the right one; empty if there is nothing to say."""
        ...


class Exact:
    """Of a kind with one right value, and with nothing to choose from."""

    right: object
    options: tuple[str, ...]

    @property
    def listing(self) -> tuple[str, ...]:
        """The options, each with its letter."""
        return lettered(self.options)

    def accepts(self, value: object) -> bool:
        """Is it the right value?"""
        return value == self.right

    def gap(self, value: object) -> str:
        """Nothing more is known about a wrong value."""
        return ""


def lettered(options: tuple[str, ...]) -> tuple[str, ...]:
    """Each option after its letter."""
    return tuple(f"{name}  {text}" for name, text in zip(ascii_lowercase, options, strict=False))


@dataclass(frozen=True)
class Number(Exact):
    """An integer; ``unit`` is what is counted. Hexadecimal with 0x, ``,`` and ``_`` between digits."""

    right: int
    unit: str = ""
    options: tuple[str, ...] = field(default=(), init=False)

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        return f"a number ({self.unit})" if self.unit else "a number"

    @property
    def key(self) -> str:
        """The number in digits."""
        return str(self.right)

    def read(self, text: str) -> int:
        """The integer in ``text``."""
        plain = re.sub(r"(?<=\w)[,_ ](?=\w)", "", text.strip())
        try:
            return int(plain, 16 if plain.lower().startswith("0x") else 10)
        except ValueError:
            raise AnswerError(f"{text!r} is not a number; type one such as 42 or 0x2a") from None

    def show(self, value: object) -> str:
        """The number with its unit."""
        return f"{value} {_singular(self.unit) if value == 1 else self.unit}".strip()


def _singular(unit: str) -> str:
    return f"{unit[:-3]}y" if unit.endswith("ies") else unit.removesuffix("s")


def letter(text: str, count: int) -> int:
    """The position of a letter among the first ``count``. AnswerError if it is none of them."""
    position = ascii_lowercase.find(text.lower()) if len(text) == 1 else -1
    if not 0 <= position < count:
        raise AnswerError(f"{text!r} is not one of the letters a to {ascii_lowercase[count - 1]}")
    return position


@dataclass(frozen=True)
class Choice(Exact):
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

    @property
    def key(self) -> str:
        """The letter."""
        return ascii_lowercase[self.right]

    def read(self, text: str) -> int:
        """The position that a letter means."""
        return letter(text.strip(), len(self.options))

    def show(self, value: object) -> str:
        """Letter and option."""
        assert isinstance(value, int)
        return f"{ascii_lowercase[value]}  {self.options[value]}"


@dataclass(frozen=True)
class Order(Exact):
    """Some of the options in their order (a Parsons problem): what never happens stays out.

    ``right`` holds positions in ``options``.
    """

    options: tuple[str, ...]
    right: tuple[int, ...]

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        return "letters in order, first thing first"

    @property
    def key(self) -> str:
        """The letters."""
        return " ".join(ascii_lowercase[position] for position in self.right)

    def read(self, text: str) -> tuple[int, ...]:
        """The positions that the letters mean."""
        letters = re.findall(r"\w+", text)
        if len(letters) == 1:
            letters = list(letters[0])
        if not letters:
            raise AnswerError("type letters, such as: b a c")
        return tuple(letter(each, len(self.options)) for each in letters)

    def show(self, value: object) -> str:
        """Letters and options, one a line."""
        assert isinstance(value, tuple)
        return "\n".join(f"{ascii_lowercase[i]}  {self.options[i]}" for i in value)

    def gap(self, value: object) -> str:
        """How far it is right."""
        assert isinstance(value, tuple)
        good = 0
        while good < min(len(value), len(self.right)) and value[good] == self.right[good]:
            good += 1
        if good == len(value):
            return f"Right so far, but something is missing after the {len(value)} that you gave."
        if good == len(self.right):
            return f"The first {good} are right; what comes after them never happens."
        return (
            f"The first {good} are right; look again at number {good + 1}."
            if good
            else "Look at the first one."
        )
