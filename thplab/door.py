"""What a public method is given is checked before it does anything: nothing half-changed stays behind.

``@checked`` reads the annotations. Integers of other libraries count as integers and are made into one, truth
values do not; texts, flags and objects of the model must be what they are said to be.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

P = ParamSpec("P")
R = TypeVar("R")

#: Takes a value, gives it as the method is to get it. Raises TypeError, or ValueError.
_Check = Callable[[object], object]


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError("an integer")
    return int(value)


def _number(value: object) -> float:
    try:
        found = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    except OverflowError:
        found = math.nan
    if not math.isfinite(found):
        raise TypeError("a finite number")
    return found


def _is(kind: type, words: str) -> _Check:
    def check(value: object) -> object:
        if not isinstance(value, kind):
            raise TypeError(words)
        return value

    return check


def _pairs(value: object) -> object:
    """A text is iterable, too, and means something else."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError("pairs of a path and a value")
    pairs = [tuple(each) if isinstance(each, tuple | list) else each for each in value]
    if not all(isinstance(each, tuple) and len(each) == 2 and isinstance(each[0], str) for each in pairs):
        raise TypeError("pairs of a path and a value")
    return pairs


def _check_of(hint: Any) -> _Check:
    if hint is object or isinstance(hint, TypeVar):
        return lambda value: value
    if get_origin(hint) in (Union, UnionType):
        (inner,) = (_check_of(each) for each in get_args(hint) if each is not NoneType)
        return lambda value: None if value is None else inner(value)
    kind = get_origin(hint) or hint
    known: dict[Any, _Check] = {
        int: _integer,
        float: _number,
        bool: _is(bool, "True or False"),
        str: _is(str, "a text"),
        Mapping: _is(Mapping, "a mapping"),
        Iterable: _pairs,
    }
    return known.get(kind) or _is(kind, f"a {kind.__name__}")


def checked(method: Callable[P, R]) -> Callable[P, R]:
    """Refuse arguments of another type than ``method`` says, in words, before it is called."""
    signature = inspect.signature(method)
    names = list(signature.parameters)

    @functools.cache
    def checks() -> dict[str, _Check]:
        hints = get_type_hints(method)
        return {name: _check_of(hints[name]) for name in names[1:]}

    def checked_value(name: str, value: object) -> Any:
        try:
            return checks()[name](value)
        except TypeError as error:
            where = f"{method.__qualname__.removesuffix('.__init__')}: {name}"
            raise TypeError(f"{where}={_shown(value)} is not accepted; allowed: {error}") from None

    # Kinds of arguments that were accepted as they are: a page is written a million times.
    accepted: set[tuple[type, ...]] = set()

    @functools.wraps(method)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        kinds = tuple(map(type, args))
        if not kwargs and kinds in accepted:
            return method(*args, **kwargs)
        values: list[Any] = [*args[:1], *map(checked_value, names[1:], args[1:]), *args[len(names) :]]
        named: dict[str, Any] = dict(kwargs)
        for name in named.keys() & checks().keys():
            named[name] = checked_value(name, named[name])
        if not kwargs and not _BY_VALUE.intersection(kinds):
            accepted.update([kinds] if all(new is old for new, old in zip(values, args, strict=True)) else [])
        return method(*values, **named)

    return wrapper


#: Kinds of which not every value is accepted.
_BY_VALUE = {float, list, tuple}


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 60 else f"{text[:60]}..."
