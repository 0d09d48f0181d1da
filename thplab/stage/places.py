"""Where in a recorded scenario others can act: between two steps, or at a gap of a collapse."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from thplab.recording import Recording
from thplab.recording.tracer import CALL, NO_FRAME, RETURN
from thplab.scenario.gaps import GAPS, Gap

#: Steps of a scenario in which a collapse may be under way.
_COLLAPSING = ("khugepaged", "madvise_collapse", "ops", "sleep")


@dataclass(frozen=True, slots=True)
class Place:
    """Before step number ``step`` of the scenario, or in it at the ``nth`` time that ``gap`` is reached.

    ``moment``: of the recording, the first that this may change.
    """

    step: int
    moment: int
    gap: str = ""
    nth: int = 1

    def __str__(self) -> str:
        """In words."""
        if not self.gap:
            return f"at moment {self.moment}, before step {self.step + 1} of the scenario"
        held = GAPS[self.gap].held
        locks = "with no lock held" if held == "nothing" else f"while it holds {held}"
        return f"at moment {self.moment}: {GAPS[self.gap].says}, {locks}"


def next_place(recording: Recording, moment: int, gap: str = "") -> Place:
    """The first place at or after a moment; at a certain gap if one is named.

    Raises ValueError if there is none, IndexError for a moment outside the recording.
    """
    recording.moment(moment)
    begins, last = recording.header.get("steps", []), len(recording) - 1
    steps = _steps(recording.header["scenario"])
    if not begins or len(begins) != len(steps):
        raise ValueError("this recording was not made from a scenario, so nothing can run on from it")
    if gap and gap not in GAPS:
        raise ValueError(f"gap {gap!r}; allowed: {', '.join(GAPS)}")
    inside = bisect_right(begins, moment) - 1
    for number in range(max(inside, 0), len(steps)):
        begin, end = begins[number], [*begins, last][number + 1]
        if not gap and begin >= moment:
            return Place(number, begin)
        if steps[number]["type"] in _COLLAPSING:
            found = _in_step(recording, number, max(begin, moment), begin, end, gap)
            if found is not None:
                return found
    if gap:
        raise ValueError(f"gap {gap!r} is not reached at or after moment {moment}")
    return Place(len(steps), last)


def _in_step(
    recording: Recording, number: int, moment: int, begin: int, end: int, wanted: str
) -> Place | None:
    """The first gap of a step at or after a moment. Without calls in the recording: only a named one."""
    if recording.header["depth"] == "events":
        return Place(number, begin, wanted) if wanted else None
    found = []
    for gap in [wanted] if wanted else GAPS:
        moments = gap_moments(recording, GAPS[gap], begin, end)
        nth = next((nth for nth, each in enumerate(moments, 1) if each >= moment), None)
        if nth is not None:
            found.append(Place(number, moments[nth - 1], gap, nth))
    return min(found, key=lambda place: place.moment, default=None)


def gap_moments(recording: Recording, gap: Gap, begin: int, end: int) -> list[int]:
    """The moments from ``begin`` to ``end`` at which a gap is reached."""
    s, functions = recording.sections, recording.header["functions"]
    names = [each["name"] for each in functions]
    callers = {point.name for point in gap.point.callers}
    kind = RETURN if gap.point.at_return else CALL
    moments = []
    for n in range(begin, end + 1):
        frame = s["m_frame"][n]
        if s["m_kind"][n] != kind or frame == NO_FRAME or names[s["f_function"][frame]] != gap.point.name:
            continue
        parent = s["f_parent"][frame]
        if parent and names[s["f_function"][parent - 1]] in callers:
            moments.append(n)
    return moments


def _steps(raw: dict[str, Any]) -> list[dict[str, Any]]:
    return list(raw["steps"] if "steps" in raw else [raw["action"]]) if raw else []
