"""The journal: every change of state of a machine while a recording runs, noted from outside.

State is items of Columns and fields of Structs (thplab/mm/include/state.py). While the journal is open, the
assignment of both is watched on the classes themselves; afterwards they are exactly as before.
"""

from __future__ import annotations

import sys
import threading
from array import array
from collections.abc import Callable
from typing import Any

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.state import Column, Struct
from thplab.recording.cells import INTEGER, Cells, ObjectInfo
from thplab.recording.owner import kernel_at_work

_open: list[Journal] = []


class Journal:
    """Watches one machine. ``cells`` numbers its state; the columns below hold one row a change.

    What has a number belongs to the machine; what has none yet gets one if it changes while functions
    work for this machine (owner.py), or when something of the machine first refers to it.
    """

    def __init__(self, root: Kernel, on_field: Callable[[Struct, str], None] | None = None) -> None:
        """``on_field`` is told of each field that was changed, after the change."""
        self.cell = array("I")
        self.kind = array("B")
        self.lo = array("I")
        self.hi = array("I")
        self.cells = Cells(root, self._append)
        self.initial_cells = len(self.cells.kind)
        self._root = root
        self._on_field = on_field
        self._thread = threading.get_ident()

    def __enter__(self) -> Journal:
        """Begin to watch. RuntimeError if another recording runs in this process."""
        if _open:
            raise RuntimeError("a recording runs already; finish it before starting another")
        _open.append(self)
        type.__setattr__(Column, "__setitem__", self._column_hook())
        type.__setattr__(Struct, "__setattr__", self._struct_hook())
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        type.__delattr__(Column, "__setitem__")
        type.__delattr__(Struct, "__setattr__")
        _open.clear()

    def _is_ours(self) -> bool:
        """Does whoever assigns (the caller of the caller) work for this machine?"""
        return kernel_at_work(sys._getframe(2)) is self._root

    def _column_hook(self) -> Callable[[Column, Any, Any], None]:
        plain, get_ident, here = array.__setitem__, threading.get_ident, self._thread
        known, number, note_slice = self.cells.column_of, self.cells.column, self._note_slice
        is_ours = self._is_ours
        # One function without inner calls: a tracer sees each call, and this one is made most often.
        cell, kind, lo, hi = self.cell.append, self.kind.append, self.lo.append, self.hi.append

        def assign_item(column: Column, key: Any, value: Any) -> None:
            if get_ident() != here:
                plain(column, key, value)
                return
            info = known.get(id(column)) or (number(column) if is_ours() else None)
            if info is None:
                plain(column, key, value)
            elif isinstance(key, slice):
                old = column[key]
                plain(column, key, value)
                note_slice(column, info.base, key, old)
            elif column[key] != value:
                plain(column, key, value)
                cell(info.base + (key if key >= 0 else key + info.length))
                kind(INTEGER)
                lo(value & 0xFFFFFFFF)
                hi(value >> 32 & 0xFFFFFFFF)

        return assign_item

    def _note_slice(self, column: Column, base: int, key: slice, old: array[int]) -> None:
        """A row for each item of the slice that is another one now."""
        for before, item in zip(old, range(*key.indices(len(column))), strict=True):
            value = column[item]
            if before != value:
                self._append(base + item, INTEGER, value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF)

    def _append(self, cell: int, kind: int, lo: int, hi: int) -> None:
        self.cell.append(cell)
        self.kind.append(kind)
        self.lo.append(lo)
        self.hi.append(hi)

    def _struct_hook(self) -> Callable[[Struct, str, Any], None]:
        here, get_ident = self._thread, threading.get_ident
        known, number, is_ours = self.cells.object_of, self.cells.object, self._is_ours

        def assign_field(struct: Struct, name: str, value: Any) -> None:
            info = None
            if get_ident() == here:
                info = known.get(id(struct)) or (number(struct) if is_ours() else None)
            before = getattr(struct, name, _MISSING)
            object.__setattr__(struct, name, value)
            if info is not None and (before is _MISSING or before != value):
                self._note_field(info, struct, name, value)

        return assign_field

    def _note_field(self, info: ObjectInfo, struct: Struct, name: str, value: Any) -> None:
        if name == "name":
            info.label = str(value)
        if name not in info.fields:
            return
        if isinstance(value, dict):
            self.cells.add_map(info, name, value)
        else:
            self._append(info.base + info.fields.index(name), *self.cells.encode(value))
            if self._on_field is not None:
                self._on_field(struct, name)

    def finish(self) -> None:
        """At the end: number what growth-only dicts have gained, so that a state can be walked."""
        self.cells.read_maps()


_MISSING = object()
