"""A machine's state, to compare before and after."""

from __future__ import annotations

from typing import Any

from tests.invariants.census import Census
from thplab.mm.include.page import PG_table
from thplab.mm.include.state import Column, Struct


def tables_and_pages(kernel: Any) -> dict[str, Any]:
    """All that a refused collapse must leave as it was, bit for bit: tables, folios, VMAs, sizes."""
    census = Census(kernel)
    mem_map = kernel.mem_map
    columns = ("flags", "refcount", "mapcount", "entire_mapcount", "large_mapcount", "contents", "mapping")
    return {
        "tables": {
            page: (level, tuple(kernel.tables[page]))
            for tables in census.tables.values()
            for page, level in tables.items()
        },
        "folios": {
            folio: tuple(tuple(getattr(mem_map, c)[folio : folio + census.nr(folio)]) for c in columns)
            for folio in census.folios
        },
        "vmas": [(mm.name, v.vm_start, v.vm_end, v.vm_flags) for mm in kernel.mms for v in mm.vmas],
        "sizes": [(mm.name, mm.rss, mm.pgtables, mm.flags) for mm in kernel.mms],
        "free": sum(1 << order for _, order in census.blocks),
    }


def whole_state(kernel: Any, *, without: tuple[str, ...] = ()) -> list[Any]:
    """Every field of every struct and every item of every column, in a fixed order, for ``==``."""
    seen: dict[int, int] = {}
    keep: list[Any] = []
    result: list[Any] = []

    def visit(value: Any, name: str) -> Any:
        if isinstance(value, Column):
            return name, value.tobytes()
        if isinstance(value, Struct):
            if id(value) in seen:
                return name, "seen", seen[id(value)]
            seen[id(value)] = len(seen)
            keep.append(value)
            hidden = getattr(value, "NOT_STATE", frozenset())
            for field in sorted(set(type(value).__slots__) - hidden - set(without)):
                result.append(visit(getattr(value, field), f"{name}.{field}"))
            return name, type(value).__name__
        if isinstance(value, tuple):
            return name, tuple(visit(item, f"{name}[{i}]") for i, item in enumerate(value))
        if isinstance(value, dict):
            if name.endswith("i_pages"):
                live = [number for number in sorted(value) if any(value[number])]
            else:
                live = [page for page in sorted(value) if kernel.mem_map.flags[page] & PG_table]
            return name, tuple(visit(value[page], f"{name}[{page}]") for page in live)
        return name, value

    visit(kernel, "kernel")
    return result
