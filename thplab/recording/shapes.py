"""What each field of a struct may hold, as the model declares it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from inspect import get_annotations
from typing import Any

from thplab.mm import tlb  # nothing below imports it, and its structs are state, too
from thplab.mm.include.state import Struct
from thplab.recording.cells import fields_of

_MODEL = tlb.__name__.removesuffix("tlb")


@dataclass(frozen=True)
class Shape:
    """What a value may be. ``structs``: names of those that it may refer to; ``words``: of enum members.

    ``items``: of what it may be a tuple; ``entries``: of what it may be a dict, which has no cell.
    """

    integer: bool = False
    text: bool = False
    nothing: bool = False
    column: bool = False
    structs: frozenset[str] = field(default_factory=frozenset)
    words: frozenset[str] = field(default_factory=frozenset)
    items: tuple[Shape, ...] = ()
    entries: Shape | None = None

    def fits(self, value: Any, types: list[str]) -> bool:
        """Is it one of those? ``value``: of the header's ``values``; ``types``: of its objects."""
        if not isinstance(value, dict):
            return (
                self.nothing if value is None
                else self.text if isinstance(value, str)
                else self.integer and type(value) is int
            )  # fmt: skip
        [(kind, what)] = value.items()
        if kind == "tuple":
            return bool(self.items) and all(any(one.fits(it, types) for one in self.items) for it in what)
        if kind == "ref":
            return types[what] in self.structs
        return what in self.words if kind == "enum" else self.column


@cache
def shapes() -> dict[str, dict[str, Shape]]:
    """Struct -> field -> what it may hold."""
    return {cls.__name__: {name: _shape(cls, name) for name in fields_of(cls)} for cls in _below(Struct)}


def _below(cls: type) -> Iterator[type[Struct]]:
    each: type[Struct]
    for each in cls.__subclasses__():
        if each.__module__.startswith(_MODEL):
            yield each
            yield from _below(each)


def _shape(cls: type, name: str) -> Shape:
    declared = next(base for base in cls.__mro__ if name in get_annotations(base))
    written = get_annotations(declared)[name]
    return _read(ast.parse(written, mode="eval").body, vars(sys.modules[declared.__module__]))


def _read(written: ast.expr, names: dict[str, Any]) -> Shape:
    """Of an annotation: a type's name, ``A | B``, ``tuple[A, ...]`` or ``dict[int, A]``."""
    if isinstance(written, ast.BinOp):
        return _either(_read(written.left, names), _read(written.right, names))
    if isinstance(written, ast.Subscript):
        assert isinstance(written.slice, ast.Tuple), ast.dump(written)
        first, second = written.slice.elts
        if ast.unparse(written.value) == "dict":
            return Shape(entries=_read(second, names))
        return Shape(items=(_read(first, names),))
    word = ast.unparse(written)
    plain = {
        "int": Shape(integer=True), "bool": Shape(integer=True), "str": Shape(text=True),
        "None": Shape(nothing=True), "Column": Shape(column=True),
    }  # fmt: skip
    if word in plain:
        return plain[word]
    known = names.get(word)
    if isinstance(known, type) and issubclass(known, Enum):
        return Shape(words=frozenset(known.__members__), integer=issubclass(known, int))
    return Shape(structs=frozenset({word}))  # checked against the structs' names by a test


def _either(a: Shape, b: Shape) -> Shape:
    return Shape(
        a.integer or b.integer, a.text or b.text, a.nothing or b.nothing, a.column or b.column,
        a.structs | b.structs, a.words | b.words, a.items + b.items, a.entries or b.entries,
    )  # fmt: skip
