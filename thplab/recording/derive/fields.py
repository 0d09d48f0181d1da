"""The values that a few fields of the machine have in the course of a recording."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from itertools import chain
from typing import Any

from thplab.recording.cells import ABSENT, INTEGER
from thplab.recording.derive.stretches import where

#: Type of object -> the fields that are read.
_READ = {
    "Kernel": ("current",), "Lock": ("readers", "writer", "waiters"), "Waiter": ("who", "write"),
    "Task": ("comm",), "Kthread": ("task",), "Mm": ("task",), "Vma": ("mm",),
}  # fmt: skip


class Fields:
    """``changes``: (number of the change, object, field, value) in order, -1 for what was there before.

    Values are as in the header: whole numbers, texts, None, ``{"ref": object}`` and so on.
    """

    def __init__(self, header: Mapping[str, Any], sections: Mapping[str, array[Any]]) -> None:
        """Read once from the cells and the changes of a recording."""
        self._values = header["values"]
        self._objects: dict[str, list[int]] = {kind: [] for kind in _READ}
        for each in header["objects"]:
            self._objects.setdefault(each["type"], []).append(each["id"])
        cells = {
            each["base"] + each["fields"].index(field): (each["id"], field)
            for each in header["objects"]
            for field in _READ.get(each["type"], ())
        }
        kind, lo, hi = (sections[f"cell_{name}"] for name in ("kind", "lo", "hi"))
        before = [(-1, *cells[i], self._read(kind[i], lo[i], hi[i])) for i in cells if kind[i] != ABSENT]
        kind, lo, hi, cell = (sections[f"c_{name}"] for name in ("kind", "lo", "hi", "cell"))
        later = (
            (i, *cells[cell[i]], self._read(kind[i], lo[i], hi[i]))
            for i in where(map(cells.__contains__, cell))
        )
        self.changes: list[tuple[int, int, str, Any]] = list(chain(before, later))
        #: (object, field) -> its last value
        self._last: dict[tuple[int, str], Any] = {(each[1], each[2]): each[3] for each in self.changes}

    def last(self, number: int, field: str) -> Any:
        """The last value of an object's field."""
        return self._last[number, field]

    def last_of(self, kind: str, field: str) -> dict[int, Any]:
        """Object -> last value, of all objects of a type."""
        return {number: self._last.get((number, field)) for number in self._objects[kind]}

    def _read(self, kind: int, lo: int, hi: int) -> Any:
        return lo | hi << 32 if kind == INTEGER else self._values[lo]
