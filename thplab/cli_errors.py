"""What the commands say about what there is, and when they are asked for something else."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches

from thplab.kernels import PROFILES

__all__ = ["KERNEL_HELP", "hint", "unusable"]

#: Of the option ``--kernel``.
KERNEL_HELP = f"kernel profile: {', '.join(PROFILES)} (default %(default)s)"

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
