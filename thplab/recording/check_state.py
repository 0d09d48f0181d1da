"""Is the state of a recording one that the model can be in? Each field holds what it may, at every moment."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import compress, repeat
from operator import mul
from typing import Any

from thplab.recording.cells import ABSENT, INTEGER, VALUE
from thplab.recording.need import need, whole
from thplab.recording.shapes import Shape, shapes

_Header = Mapping[str, Any]
_Sections = Mapping[str, "array[Any]"]

#: What a cell may hold that belongs to nothing which the model knows, and one of a column.
_ANYTHING, _INTEGER = Shape(), Shape(integer=True)
_ITEM = 1  # the number of that shape; a field that holds integers only has another one
#: Readers ask for all structs of these types that are there: none of them is half made.
_WHOLE = {"Kthread", "Lock", "Mm", "Zone"}


def check_state(header: _Header, s: _Sections) -> None:
    """RecordingError if a field holds what it can't hold, or refers to what is not there yet."""
    _check_objects(header)
    number, known = _shape_of_cells(header, len(s["cell_kind"]))
    types = [each["type"] for each in header["objects"]]
    _check_fit(header, number, known, types, s["cell_kind"], s["cell_lo"], range(len(number)))
    _check_fit(header, number, known, types, s["c_kind"], s["c_lo"], s["c_cell"])
    _check_made(header, s)


def check_values(header: _Header, s: _Sections) -> None:
    """RecordingError if a value is of no kind that there is, or leads to nothing."""
    objects, columns, values = len(header["objects"]), len(header["columns"]), header["values"]
    for name, kinds in (("cell", (INTEGER, VALUE, ABSENT)), ("c", (INTEGER, VALUE)), ("l", (INTEGER, VALUE))):
        kind, lo = s[f"{name}_kind"], s[f"{name}_lo"]
        need(set(kind) <= set(kinds), f"{name}_kind")
        need(all(k != VALUE or low < len(values) for k, low in zip(kind, lo, strict=True)), f"{name}_lo")
    known: dict[str, Callable[[Any], bool]] = {
        "ref": lambda number: whole(number, objects),
        "column": lambda number: whole(number, columns),
        "enum": lambda name: isinstance(name, str),
        "tuple": lambda items: isinstance(items, list) and all(good(item) for item in items),
    }

    def good(value: Any) -> bool:
        if isinstance(value, dict):
            [key, *more] = value or [""]
            return not more and key in known and known[key](value[key])
        return value is None or isinstance(value, str | int)

    need(all(good(value) for value in values), "values")


def fields(header: _Header, number: int) -> Iterator[tuple[str, int]]:
    """The fields of an object that have a cell, and their cells."""
    data = header["objects"][number]
    return ((name, data["base"] + n) for n, name in enumerate(data["fields"]) if name not in data["maps"])


def _check_objects(header: _Header) -> None:
    """Objects have the fields of their types, and their dicts lead to what those hold."""
    types = [each["type"] for each in header["objects"]]
    need(types[0] == "Kernel", "object 0 is no Kernel")
    for number, data in enumerate(header["objects"]):
        known = shapes().get(data["type"], {})
        need(len(set(data["fields"])) == len(data["fields"]), f"two fields of object {number} have one name")
        need(known.keys() <= {*data["fields"]}, f"object {number}: {data['type']} of another thplab")
        for name, shape in known.items():
            need((name in data["maps"]) == (shape.entries is not None), f"{name} of object {number}")
        for name, entries in data["maps"].items():
            shape = known[name].entries or _ANYTHING if name in known else _ANYTHING
            for what, target in entries.values():
                fits = shape.column if what == "column" else types[target] in shape.structs
                need(fits or shape is _ANYTHING, f"an entry of {name} of object {number}")


def _shape_of_cells(header: _Header, cells: int) -> tuple[array[int], list[Shape]]:
    """For each cell the number of its shape, and the shapes. No cell belongs to two things."""
    known, place = [_ANYTHING, _INTEGER], {_ANYTHING: 0}
    number = array("H", bytes(2 * cells))
    end = 0
    things = [(each["base"], len(each["fields"]), each) for each in header["objects"]]
    things += [(each["base"], each["length"], None) for each in header["columns"]]
    for base, length, data in sorted(things, key=lambda thing: thing[:2]):
        need(base >= end, f"cell {base} belongs to two things")
        end = base + length
        if data is None:
            number[base:end] = array("H", [_ITEM]) * length
            continue
        of_type = shapes().get(data["type"], {})
        for n, name in enumerate(data["fields"]):
            shape = of_type.get(name, _ANYTHING)
            if shape not in place:
                place[shape] = len(known)
                known.append(shape)
            number[base + n] = place[shape]
    return number, known


def _check_fit(
    header: _Header, number: array[int], known: list[Shape], types: list[str],
    kinds: array[int], values: array[int], cells: Iterable[int],
) -> None:  # fmt: skip
    """Each kind of value that there is in a kind of cell is looked at once."""
    # Of an integer only that it is one: kind 0 times its value.
    pairs = set(zip(map(number.__getitem__, cells), kinds, map(mul, kinds, values), strict=True))
    for shape, kind, value in pairs:
        if known[shape] is _ANYTHING or kind == ABSENT:
            need(kind != ABSENT or shape != _ITEM, "an item of a column is absent")
        elif kind == INTEGER:
            need(known[shape].integer, "a field holds a number")
        else:
            what = header["values"][value]
            need(known[shape].fits(what, types), f"a field holds {what!r:.80}")


def _check_made(header: _Header, s: _Sections) -> None:
    """An object has all its fields, or none yet; nothing refers to one that is not there."""
    made = _moments(header, s)
    since = [_since(value, made) for value in header["values"]]
    late = {number for number, moment in enumerate(since) if moment}
    if not late:
        return
    needs = array("B", map(late.__contains__, range(len(since)))) + array("B", [0])
    initial = compress(s["cell_lo"], map(VALUE.__eq__, s["cell_kind"]))
    need(not any(map(needs.__getitem__, initial)), "a field refers to an object that is not there yet")
    ends = s["m_changes_end"]
    changes = compress(range(len(s["c_kind"])), map(VALUE.__eq__, s["c_kind"]))
    for change in changes:
        moment = since[s["c_lo"][change]]
        if moment:
            need(bisect_right(ends, change) >= moment, "a field refers to an object that is not there yet")


def _moments(header: _Header, s: _Sections) -> list[int]:
    """For each object the first moment that has all its fields: 0, or behind the last one if none has."""
    kinds, never = s["cell_kind"], len(s["m_kind"])
    changed = s["c_cell"]
    first = dict(zip(reversed(changed), range(len(changed) - 1, -1, -1), strict=True))
    made = []
    for number, data in enumerate(header["objects"]):
        moments = [
            0
            if kinds[cell] != ABSENT
            else bisect_right(s["m_changes_end"], first[cell])
            if cell in first
            else never
            for _, cell in fields(header, number)
        ]
        made.append(max(moments, default=0))
        # Readers take a struct for one that is there when its first field is.
        whole = data["type"] not in _WHOLE or moments[0] == made[-1]
        need(whole, f"object {number} lacks some of its fields")
    need(made[0] == 0, "the kernel lacks some of its fields")
    return made


def _since(value: Any, made: list[int]) -> int:
    """From which moment on something may hold the value."""
    if not isinstance(value, dict):
        return 0
    [(kind, what)] = value.items()
    if kind == "tuple":
        return max(map(_since, what, repeat(made)), default=0)
    return made[what] if kind == "ref" else 0
