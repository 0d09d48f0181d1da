"""The few local variables that say which window and which entry a function works on."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from thplab.points import ENTRY, ENTRY_ADDRESS, OWNER, WINDOW_ADDRESS
from thplab.recording.cells import INTEGER

_SAFE_HIGH = 0x1FFFFF  # larger integers are entries of page tables, not addresses or counts
_READ = {ENTRY, *WINDOW_ADDRESS, *ENTRY_ADDRESS, *OWNER}

Locals = Mapping[int, list[tuple[int, str, int]]]
"""Moment -> (frame, variable, value) that are set there; of an object its number."""


def read_locals(header: Mapping[str, Any], sections: Mapping[str, array[Any]]) -> Locals:
    """Those of all frames, in the order of moments."""
    names = {number: name for number, name in enumerate(header["names"]) if name in _READ}
    # Lists: to read an item of an array makes a new integer of it.
    ends, owner, number = (sections[each].tolist() for each in ("m_locals_end", "m_frame", "l_name"))
    kind, lo, hi = (sections[f"l_{part}"] for part in ("kind", "lo", "hi"))
    found: defaultdict[int, list[tuple[int, str, int]]] = defaultdict(list)
    moment = 0
    for i in [i for i, each in enumerate(number) if each in names]:
        value: Any = lo[i]
        if kind[i] != INTEGER:
            value = header["values"][value]
            value = value.get("ref") if isinstance(value, dict) else value
        elif hi[i]:
            value = value | hi[i] << 32 if hi[i] <= _SAFE_HIGH else None
        if isinstance(value, int):
            moment = bisect_right(ends, i, moment)
            found[moment].append((owner[moment], names[number[i]], value))
    return found
