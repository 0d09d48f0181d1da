"""What is to be tried, and what came of it: plain data, which goes from one process to the other as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from typing import Any

#: Holds the function that was written against cases. It gets the function, then the arguments of the job;
#: what went wrong, in words, and empty if nothing did. It may also raise ``Wrong``.
Checker = Callable[..., str]

#: Bytes that what is said of an answer may have, as JSON.
LARGEST_VERDICT = 1 << 16


class Wrong(Exception):
    """What the code did is wrong: the words say what."""


@dataclass(frozen=True)
class Limits:
    """What a run may use: seconds by the clock, bytes on top of what Python has, characters printed."""

    seconds: float = 5.0
    memory: int = 256 << 20
    printed: int = 2000


@dataclass(frozen=True)
class Job:
    """``source`` is to define ``function``; ``checker`` is called with it and ``args``, which are JSON.

    ``begins``: the first line that such a function may have.
    """

    function: str
    begins: str
    source: str
    checker: str
    args: Sequence[Any]
    limits: Limits

    def to_json(self) -> str:
        """One line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """The job in a line that ``to_json`` wrote."""
        data = json.loads(text)
        return cls(**{**data, "limits": Limits(**data["limits"])})


@dataclass(frozen=True)
class Outcome:
    """What came of it. ``words``: what is wrong; empty if the answer is right.

    ``valid``: is it an answer at all? ``tried``: False if the reader has stopped it, or it did not begin.
    ``printed``: what it printed.
    """

    words: str
    valid: bool = True
    tried: bool = True
    printed: str = ""

    def printing(self, printed: str) -> Outcome:
        """The same, having printed this."""
        return replace(self, printed=printed)

    def to_json(self) -> str:
        """What is wrong, and whether it is an answer."""
        return json.dumps({"words": self.words, "valid": self.valid})

    @classmethod
    def from_json(cls, text: bytes) -> Outcome | None:
        """What another process said; None if that is nothing that ``to_json`` writes."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(data, dict) or set(data) != {"words", "valid"}:
            return None
        words, valid = data["words"], data["valid"]
        return cls(words, valid) if isinstance(words, str) and isinstance(valid, bool) else None


def name_of(checker: Checker) -> str:
    """The name under which another process finds it. ValueError if it can't be found there."""
    name = f"{checker.__module__}:{checker.__qualname__}"
    if checker.__module__ == "__main__" or "<" in name:
        raise ValueError(f"{name} checks code in another process: write it as a function of a module")
    return name


def find(name: str) -> Checker:
    """The checker of this name."""
    module, _, function = name.partition(":")
    found: Checker = getattr(import_module(module), function)
    return found
