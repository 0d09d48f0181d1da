"""A kind of answer: put each thing into its group."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from string import ascii_lowercase

from thplab.lessons.kinds.simple import AnswerError, Exact, letter, lettered


@dataclass(frozen=True)
class Classify(Exact):
    """``right`` has the group's position for each of ``items``; ``options`` are the groups."""

    items: tuple[str, ...]
    options: tuple[str, ...]
    right: tuple[int, ...]

    @classmethod
    def shuffled(cls, random: Random, group_of: dict[str, str], count: int | None = None) -> Classify:
        """``count`` of the items (all, if None) in the order that ``random`` draws; groups as they come."""
        items = random.sample(list(group_of), count or len(group_of))
        groups = tuple(dict.fromkeys(group_of.values()))
        return cls(tuple(items), groups, tuple(groups.index(group_of[item]) for item in items))

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        return f"{len(self.items)} letters, a to {ascii_lowercase[len(self.options) - 1]}: one for each thing"

    @property
    def key(self) -> str:
        """The letters of the groups, item by item."""
        return " ".join(ascii_lowercase[group] for group in self.right)

    @property
    def listing(self) -> tuple[str, ...]:
        """The groups with letters, then the things with numbers."""
        return (*lettered(self.options), *(f"{n}. {item}" for n, item in enumerate(self.items, 1)))

    def read(self, text: str) -> tuple[int, ...]:
        """The groups that the letters mean."""
        letters = re.findall(r"[A-Za-z]", text)
        if len(letters) != len(self.items):
            raise AnswerError(f"{len(letters)} letters for {len(self.items)} things; type {self.ask}")
        return tuple(letter(each, len(self.options)) for each in letters)

    def show(self, value: object) -> str:
        """Each thing and its group, one a line."""
        assert isinstance(value, tuple)
        return "\n".join(f"{item}: {self.options[g]}" for item, g in zip(self.items, value, strict=True))

    def gap(self, value: object) -> str:
        """How many are right, and the first that is not."""
        assert isinstance(value, tuple)
        wrong = [item for item, a, b in zip(self.items, value, self.right, strict=True) if a != b]
        good = len(self.items) - len(wrong)
        return f"{good} of {len(self.items)} are right. Look again at: {wrong[0]}."
