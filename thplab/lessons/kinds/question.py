"""A question whose key is a run of the model: judged without a screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from thplab.lessons.kinds.coding import Attempt, Untried
from thplab.lessons.kinds.simple import AnswerError, Kind
from thplab.lessons.kinds.vote import Vote


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that has a known cause. ``matches`` is asked with the value that was given.

    ``tag``: the misconception behind it, by its number in the course (``M6``); empty for a slip.
    ``values``: some that match, for a vote to choose from.
    """

    matches: Callable[[Any], bool]
    cause: str
    tag: str = ""
    values: tuple[object, ...] = ()

    @classmethod
    def gives(cls, value: object, cause: str, tag: str = "") -> Mistake:
        """The mistake that leads to just this value."""
        return cls(lambda given: given == value, cause, tag, (value,))


@dataclass(frozen=True)
class Verdict:
    """What became of an answer: right, wrong, or (``right`` is None) no answer at all.

    ``tag``: that of the mistake, if it was recognised and has one. ``value``: the answer as it was read;
    ``printed``: what it printed, if it is code.
    """

    right: bool | None
    message: str
    tag: str = ""
    value: object = field(default=None, repr=False)
    printed: str = ""

    @property
    def told(self) -> str:
        """All of it as text."""
        return f"{self.message}\nYour code printed:\n{self.printed}" if self.printed else self.message


@dataclass(frozen=True)
class Question:
    """``because`` is said with the right answer; ``hints`` are given one after the other.

    The key in ``kind`` is read from a recording when the question is made. ``vote`` makes that recording
    for a stage, with the moment to ask at; None: no single run shows the answer.
    """

    name: str
    prompt: str
    kind: Kind
    because: str
    hints: tuple[str, str]
    mistakes: tuple[Mistake, ...] = ()
    vote: Callable[[], Vote] | None = None

    def judge(self, text: str, read: Callable[[str], object] | None = None) -> Verdict:
        """Compare an answer with the run. ``read`` makes its value, if the kind is not to do it."""
        try:
            given = (read or self.kind.read)(text)
        except Untried as error:
            return Verdict(None, str(error), printed=error.printed)
        except AnswerError as error:
            return Verdict(None, f"That is not a valid answer: {error}.")
        printed = given.printed if isinstance(given, Attempt) else ""
        return replace(self.verdict(given), value=given, printed=printed)

    def verdict(self, given: object) -> Verdict:
        """What is said to a value."""
        if self.kind.accepts(given):
            return Verdict(True, f"Yes. {self.because}")
        cause, tag = self._mistake(given)
        return Verdict(False, f"Not quite. {cause}" if cause else "The run gives a different result.", tag)

    def why(self, given: object) -> str:
        """What is said once the run has shown the answer: where a wrong value comes from, and what is so."""
        if self.kind.accepts(given):
            return self.because
        cause, _ = self._mistake(given)
        return f"{cause} {self.because}".strip()

    def _mistake(self, given: object) -> tuple[str, str]:
        """Where a wrong value comes from, as far as that is known, and the misconception's tag."""
        known = next((each for each in self.mistakes if each.matches(given)), None)
        return (known.cause, known.tag) if known else (self.kind.gap(given), "")

    def answer(self) -> str:
        """The right answer and why."""
        shown = self.kind.show(self.kind.right)
        gap = "\n" if "\n" in shown else " "
        return f"The run says:{gap}{shown}\n{self.because}"
