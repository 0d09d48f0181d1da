"""What the commands say when they are asked for something that there is not."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from thplab.words import did_you_mean

__all__ = ["hint", "unusable"]

_SHOWN = 20


def hint(given: str, known: Iterable[str]) -> str:
    """`` (did you mean x?)``, or the first known names if none is near."""
    known = list(known)
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return did_you_mean(given, known) or f"; known: {', '.join(known[:_SHOWN])}{more}"


def unusable(message: str) -> int:
    """Say it in one line on the standard error; the exit status, 2."""
    print(f"thplab: {message}", file=sys.stderr)
    return 2
