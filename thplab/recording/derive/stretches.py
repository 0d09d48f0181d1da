"""Columns that keep a value for many moments: found where they change, then filled in at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import compress, count
from operator import ne, sub
from typing import Any


def where(column: Iterable[Any]) -> Iterable[int]:
    """The places at which a column is not 0."""
    return compress(count(), column)


def changes(column: array[Any]) -> Iterable[int]:
    """The places, from the second on, at which a column has another value than before."""
    return compress(count(1), map(ne, column, column[1:]))


def fill(typecode: str, moments: Sequence[int], values: Iterable[int], length: int) -> array[Any]:
    """A column that has each value from its moment on; ``moments`` begin with 0."""
    items = array(typecode, values)
    size, data = items.itemsize, items.tobytes()
    stretches = map(sub, [*moments[1:], length], moments)
    column = array(typecode)
    column.frombytes(b"".join(data[size * n : size * n + size] * long for n, long in enumerate(stretches)))
    return column
