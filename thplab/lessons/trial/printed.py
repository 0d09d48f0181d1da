"""Where a run's ``print`` goes: into a place of a limited size. What comes after that is dropped."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from thplab.lessons.trial.words import plain

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: A character has at most so many bytes.
BYTES = 4


class _Bounded(io.RawIOBase):
    """Takes everything and hands the first ``most`` bytes on."""

    def __init__(self, take: Callable[[bytes], object], most: int) -> None:
        self._take, self._left = take, most

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        given = bytes(data)
        if kept := given[: self._left]:
            self._left -= len(kept)
            self._take(kept)
        return len(given)


def bounded(take: Callable[[bytes], object], most: int) -> io.TextIOWrapper:
    """A text file for so many characters; each ``print`` arrives at once."""
    raw = _Bounded(take, (most + 1) * BYTES)
    file: Any = raw  # it needs no name
    return io.TextIOWrapper(file, "utf-8", "backslashreplace", write_through=True)


def readable(data: bytes, most: int) -> str:
    """What was printed, as far as it is shown."""
    text = plain(data.decode("utf-8", "replace").replace("\r\n", "\n")).rstrip("\n")
    return text if len(text) <= most else f"{text[:most]}\n... (it printed more than is shown here)"
