"""Which moments a coarser step stops at."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from thplab.points import DO_SCAN, ENTRY, SCAN, Point
from thplab.recording.derive.locals import Locals
from thplab.recording.derive.stretches import where
from thplab.recording.tracer import CALL, EVENT, LINE, RETURN


def derive_stops(
    header: Mapping[str, Any], sections: Mapping[str, array[Any]], read: Locals
) -> tuple[dict[str, str | None], dict[str, array[Any]]]:
    """The header's ``granularity``, and the sections ``g_...``: each has the first and the last moment."""
    kinds, first_call = sections["m_kind"], dict[int, int]()
    for n in _of_kind(kinds, CALL):
        first_call.setdefault(sections["m_frame"][n], n)  # a generator that goes on is called again

    def calls(point: Point) -> set[int]:
        wanted = {n for n, function in enumerate(header["functions"]) if function["name"] == point.name}
        return {n for frame, n in first_call.items() if sections["f_function"][frame] in wanted}

    # An entry: a loop over a table came to its next one, so that its index has changed.
    looped = (n for n, each in read.items() if any(name == ENTRY for _, name, _ in each))
    stops = {
        "entry": calls(SCAN).union(n for n in looped if kinds[n] in (LINE, RETURN)),
        "function": _of_kind(kinds, CALL, RETURN),
        "tracepoint": _of_kind(kinds, EVENT),
        "pass": calls(DO_SCAN),
    }
    ends = {0, len(kinds) - 1}
    made = {f"g_{name}": array("I", sorted(ends.union(numbers))) for name, numbers in stops.items()}
    return {"line": None, **{name: f"g_{name}" for name in stops}}, made


def _of_kind(kinds: array[int], *wanted: int) -> Iterable[int]:
    return where(kinds.tobytes().translate(bytes(kind in wanted for kind in range(256))))
