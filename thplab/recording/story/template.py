"""Sentences: a text with the names of its values, and the values. The browser fills the same text alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

#: What a text is filled with: numbers, and words that come from the run.
Value = int | str

#: ``{name}``, or ``{name|page|pages}``: the number and the word that goes with it. ``{Name}``: the value of
#: ``name`` as the first word of a sentence. Names of tasks keep their case there, too.
_HOLE = re.compile(r"\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}")


class Rank(IntEnum):
    """How much a sentence matters: each entry of a loop, or the steps of the story; else a detail."""

    DETAIL = 0
    ENTRY = 1
    STORY = 2


@dataclass(frozen=True, slots=True, eq=False)  # each is made once: compared by identity
class Template:
    """What is told of one ``kind`` of happening. ``text``: what has happened, then why; no typed numbers.

    ``names``: of the values that the text has holes for.
    """

    kind: str
    text: str
    rank: Rank
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Read the text once: a loop makes a sentence of it at every entry."""
        object.__setattr__(self, "names", holes(self.text))

    def tell(self, **values: Value) -> Told:
        """The sentence with these values: all that the text names, and others that a picture shows."""
        for name in self.names:
            if name not in values:
                raise KeyError(f"{self.kind}: no value for {name}")
        return Told(self, values)


class Told(NamedTuple):
    """A template and its values."""

    template: Template
    values: Mapping[str, Value]

    @property
    def sentence(self) -> str:
        """The text, filled in."""
        return fill(self.template.text, self.values)


#: All templates that were made, by kind.
TEMPLATES: dict[str, Template] = {}


def _make(kind: str, text: str, rank: Rank) -> Template:
    if kind in TEMPLATES:
        raise ValueError(f"two templates are called {kind!r}")
    TEMPLATES[kind] = Template(kind, text, rank)
    return TEMPLATES[kind]


def story(kind: str, text: str) -> Template:
    """A step of the story."""
    return _make(kind, text, Rank.STORY)


def entry(kind: str, text: str) -> Template:
    """One entry of a table, one batch of pages, one fault among many."""
    return _make(kind, text, Rank.ENTRY)


def detail(kind: str, text: str) -> Template:
    """What only those want to know who look closer."""
    return _make(kind, text, Rank.DETAIL)


def holes(text: str) -> tuple[str, ...]:
    """The names of the values that a text has holes for."""
    return tuple(dict.fromkeys(_uncapital(hole[1]) for hole in _HOLE.finditer(text)))


def fill(text: str, values: Mapping[str, Value]) -> str:
    """The text with its values."""

    def word(hole: re.Match[str]) -> str:
        name = _uncapital(hole[1])
        value = values[name]
        if hole[2] is not None:
            return f"{value} {hole[2] if value == 1 else hole[3]}"
        return str(value) if name == hole[1] else str(value)[:1].upper() + str(value)[1:]

    return _HOLE.sub(word, text)


def _uncapital(name: str) -> str:
    return name[:1].lower() + name[1:]
