"""Where the model keeps what can change.

The kernel keeps its state in C structs and in arrays of integers (page tables, ``mem_map``,
the vmstat counters). So does the model: a :class:`Struct` is a C struct, a :class:`Column`
is an array of integers. Every change of state is therefore one of two things: an item of a
Column was assigned, or a field of a Struct was. Whoever wants to watch the model (a recorder,
a test) needs to watch these two and nothing else, and the model needs to know of nobody.

Two house rules keep that true:

* a Struct field holds an integer, a string, None, an Enum member, another Struct or a Column,
  or a tuple of those. A list that changes is a tuple that is replaced;
* the one exception is a dict that only grows and maps an integer to a Column or a Struct
  (what stands in a frame, the lock of a table). An entry of such a dict that nothing refers
  to has no meaning, so its presence is not state.
"""

from __future__ import annotations

from array import array


class Column(array):  # type: ignore[type-arg]  # array is not generic at run time for subclasses
    """A named array of C integers; ``typecode`` as in :mod:`array` (``Q``: u64, ``I``: u32)."""

    __slots__ = ("name",)
    name: str

    def __new__(cls, typecode: str, length: int, name: str) -> Column:
        """Make a Column of ``length`` zeroes."""
        self = super().__new__(cls, typecode, bytes(length * array(typecode).itemsize))
        self.name = name
        return self


class Struct:
    """Base of everything that is a C struct in the kernel; fields stand in ``__slots__``."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Name the struct by its ``name`` field where it has one."""
        name = getattr(self, "name", None)
        return f"<{type(self).__name__} {name}>" if name else f"<{type(self).__name__}>"
