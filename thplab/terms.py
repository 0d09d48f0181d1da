"""The glossary: each term in a sentence, in English and Chinese."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from thplab.table import Table
from thplab.words import did_you_mean

_HEADS = ("term", "meaning", "中文")


@dataclass(frozen=True)
class Term:
    """A term, what it means, and its Chinese name."""

    term: str
    meaning: str
    zh: str

    def names(self) -> Iterator[str]:
        """What one may look for: the term, its parts at ``/``, without brackets, and the Chinese names."""
        yield from _names(self.term)
        yield from _names(self.zh)

    def english(self) -> list[str]:
        """The names by which a text in English uses the term."""
        return list(dict.fromkeys(_names(self.term)))

    def __str__(self) -> str:
        """In one line."""
        return f"{self.term} ({self.zh}): {self.meaning}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """For a notebook."""
        return Table.of(_HEADS, [(self.term, self.meaning, self.zh)])._repr_html_()


def _names(whole: str) -> Iterator[str]:
    yield whole.lower()
    for part in re.split(r"\s*/\s*", whole):
        yield re.sub(r"\s*[(（][^)）]*[)）]\s*", " ", part).strip().lower()


@cache
def terms() -> tuple[Term, ...]:
    """All terms, in the order of the page."""
    text = (files("thplab") / "data/glossary.json").read_text("utf-8")
    return tuple(Term(**entry) for entry in json.loads(text))


def find(name: str) -> Term:
    """The term called ``name``, in English or Chinese. ValueError, with near matches, if there is none."""
    wanted = name.strip().lower()
    by_name = {each: term for term in reversed(terms()) for each in term.names()}
    if wanted in by_name:
        return by_name[wanted]
    holds = [each for each in by_name if wanted and wanted in each]
    hint = did_you_mean(wanted, holds or by_name)
    raise ValueError(f"no term {name!r} in the glossary{hint}; thplab.glossary() lists all terms")


def table() -> Table:
    """The whole glossary."""
    return Table.of(_HEADS, [(each.term, each.meaning, each.zh) for each in terms()])
