"""What a recording tells, as lists that tests look through."""

from __future__ import annotations

from thplab.points import Point
from thplab.recording import Recording, RecordingTooLong, record_scenario
from thplab.recording.recording import Sentence


def all_told(made: Recording) -> list[Sentence]:
    """Every sentence, in order."""
    return [made.told_as(place) for place in range(len(made.sections["t_moment"]))]


def sentences(made: Recording) -> list[str]:
    """Their texts, filled in."""
    return [str(told) for told in all_told(made)]


def of_kind(made: Recording, *kinds: str) -> list[str]:
    """The texts of these kinds."""
    return [str(told) for told in all_told(made) if told.kind in kinds]


def told_at(made: Recording, moment: str, point: Point) -> list[str]:
    """What is told when a function is entered (``call``) or left (``return``)."""
    found, n = [], made.find(moment, -1, name=point)
    while n is not None:
        found.append(made.moment(n).sentence)
        n = made.find(moment, n, name=point)
    return [sentence for sentence in found if sentence]


def recorded(name: str, depth: str = "functions") -> Recording:
    """With its calls; what is too long for that, by its events."""
    try:
        return record_scenario(name, depth=depth, most=60_000)
    except RecordingTooLong:
        return record_scenario(name, depth="events")
