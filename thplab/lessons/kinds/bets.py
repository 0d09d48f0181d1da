"""What there is to bet on where a stage asks, and what is said to those who bet on it."""

from __future__ import annotations

from typing import Any

from thplab.lessons.kinds.question import Question
from thplab.lessons.kinds.vote import Vote


def choices(question: Question, vote: Vote) -> dict[str, object]:
    """What there is to bet on, as text -> value: the options, or the right answer among known wrong ones."""
    kind = question.kind
    if kind.options:
        return {text: number for number, text in enumerate(kind.options)}
    wrong = [value for mistake in question.mistakes for value in mistake.values]
    values = {kind.right, *wrong, *vote.others}
    return {kind.show(value): value for value in sorted(values, key=_place)}


def _place(value: object) -> tuple[object, ...]:
    """Numbers by size; verdicts of a scan by the entry that decided."""
    if isinstance(value, tuple):
        status, stopped = value
        return (stopped is None, stopped or 0, status)
    return (value,)


def stop_of(question: Question, vote: Vote) -> dict[str, Any]:
    """The stop of a stage that asks a question."""
    offered = choices(question, vote)
    return {
        "step": vote.step,
        "title": "Predict",
        "ask": question.prompt,
        "choices": list(offered),
        "answer": next(text for text, value in offered.items() if question.kind.accepts(value)),
        "shows": vote.shows,
        "evidence": list(vote.evidence),
        "hides": list(vote.hides),
        "why": {text: question.why(value) for text, value in offered.items()},
    }
