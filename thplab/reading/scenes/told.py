"""What was told up to a moment, the latest first: of this scenes are read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from thplab.reading.moment import ReadMoment
from thplab.recording.recording import Sentence


def told_before(at: ReadMoment) -> Iterator[Sentence]:
    """Every sentence of the recording up to the moment, backwards."""
    place = bisect_right(at.recording.sections["t_moment"], at.number)
    return (at.recording.told_as(n) for n in range(place - 1, -1, -1))


def free_frames(at: ReadMoment) -> int:
    """Free page frames of the machine."""
    return sum(at.state.get(zone, "free_pages") for zone in at.state.objects("Zone"))
