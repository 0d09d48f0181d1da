"""Which moments a coarser step stops at."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from thplab.points import DO_SCAN, Point
from thplab.recording.derive.stretches import where
from thplab.recording.story import Rank
from thplab.recording.tracer import CALL, EVENT, RETURN


def derive_stops(
    header: Mapping[str, Any], sections: Mapping[str, array[Any]]
) -> tuple[dict[str, str | None], dict[str, array[Any]]]:
    """The header's ``granularity``, and the sections ``g_...``: each has the first and the last moment."""
    kinds, first_call = sections["m_kind"], dict[int, int]()
    for n in _of_kind(kinds, CALL):
        first_call.setdefault(sections["m_frame"][n], n)  # a generator that goes on is called again

    def calls(point: Point) -> set[int]:
        wanted = {n for n, function in enumerate(header["functions"]) if function["name"] == point.name}
        return {n for frame, n in first_call.items() if sections["f_function"][frame] in wanted}

    ranks = [template["rank"] for template in header["templates"]]
    rows = list(zip(sections["t_moment"], sections["t_template"], _values(sections), strict=True))

    def told(rank: Rank) -> Iterable[int]:
        """Where something is told, and not a second time: a verdict is printed first and then returned."""
        mine = [row for row in rows if ranks[row[1]] >= rank]
        news = zip([(0, -1, None), *mine], mine, strict=False)
        return (now[0] for before, now in news if before[1:] != now[1:])

    stops = {
        "event": told(Rank.STORY),
        "entry": told(Rank.ENTRY),
        "function": _of_kind(kinds, CALL, RETURN),
        "tracepoint": _of_kind(kinds, EVENT),
        "pass": calls(DO_SCAN),
    }
    ends = {0, len(kinds) - 1}
    made = {f"g_{name}": array("I", sorted(ends.union(numbers))) for name, numbers in stops.items()}
    return {"line": None, **{name: f"g_{name}" for name in stops}}, made


def _of_kind(kinds: array[int], *wanted: int) -> Iterable[int]:
    return where(kinds.tobytes().translate(bytes(kind in wanted for kind in range(256))))


def _values(sections: Mapping[str, array[Any]]) -> Iterable[bytes]:
    """The values of each sentence."""
    ends, values = sections["t_values_end"], sections["v_value"]
    return (values[begin:end].tobytes() for begin, end in zip([0, *ends], ends, strict=False))
