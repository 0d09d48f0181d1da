"""Stops of a lecture or a lesson on a stage: where it halts, what it asks, what the speaker says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from thplab.reading.glyphs import views
from thplab.words import did_you_mean

VIEWS = tuple(view["name"] for view in views())
#: The picture: the view with which a stage opens.
SCENE = VIEWS[0]

#: name -> type of what a stop may say
FIELDS: dict[str, type] = {
    "step": int, "title": str, "views": list, "granularity": str, "notes": str, "ask": str, "choices": list,
    "answer": str, "shows": int, "evidence": list, "hides": list, "why": dict,
}  # fmt: skip


def check_stops(stops: Sequence[Mapping[str, Any]], last: int) -> list[dict[str, Any]]:
    """The stops, in order of their steps, if each is one.

    ``step`` is where it halts; ``title`` names it; ``views`` and ``granularity`` open with it;
    ``notes`` are the speaker's. ``ask`` is a question that the run waits for; ``choices`` are answers
    to choose from (without them one writes); ``answer`` is what happens, and stands beside the guess
    from the moment ``shows`` on (without it: from the next moment on). Until then the document has nothing
    but the views of ``evidence`` (else ``views``, else the picture), without the marks of the picture whose
    keys begin with one of ``hides``. ``why``: choice -> a sentence for those who made it.

    Raises ValueError that names the stop and what is wrong with it.
    """
    for number, stop in enumerate(stops):
        for name, value in stop.items():
            if name not in FIELDS:
                hint = did_you_mean(name, FIELDS) or f"; known: {', '.join(FIELDS)}"
                raise ValueError(f"stop {number}: no field {name!r}{hint}")
            if not isinstance(value, FIELDS[name]):
                raise ValueError(f"stop {number}: {name} is {value!r}, not {FIELDS[name].__name__}")
        for name in stop.get("evidence", ()):
            if name not in VIEWS:
                hint = did_you_mean(str(name), VIEWS) or f"; known: {', '.join(VIEWS)}"
                raise ValueError(f"stop {number}: evidence: no view {name!r}{hint}")
        for name in ("step", "shows"):
            if not 0 <= stop.get(name, 0 if name == "shows" else -1) <= last:
                raise ValueError(f"stop {number}: {name} must be one of the moments 0 to {last}")
    return sorted((dict(stop) for stop in stops), key=lambda stop: int(stop["step"]))
