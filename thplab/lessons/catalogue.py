"""Questions by name, drawn by seed: the same name and seed give everybody the same question."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from thplab.lessons.bank import (
    bookshelf,
    budget,
    claims,
    clues,
    cursor,
    fairer,
    first_steps,
    lane_questions,
    moving,
    scan,
    scan_make,
    scan_sort,
    stacks,
    striking,
)
from thplab.lessons.kinds.question import Question
from thplab.table import Table
from thplab.words import did_you_mean

if TYPE_CHECKING:
    from thplab.lessons.widgets.box import QuestionBox
    from thplab.lessons.widgets.vote_box import VoteBox

_MAKERS: dict[str, Callable[[Random], Question]] = {
    **first_steps.QUESTIONS,
    **clues.QUESTIONS,
    **claims.QUESTIONS,
    **stacks.QUESTIONS,
    **budget.QUESTIONS,
    **cursor.QUESTIONS,
    **fairer.QUESTIONS,
    **scan.QUESTIONS,
    **scan_make.QUESTIONS,
    **scan_sort.QUESTIONS,
    **moving.QUESTIONS,
    **striking.QUESTIONS,
    **bookshelf.QUESTIONS,
    **lane_questions.QUESTIONS,
}


def questions() -> tuple[str, ...]:
    """The names of all questions."""
    return tuple(_MAKERS)


def make(name: str, seed: int = 0) -> Question:
    """The question ``name`` as ``seed`` draws it. ValueError, with near matches, for an unknown name."""
    if name not in _MAKERS:
        hint = did_you_mean(name, _MAKERS) or f"; known: {', '.join(_MAKERS)}"
        raise ValueError(f"no question {name!r}{hint}")
    return _MAKERS[name](Random(f"{name} {seed}"))


def ask(name: str, seed: int = 0, shows: Callable[[], Table] | None = None) -> QuestionBox:
    """A question to answer: checked, with hints, and with the cause of known mistakes.

    ``shows`` makes a table that appears with the right answer.
    """
    from thplab.lessons.widgets.box import QuestionBox

    return QuestionBox(partial(make, name), seed, shows=shows)


def predict(name: str, seed: int = 0, shows: Callable[[], Table] | None = None) -> VoteBox | QuestionBox:
    """The same question before you have seen the run: your guess is kept beside what the run says.

    Where one run shows the answer it is a bet on the stage, else a box as of :func:`ask`. ``shows`` makes a
    table that appears once you have guessed and seen.
    """
    from thplab.lessons.widgets.box import QuestionBox
    from thplab.lessons.widgets.vote_box import VoteBox

    question = make(name, seed)
    if question.vote is not None:
        return VoteBox(question, question.vote(), seed, shows=shows)
    return QuestionBox(partial(make, name), seed, predict=True, shows=shows)
