"""A question whose key is a run of the model: judged without a screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from thplab.lessons.kinds import AnswerError, Kind, Order

__all__ = ["Mistake", "Question", "Verdict"]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that has a known cause. ``matches`` is asked with the value that was given."""

    matches: Callable[[Any], bool]
    cause: str

    @classmethod
    def gives(cls, value: object, cause: str) -> Mistake:
        """The mistake that leads to just this value."""
        return cls(lambda given: given == value, cause)


@dataclass(frozen=True)
class Verdict:
    """What became of an answer: right, wrong, or (``right`` is None) no answer at all."""

    right: bool | None
    message: str


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
            return Verdict(None, f"That can't be read: {error}.")
        if given == self.kind.right:
            return Verdict(True, f"Yes. {self.because}")
        return Verdict(False, self._cause(given))

    def _cause(self, given: Any) -> str:
        known = next((m.cause for m in self.mistakes if m.matches(given)), None)
        if known is not None:
            return f"Not so. {known}"
        if isinstance(self.kind, Order):
            return f"Not so. {_first_difference(self.kind, given)}"
        return f"The run says something else than {self.kind.show(given)}."

    def answer(self) -> str:
        """The right answer and why."""
        shown = self.kind.show(self.kind.right)
        gap = "\n" if "\n" in shown else " "
        return f"The run says:{gap}{shown}\n{self.because}"


def _first_difference(kind: Order, given: tuple[int, ...]) -> str:
    good = 0
    while good < min(len(given), len(kind.right)) and given[good] == kind.right[good]:
        good += 1
    if good == len(given):
        return f"Right so far, but something is missing after the {len(given)} that you gave."
    if good == len(kind.right):
        return f"The first {good} are right; what comes after them never happens."
    return (
        f"The first {good} are right; look again at number {good + 1}." if good else "Look at the first one."
    )
