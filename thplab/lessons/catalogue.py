"""Questions by name, drawn by seed: the same name and seed give everybody the same question."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from random import Random
from typing import TYPE_CHECKING

from thplab.lessons import claims, clues, first_steps
from thplab.lessons.question import Question

if TYPE_CHECKING:
    from thplab.lessons.box import QuestionBox

__all__ = ["ask", "predict", "questions"]

_MAKERS: dict[str, Callable[[Random], Question]] = {
    **first_steps.QUESTIONS,
    **clues.QUESTIONS,
    **claims.QUESTIONS,
}


def questions() -> tuple[str, ...]:
    """The names of all questions."""
    return tuple(_MAKERS)


def make(name: str, seed: int = 0) -> Question:
    """The question ``name`` as ``seed`` draws it. ValueError, with near matches, for an unknown name."""
    if name not in _MAKERS:
        near = get_close_matches(name, _MAKERS, n=3, cutoff=0.3) or list(_MAKERS)
        raise ValueError(f"no question {name!r}; did you mean {' or '.join(near)}?")
    return _MAKERS[name](Random(f"{name} {seed}"))


def ask(name: str, seed: int = 0) -> QuestionBox:
    """A question to answer: checked, with hints, and with the cause of known mistakes."""
    from thplab.lessons.box import QuestionBox

    return QuestionBox(make(name, seed))


def predict(name: str, seed: int = 0) -> QuestionBox:
    """The same question before you have seen the run: your guess is kept beside what the run says."""
    from thplab.lessons.box import QuestionBox

    return QuestionBox(make(name, seed), predict=True)
