"""What a key of a scenario may hold: each kind of value checks it, says it in words and as JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from reprlib import Repr
from typing import Any, Protocol, TypeGuard

from thplab.scenario.errors import ScenarioError
from thplab.words import did_you_mean

#: Page numbers go up to here: 512 GiB from page 0 of the region.
LAST_PAGE = 1 << 27

_shorten = Repr()
_shorten.maxstring = _shorten.maxother = 60


def refuse(where: str, value: object, allowed: str) -> ScenarioError:
    """The error that names a key, the value it has and what is allowed."""
    return ScenarioError(f"{where}: {_shorten.repr(value)} is not accepted; allowed: {allowed}")


def is_int(value: object) -> TypeGuard[int]:
    """An integer, and not a truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """A list, or a tuple as Python code would write it."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def as_object(value: object, where: str) -> Mapping[str, Any]:
    """``value``, which must be an object; its keys are texts."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise refuse(where, value, "an object with keys")
    return value


@dataclass(frozen=True)
class Value:
    """A kind of value: what is ``allowed``, in words and as JSON ``schema``.

    ``check(value, where, depth)`` raises ScenarioError, which names where it is, unless it is accepted;
    ``depth``: how deep children are nested there. ``name``: of its definition, if it has one.
    """

    allowed: str
    schema: Mapping[str, Any]
    check: Callable[[object, str, int], None]
    name: str = ""

    @property
    def ref(self) -> Mapping[str, Any]:
        """Its schema, or where its definition is."""
        return {"$ref": f"#/$defs/{self.name}"} if self.name else self.schema


def plain(allowed: str, schema: Mapping[str, Any], accepts: Callable[[Any], bool]) -> Value:
    """A value that is accepted or not as a whole."""

    def check(value: object, where: str, depth: int) -> None:
        if not accepts(value):
            raise refuse(where, value, allowed)

    return Value(allowed, schema, check)


def number(lowest: int, highest: int, multiple: int = 1) -> Value:
    """An integer of a range, perhaps a ``multiple`` of another."""
    return plain(
        f"an integer from {lowest} to {highest}" + (f", a multiple of {multiple}" if multiple > 1 else ""),
        {"type": "integer", "minimum": lowest, "maximum": highest, "multipleOf": multiple},
        lambda value: is_int(value) and lowest <= value <= highest and not value % multiple,
    )


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.replace("_", "a").isalnum()


ANY = plain("a value", {"type": ["string", "integer"]}, lambda value: True)
FLAG = plain("true or false", {"enum": [True, False, 0, 1]}, lambda value: value in (True, False))
TEXT = plain("a text", {"type": "string"}, lambda value: isinstance(value, str))
NAME = plain("a name of letters, digits and _", {"type": "string", "pattern": r"^\w+$"}, _is_name)
PROC = plain(
    "the name of a process, or of a child: a.k",
    {"type": "string", "pattern": r"^\w+(\.\w+)*$"},
    lambda value: isinstance(value, str) and all(map(_is_name, value.split("."))),
)
RANGE = plain(
    f"[first, end) with 0 <= first < end <= {LAST_PAGE}",
    {"type": "array", "items": number(0, LAST_PAGE).schema, "minItems": 2, "maxItems": 2},
    lambda value: (
        is_list(value)
        and len(value) == 2
        and all(map(is_int, value))
        and 0 <= value[0] < value[1] <= LAST_PAGE
    ),
)


def word(words: Iterable[str], *, several: bool = False) -> Value:
    """One of ``words``; ``several``: or some of them, joined by ``|``."""
    known = tuple(words)
    allowed = " | ".join(known)

    def check(value: object, where: str, depth: int) -> None:
        parts = value.split("|") if isinstance(value, str) and several else [value]
        if not all(isinstance(part, str) and part in known for part in parts):
            raise refuse(
                where, value, allowed + (did_you_mean(value, known) if isinstance(value, str) else "")
            )

    return Value(allowed, {"enum": [*known, *(["|".join(known)] if several else [])]}, check)


def list_of(each: Value, *, least: int = 0, allowed: str = "") -> Value:
    """A list of values; at least ``least`` of them. ``allowed``: what it is, if that needs words."""
    allowed = allowed or "a list" + (" that is not empty" if least else "")

    def check(value: object, where: str, depth: int) -> None:
        if not is_list(value) or len(value) < least:
            raise refuse(where, value, allowed)
        for index, one in enumerate(value):
            each.check(one, f"{where}[{index}]", depth)

    return Value(allowed, {"type": "array", "items": each.ref, "minItems": least}, check)


PAGES = list_of(RANGE, allowed="a list of ranges [first, end)")


@dataclass(frozen=True)
class Key:
    """A key of an object: what it may hold, what that means, and what holds if it is left out."""

    value: Value
    says: str = ""
    default: object = None
    needed: bool = False


def object_of(keys: Mapping[str, Key]) -> Value:
    """An object with these keys and no others."""

    def check(value: object, where: str, depth: int) -> None:
        data, here = as_object(value, where), where or "scenario"
        for name, each in data.items():
            if name not in keys:
                known = f"{', '.join(keys)}{did_you_mean(name, keys)}"
                raise ScenarioError(f"{here}: unknown key {_shorten.repr(name)}; allowed: {known}")
            keys[name].value.check(each, f"{where}.{name}" if where else name, depth)
        for name, key in keys.items():
            if key.needed and name not in data:
                raise ScenarioError(f"{here}: the key {name!r} is missing")

    properties = {name: {"description": key.says, **key.value.ref} for name, key in keys.items()}
    needed = [name for name, key in keys.items() if key.needed]
    schema = {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
    return Value("an object with keys", schema, check)


class Row(Protocol):
    """An op or a step: one sentence on what it does, and its keys."""

    @property
    def effect(self) -> str:
        """What it does."""

    @property
    def keys(self) -> Mapping[str, Key]:
        """Besides the one that names it."""


def chosen(
    tag: str,
    rows: Mapping[str, Row],
    besides: Callable[[Mapping[str, Any], str], None] = lambda data, where: None,
) -> Value:
    """An object whose key ``tag`` says which of ``rows`` it is, and so which other keys it has.

    ``besides`` checks keys that depend on each other. The schema refers to one for each row.
    """
    known = {name: object_of({tag: Key(word([name]), needed=True), **row.keys}) for name, row in rows.items()}

    def check(value: object, where: str, depth: int) -> None:
        data = as_object(value, where)
        if tag not in data:
            raise ScenarioError(f"{where}: the key {tag!r} is missing; allowed: {', '.join(rows)}")
        word(rows).check(data[tag], f"{where}.{tag}", depth)
        known[data[tag]].check(data, where, depth)
        besides(data, where)

    return Value("an object with keys", {"oneOf": [value.schema for value in known.values()]}, check)
