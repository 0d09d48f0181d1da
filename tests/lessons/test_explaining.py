"""Sentences: what is missing is named; a slogan alone is not enough."""

from __future__ import annotations

import pytest

from thplab.lessons.catalogue import ask, make
from thplab.lessons.kinds.explaining import Explain, Point
from thplab.lessons.kinds.simple import AnswerError
from thplab.lessons.widgets.fields import ProseField

KIND = Explain(
    {"colours": Point(("red", "green", "blue"), 2), "a size": Point(("large|small",))}, "red blue small"
)


def test_what_is_missing_is_named() -> None:
    assert KIND.accepts("Something Red, something green, and all of it is large.")
    assert KIND.gap("It is red, and that is all there is to it.") == (
        "0 of 2 things are said. Not found: colours (1 of 2); a size."
    )
    with pytest.raises(AnswerError, match="2 words are no explanation; type one or two sentences"):
        KIND.read("red, large")


def test_the_second_question_of_the_note() -> None:
    question = make("10.why")
    assert question.judge(question.kind.key).right is True
    guess = "At the beginning there was no THP, so khugepaged merged the pages later on."  # the note's own
    said = question.judge(guess)
    assert said.right is False
    assert "different reasons why a fault makes no huge page" in said.message
    assert "that khugepaged copies" in said.message
    assert "slow" not in said.message


def test_it_is_typed_into_a_field_of_several_lines() -> None:
    box = ask("10.why")
    assert isinstance(box.field, ProseField)
