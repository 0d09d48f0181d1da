"""A kind of answer: a few lines of Python, held against what the model does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from thplab.lessons.kinds.simple import AnswerError
from thplab.lessons.trial.job import Checker, Job, Limits, Outcome, name_of
from thplab.lessons.trial.trial import Trial, warm

#: Lines of code that an answer may have, and characters.
LONGEST = 12
_MOST_CHARACTERS = 10_000
_LIMITS = Limits()


class Untried(AnswerError):
    """The code was stopped, or did not begin: says so in whole sentences."""

    def __init__(self, words: str, printed: str) -> None:
        """``printed``: what it had printed until then."""
        super().__init__(words)
        self.printed = printed


@dataclass(frozen=True, slots=True)
class Attempt:
    """Code, what is wrong with it (empty if it is right), and what it printed."""

    source: str
    fault: str
    printed: str = ""


@dataclass(frozen=True)
class Code:
    """A function to write. ``template`` is its beginning; ``example`` an answer that is right.

    ``checker`` gets the function and ``args`` and holds it against runs of the model. It is called in another
    process: it is a function of a module, and the arguments are what JSON can hold.
    """

    function: str
    template: str
    example: str
    checker: Checker
    args: Sequence[Any] = ()
    limits: Limits = _LIMITS
    options: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        """ValueError for a checker that another process can't find."""
        name_of(self.checker)

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        return f"the function {self.function}, in {LONGEST} lines at most"

    @property
    def right(self) -> Attempt:
        """The example."""
        return Attempt(self.example, "")

    @property
    def key(self) -> str:
        """The example."""
        return self.example

    @property
    def listing(self) -> tuple[str, ...]:
        """The lines to begin with."""
        return tuple(self.template.splitlines())

    def read(self, text: str) -> Attempt:
        """Run the checker on the lines, and wait for it."""
        return self.settle(text, self.trial(text).result())

    def warm(self) -> bool:
        """Get ready to run code, without waiting. Is there a process of its own for it?"""
        return warm(self._job(self.example))

    def trial(self, text: str) -> Trial:
        """A run of the lines, to be begun and perhaps stopped. AnswerError if they are too many."""
        lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
        if len(lines) > LONGEST:
            raise AnswerError(f"{len(lines)} lines; {LONGEST} are enough")
        if len(text) > _MOST_CHARACTERS:
            raise AnswerError(f"{len(text)} characters; {LONGEST} lines need no more than {_MOST_CHARACTERS}")
        self.warm()  # at the latest now: later runs are as quick as if the box had been shown
        return Trial(self._job(text))

    def _job(self, text: str) -> Job:
        return Job(self.function, self.listing[0], text, name_of(self.checker), self.args, self.limits)

    def settle(self, text: str, outcome: Outcome) -> Attempt:
        """The value that a run of ``text`` leads to. AnswerError if it leads to none."""
        if not outcome.tried:
            raise Untried(outcome.words, outcome.printed)
        if not outcome.valid:
            raise AnswerError(outcome.words)
        return Attempt(text, outcome.words, outcome.printed)

    def show(self, value: object) -> str:
        """The lines."""
        assert isinstance(value, Attempt)
        return value.source.strip("\n")

    def accepts(self, value: object) -> bool:
        """The checker found nothing."""
        assert isinstance(value, Attempt)
        return not value.fault

    def gap(self, value: object) -> str:
        """What the checker found."""
        assert isinstance(value, Attempt)
        return value.fault
