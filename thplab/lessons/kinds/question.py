"""A question whose key is a run of the model: judged without a screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from thplab.lessons.kinds.simple import AnswerError, Kind


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that has a known cause. ``matches`` is asked with the value that was given.

    ``tag``: the misconception behind it, by its number in the course (``M6``); empty for a slip.
    """

    matches: Callable[[Any], bool]
    cause: str
    tag: str = ""

    @classmethod
    def gives(cls, value: object, cause: str, tag: str = "") -> Mistake:
        """The mistake that leads to just this value."""
        return cls(lambda given: given == value, cause, tag)


@dataclass(frozen=True)
class Verdict:
    """What became of an answer: right, wrong, or (``right`` is None) no answer at all.

    ``tag``: that of the mistake, if it was recognised and has one.
    """

    right: bool | None
    message: str
    tag: str = ""


@dataclass(frozen=True)
class Question:
    """``because`` is said with the right answer; ``hints`` are given one after the other.

    The key in ``kind`` is read from a recording when the question is made.
    """

    name: str
    prompt: str
    kind: Kind
    because: str
    hints: tuple[str, str]
    mistakes: tuple[Mistake, ...] = ()

    def judge(self, text: str) -> Verdict:
        """Compare an answer with the run."""
        try:
            given = self.kind.read(text)
        except AnswerError as error:
            return Verdict(None, f"That is not a valid answer: {error}.")
        if self.kind.accepts(given):
            return Verdict(True, f"Yes. {self.because}")
        known = next((m for m in self.mistakes if m.matches(given)), None)
        if known is not None:
            return Verdict(False, f"Not quite. {known.cause}", known.tag)
        gap = self.kind.gap(given)
        if gap:
            return Verdict(False, f"Not quite. {gap}")
        return Verdict(False, "The run gives a different result.")

    def answer(self) -> str:
        """The right answer and why."""
        shown = self.kind.show(self.kind.right)
        gap = "\n" if "\n" in shown else " "
        return f"The run says:{gap}{shown}\n{self.because}"
