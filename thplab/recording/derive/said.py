"""The sentence in force at each moment."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

from thplab.recording.derive.stretches import changes, fill, where
from thplab.recording.tracer import NO_FRAME, RETURN

#: No sentence has been said yet that holds here.
NOTHING_SAID = 0xFFFFFFFF


def derive_said(sections: Mapping[str, array[Any]]) -> array[int]:
    """For each moment the one whose sentence holds there.

    What is said when a function is entered holds until that function is left; what is said when it is left
    holds in its caller from then on. Where nothing runs the last sentence of all holds.
    """
    kind, owner, sentences = sections["m_kind"], sections["m_frame"], sections["m_sentence"]
    parents = sections["f_parent"]
    moments = sorted({0, *changes(owner), *where(sentences)})
    holds: dict[int, int] = {}
    said: list[int] = []
    last = NOTHING_SAID
    for n in moments:
        frame = owner[n]
        above = NO_FRAME if frame == NO_FRAME or not parents[frame] else parents[frame] - 1
        if sentences[n]:
            last = holds[frame] = n
            if kind[n] == RETURN:
                holds[above] = n
        elif frame not in holds:
            holds[frame] = holds.get(above, NOTHING_SAID)
        said.append(last if frame == NO_FRAME else holds[frame])
    return fill("I", moments, said, len(owner))
