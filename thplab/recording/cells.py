"""Cells: every integer or field of a machine's state has a number, so that a change is a small row.

A cell's value is a triple (kind, lo, hi): kind 0 is a u64, split into two u32; kind 1 an index into a
table of JSON values (None, negative numbers, strings, enum members, references, tuples); kind 255 says
that the object does not exist yet.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from thplab.mm.include.state import Column, Struct

__all__ = ["ABSENT", "Cells", "ColumnInfo", "ObjectInfo", "ValueTable"]

INTEGER, VALUE, ABSENT = 0, 1, 255
_U32 = 0xFFFFFFFF


@dataclass(slots=True)
class ObjectInfo:
    """A Struct: its fields in order occupy the cells from ``base`` on.

    ``maps``: its growth-only dicts: field -> {key: ["object" or "column", id]}.
    """

    id: int
    type: str
    label: str
    fields: tuple[str, ...]
    base: int
    maps: dict[str, dict[int, tuple[str, int]]]


@dataclass(slots=True)
class ColumnInfo:
    """A Column: item i is cell ``base + i``. ``table_page``: the page whose entries it is, if any."""

    id: int
    label: str
    typecode: str
    length: int
    base: int
    table_page: int | None = None


def fields_of(cls: type[Struct]) -> tuple[str, ...]:
    """The state fields of a Struct class, base class first, without those it names NOT_STATE."""
    skipped: frozenset[str] = getattr(cls, "NOT_STATE", frozenset())
    slots = [name for base in reversed(cls.__mro__) for name in base.__dict__.get("__slots__", ())]
    return tuple(name for name in slots if name not in skipped)


class ValueTable:
    """Interns the values that are not integers."""

    def __init__(self) -> None:
        """An empty table."""
        self.values: list[Any] = []
        self._number: dict[Any, int] = {}

    def index(self, key: Any, value: Any) -> int:
        """The index of ``value``; ``key`` is a hashable stand-in for it."""
        number = self._number.get(key)
        if number is None:
            number = self._number[key] = len(self.values)
            self.values.append(value)
        return number


class Cells:
    """Numbers the cells of everything reachable from a root, and encodes values."""

    def __init__(self, root: Struct, note: Callable[[int, int, int, int], None]) -> None:
        """Number all that exists now; what appears later gets the numbers behind.

        ``note`` is told of each value (cell, kind, lo, hi) that an object which appears later brings along.
        """
        self.objects: list[ObjectInfo] = []
        self.columns: list[ColumnInfo] = []
        self.table = ValueTable()
        self.kind = array("B")
        self.lo = array("I")
        self.hi = array("I")
        self.object_of: dict[int, ObjectInfo] = {}
        self.column_of: dict[int, ColumnInfo] = {}
        self._alive: list[Any] = []  # keeps id() from being used twice
        self._maps: list[tuple[ObjectInfo, str, dict[int, Any]]] = []
        self._note: Callable[[int, int, int, int], None] = self._store
        self.root = self.object(root)
        self._note = note

    def object(self, struct: Struct) -> ObjectInfo:
        """The number of a Struct; one that is new is read, and all that it refers to."""
        info = self.object_of.get(id(struct))
        if info is None:
            info = self._new_object(struct)
            for offset, name in enumerate(info.fields):
                value = getattr(struct, name, _MISSING)
                if isinstance(value, dict):
                    self.add_map(info, name, value)
                elif value is not _MISSING:
                    self._note(info.base + offset, *self.encode(value))
        return info

    def add_map(self, info: ObjectInfo, field: str, entries: dict[int, Any]) -> None:
        """A growth-only dict of a Struct, with what is in it now."""
        self._maps.append((info, field, entries))
        self._read_map(info, field, entries)

    def read_maps(self) -> None:
        """Number what the growth-only dicts have gained meanwhile: that they grow, nobody is told."""
        for info, field, entries in self._maps:
            self._read_map(info, field, entries)

    def _read_map(self, info: ObjectInfo, field: str, entries: dict[int, Any]) -> None:
        info.maps[field] = {key: self._target(item, key) for key, item in entries.items()}

    def _new_object(self, struct: Struct) -> ObjectInfo:
        """Number a Struct without reading it: its fields do not exist yet."""
        fields = fields_of(type(struct))
        label = str(getattr(struct, "name", "") or type(struct).__name__)
        info = ObjectInfo(len(self.objects), type(struct).__name__, label, fields, len(self.kind), {})
        self.objects.append(info)
        self.object_of[id(struct)] = info
        self._alive.append(struct)
        self._grow(len(fields), ABSENT)
        return info

    def column(self, column: Column, table_page: int | None = None) -> ColumnInfo:
        """The number of a Column; one that is new is read."""
        info = self.column_of.get(id(column))
        if info is None:
            base = len(self.kind)
            number = len(self.columns)
            info = ColumnInfo(number, column.name, column.typecode, len(column), base, table_page)
            self.columns.append(info)
            self.column_of[id(column)] = info
            self._alive.append(column)
            self.kind.frombytes(bytes(len(column)))
            self._append_integers(column)
        if table_page is not None:
            info.table_page = table_page
        return info

    def _append_integers(self, column: Column) -> None:
        wide = array("Q", (value & 0xFFFFFFFFFFFFFFFF for value in column))
        halves = array("I")
        halves.frombytes(wide.tobytes())
        self.lo.extend(halves[0::2])
        self.hi.extend(halves[1::2])

    def _grow(self, count: int, kind: int) -> None:
        self.kind.extend([kind] * count)
        self.lo.frombytes(bytes(4 * count))
        self.hi.frombytes(bytes(4 * count))

    def _store(self, cell: int, kind: int, lo: int, hi: int) -> None:
        """Set the initial value of a cell."""
        self.kind[cell], self.lo[cell], self.hi[cell] = kind, lo, hi

    def _target(self, item: Struct | Column, key: int) -> tuple[str, int]:
        """How an entry of a growth-only dict is written down."""
        if isinstance(item, Column):
            return "column", self.column(item, key).id
        return "object", self.object(item).id

    def encode(self, value: Any) -> tuple[int, int, int]:
        """The triple for a value of any kind that a Struct field may hold.

        A cell holds what C calls an unsigned long: most are entries and addresses. A number below zero
        (an order of -1: any) is a value of its own.
        """
        if isinstance(value, int) and value >= 0:
            return INTEGER, value & _U32, value >> 32 & _U32
        key, json_value = self._json(value)
        return VALUE, self.table.index(key, json_value), 0

    def _json(self, value: Any) -> tuple[Any, Any]:
        if isinstance(value, Struct):
            number = self.object(value).id
            return ("ref", number), {"ref": number}
        if isinstance(value, Column):
            number = self.column(value).id
            return ("column", number), {"column": number}
        if isinstance(value, Enum):
            return ("enum", value.name), {"enum": value.name}
        if isinstance(value, tuple):
            items = [self._json(item) for item in value]
            return ("tuple", *(key for key, _ in items)), {"tuple": [item for _, item in items]}
        if isinstance(value, int):
            return ("int", value), value if abs(value) < 1 << 53 else str(value)
        if value is None or isinstance(value, str):
            return ("plain", value), value
        raise TypeError(f"a Struct field holds {type(value).__name__}: {value!r} is not state")


_MISSING = object()
