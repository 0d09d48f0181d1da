"""A kind of answer: what the scan says to a window, and at which entry it stops."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from thplab.kernels import ScanResult, profile
from thplab.lessons.kinds.simple import AnswerError
from thplab.lessons.runs.looking import Look
from thplab.words import did_you_mean

_READ_ALL = frozenset({"", "-", "none", "all"})


@dataclass(frozen=True)
class Stop:
    """A result's word and the index of the entry that decided. ``right``: what the run showed.

    ``kernel``: the profile whose results may be named.
    """

    right: tuple[str, int | None]
    kernel: str = "6.18"
    options: tuple[str, ...] = field(default=(), init=False)

    @classmethod
    def of(cls, look: Look, kernel: str = "6.18") -> Stop:
        """With the answer that a look gave."""
        return cls((look.status, look.stopped), kernel)

    @property
    def results(self) -> tuple[str, ...]:
        """The words there are, by alphabet, the good one first."""
        words = sorted(result.value for result in profile(self.kernel).results)
        words.remove(ScanResult.SUCCEED.value)
        return (ScanResult.SUCCEED.value, *words)

    @property
    def ask(self) -> str:
        """What the reader is to type."""
        return "a result and an entry, e.g. page_locked 17; only the result if every entry was read"

    @property
    def key(self) -> str:
        """The result and the entry."""
        return self.show(self.right, between=" ")

    @property
    def listing(self) -> tuple[str, ...]:
        """The results' words, some to a line."""
        words = self.results
        return tuple(", ".join(words[n : n + 5]) for n in range(0, len(words), 5))

    def read(self, text: str) -> tuple[str, int | None]:
        """A result's word or constant, and an entry or nothing."""
        word, *rest = re.split(r"[\s,;:@]+", text.strip(), maxsplit=1)
        place = rest[0].strip().lower() if rest else ""
        if place not in _READ_ALL and not place.isdecimal():
            raise AnswerError(f"{place!r} is no entry's index; type a number, or nothing if all were read")
        return self._result(word), None if place in _READ_ALL else int(place)

    def _result(self, word: str) -> str:
        known = {result.value: result.value for result in profile(self.kernel).results}
        names = {result.constant.lower(): result.value for result in profile(self.kernel).results}
        short = {name.removeprefix("scan_"): value for name, value in names.items()}
        every = {**short, **names, **known}
        if word.lower() not in every:
            hint = did_you_mean(word.lower(), every) or f"; one is {self.results[1]}"
            raise AnswerError(f"{word!r} is not a result of Linux {self.kernel}{hint}")
        return every[word.lower()]

    def show(self, value: Any, between: str = " at entry ") -> str:
        """Result and entry."""
        status, stopped = value
        return status if stopped is None else f"{status}{between}{stopped}"

    def accepts(self, value: object) -> bool:
        """Both must be right."""
        return value == self.right

    def gap(self, value: Any) -> str:
        """Is the result right, or the entry, or neither?"""
        (status, stopped), (right, where) = value, self.right
        if status != right:
            same = stopped == where and where is not None
            return f"The entry is right, but {status} is not what is said there." if same else ""
        if where is None:
            return f"{status} is right, but no entry decided: all of them were read."
        if stopped is None:
            return f"{status} is right. And at which entry did the scan stop?"
        if abs(stopped - where) == 1:
            return f"{status} is right. The first entry has index 0, and a limit is exceeded by limit + 1."
        return f"{status} is right, but the scan did not stop at entry {stopped}."
