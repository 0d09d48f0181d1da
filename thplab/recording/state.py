"""A state as canonical bytes: of a living machine, or of a moment of a recording.

One walk serves both, so that they cannot drift apart: it asks a reader for fields, and the reader
knows whether it looks at objects or at cells.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from enum import Enum
from hashlib import sha256
from typing import Any, Protocol

from thplab.mm.include.state import Column, Struct
from thplab.recording.cells import ABSENT, INTEGER, ColumnInfo, ObjectInfo, fields_of


class _Reader(Protocol):
    def fields(self, obj: Any) -> Iterable[tuple[str, Any]]: ...
    def items(self, column: Any) -> array[int]: ...
    def kind(self, value: Any) -> str: ...


def canonical(reader: _Reader, root: Any) -> bytes:
    """Everything reachable from ``root`` in a fixed order, as bytes."""
    out: list[str] = []
    numbers: dict[int, int] = {}
    keep: list[Any] = []
    queue: list[Any] = []

    def reference(obj: Any) -> str:
        if id(obj) not in numbers:
            numbers[id(obj)] = len(numbers)
            keep.append(obj)
            queue.append(obj)
        return f"#{numbers[id(obj)]}"

    def text(value: Any) -> str:
        kind = reader.kind(value)
        if kind in ("struct", "column"):
            return reference(value)
        if kind == "tuple":
            return "(" + ",".join(text(item) for item in value) + ")"
        if kind == "dict":
            return "{" + ",".join(f"{k}:{reference(v)}" for k, v in sorted(value.items())) + "}"
        if isinstance(value, bool):
            value = int(value)
        return repr(value.name if isinstance(value, Enum) else value)

    reference(root)
    for obj in queue:  # grows while it is walked
        if reader.kind(obj) == "column":
            out.append(sha256(reader.items(obj).tobytes()).hexdigest())
        else:
            out.extend(f"{name}={text(value)}" for name, value in reader.fields(obj))
        out.append(";")
    return "\n".join(out).encode()


def _pristine_struct(fields: Iterable[tuple[str, Any]]) -> bool:
    return all(name == "name" or value in (0, None) for name, value in fields)


class _Live:
    """Reads a living machine."""

    def fields(self, obj: Struct) -> list[tuple[str, Any]]:
        pairs = [(n, getattr(obj, n)) for n in fields_of(type(obj)) if hasattr(obj, n)]
        return [(n, self._in_use(v) if isinstance(v, dict) else v) for n, v in pairs]

    def _in_use(self, entries: dict[int, Any]) -> dict[int, Any]:
        return {key: item for key, item in entries.items() if not self._pristine(item)}

    def _pristine(self, item: Any) -> bool:
        return not any(item) if isinstance(item, Column) else _pristine_struct(self.fields(item))

    def items(self, column: Column) -> array[int]:
        return array("Q", (value & 0xFFFFFFFFFFFFFFFF for value in column))

    def kind(self, value: Any) -> str:
        for kind, cls in (("struct", Struct), ("column", Column), ("tuple", tuple), ("dict", dict)):
            if isinstance(value, cls):
                return kind
        return "plain"


def snapshot_bytes(kernel: Struct) -> bytes:
    """The state of a living machine, from its root object."""
    return canonical(_Live(), kernel)


class State:
    """The state at one moment of a recording: cells, and names for them."""

    def __init__(
        self,
        objects: list[ObjectInfo],
        columns: list[ColumnInfo],
        values: list[Any],
        kind: array[int],
        lo: array[int],
        hi: array[int],
    ) -> None:
        """Made by :meth:`Recording.state`."""
        self._objects, self._columns, self._values = objects, columns, values
        self._kind, self._lo, self._hi = kind, lo, hi

    def cell(self, cell: int) -> Any:
        """The value of one cell: an integer, None, a string, an object or a tuple of those."""
        return self.decode(self._kind[cell], self._lo[cell], self._hi[cell])

    def decode(self, kind: int, lo: int, hi: int) -> Any:
        """The value that a triple stands for."""
        return lo | hi << 32 if kind == INTEGER else self._decode(self._values[lo])

    def _decode(self, value: Any) -> Any:
        if isinstance(value, dict):
            if "ref" in value:
                return self._objects[value["ref"]]
            if "column" in value:
                return self._columns[value["column"]]
            if "enum" in value:
                return value["enum"]
            return tuple(self._decode(item) for item in value["tuple"])
        return value

    def exists(self, cell: int) -> bool:
        """False before the cell's object was made."""
        return self._kind[cell] != ABSENT

    @property
    def root(self) -> ObjectInfo:
        """The Kernel."""
        return self._objects[0]

    def get(self, obj: ObjectInfo, field: str) -> Any:
        """A field's value. KeyError for a field that the object does not have or not yet have."""
        if field not in obj.fields or not self.exists(obj.base + obj.fields.index(field)):
            raise KeyError(f"{obj.type} {obj.label} has no field {field}")
        return self.cell(obj.base + obj.fields.index(field))

    def path(self, dotted: str) -> Any:
        """A field reached from the Kernel, e.g. ``khugepaged.scan_address``."""
        value: Any = self.root
        for name in dotted.split("."):
            value = self.get(value, name)
        return value

    def objects(self, kind: str) -> list[ObjectInfo]:
        """All objects of a type that exist at this moment, e.g. ``Lock``."""
        return [obj for obj in self._objects if obj.type == kind and self.exists(obj.base)]

    def existing(self, numbers: Iterable[int]) -> list[ObjectInfo]:
        """Those of these objects that exist at this moment."""
        return [self._objects[number] for number in numbers if self.exists(self._objects[number].base)]

    def items(self, column: ColumnInfo) -> array[int]:
        """All items of a column (u64)."""
        lo = self._lo[column.base : column.base + column.length]
        hi = self._hi[column.base : column.base + column.length]
        return array("Q", (low | high << 32 for low, high in zip(lo, hi, strict=True)))

    def table(self, page: int) -> array[int]:
        """The entries of the page table in frame ``page``."""
        _, number = self.root.maps["tables"][page]
        return self.items(self._columns[number])

    def fields(self, obj: ObjectInfo) -> list[tuple[str, Any]]:
        """All fields that exist, with their values; of a growth-only dict what is in use."""
        pairs: list[tuple[str, Any]] = []
        for offset, name in enumerate(obj.fields):
            if name in obj.maps:
                pairs.append((name, self._in_use(obj.maps[name])))
            elif self.exists(obj.base + offset):
                pairs.append((name, self.cell(obj.base + offset)))
        return pairs

    def _in_use(self, entries: dict[int, tuple[str, int]]) -> dict[int, Any]:
        used: dict[int, Any] = {}
        for key, (what, number) in entries.items():
            if what == "column":
                column = self._columns[number]
                if any(self.items(column)):
                    used[key] = column
            elif not _pristine_struct(self.fields(self._objects[number])):
                used[key] = self._objects[number]
        return used

    def kind(self, value: Any) -> str:
        """What the canonical walk has to do with a value."""
        kinds = ((ObjectInfo, "struct"), (ColumnInfo, "column"), (tuple, "tuple"), (dict, "dict"))
        return next((kind for cls, kind in kinds if isinstance(value, cls)), "plain")

    def bytes(self) -> bytes:
        """Canonical bytes; equal to :func:`snapshot_bytes` of the machine at that moment."""
        return canonical(self, self.root)
