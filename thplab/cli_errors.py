"""What the commands say when they are asked for something that there is not."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["SCENARIO", "hint", "unusable"]

#: What a command says of its argument.
SCENARIO = "name of a scenario, e.g. note, or a file with one (FILE#2: the second of several)"

_SHOWN = 20


def hint(given: str, known: Iterable[str]) -> str:
    """``; did you mean X?``, or the first of those that there are if none is near."""
    known = list(known)
    near = get_close_matches(given, known, n=1, cutoff=0.4)
    if near:
        return f"; did you mean {near[0]}?"
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"; known: {', '.join(known[:_SHOWN])}{more}"


def unusable(message: str) -> int:
    """Say it in one line on the standard error; the exit status, 2."""
    print(f"thplab: {message}", file=sys.stderr)
    return 2
