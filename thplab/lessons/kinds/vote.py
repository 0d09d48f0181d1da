"""Where the answer of a question is seen: a run, the moment that asks, and the moment that shows it."""

from __future__ import annotations

from dataclasses import dataclass

from thplab.recording import Recording
from thplab.stage.stops import SCENE


@dataclass(frozen=True)
class Vote:
    """A run with the moment ``step`` that asks, and the moment ``shows`` from which on the answer is seen.

    Before the guess only the views of ``evidence`` are shown, without the marks of the picture whose keys
    begin with one of ``hides``; afterwards ``views``. ``others``: wrong values to choose from, besides those
    of the question's known mistakes.
    """

    recording: Recording
    step: int
    shows: int
    evidence: tuple[str, ...] = (SCENE,)
    hides: tuple[str, ...] = ()
    views: tuple[str, ...] = (SCENE,)
    others: tuple[object, ...] = ()
