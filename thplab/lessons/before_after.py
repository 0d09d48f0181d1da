"""Eight questions before the course, and the same eight after it."""

from __future__ import annotations

from thplab.lessons.sets import QuestionSet

#: From each notebook what its title asks, and of the two in the middle one more.
PRETEST = (
    "05.caller",
    "05.isolate",
    "06.lap",
    "07.limit",
    "08.parsons",
    "08.outcome",
    "09.stop",
    "10.result",
)


def pretest(seed: int = 0) -> QuestionSet:
    """Eight questions; nothing is graded. With another ``seed`` after the course: what has changed?"""
    return QuestionSet(list(PRETEST), seed)
