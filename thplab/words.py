"""Words of messages: numbers with the things that they count, and the name that was meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def counted(number: int, one: str, more: str = "") -> str:
    """``1 entry``, ``2 entries``: ``one`` thing, else ``more`` of them (else with an s)."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` (did you mean x?)`` with the known name that is nearest to ``word``, or nothing if none is near."""
    near = get_close_matches(word[:40], list(known), n=1, cutoff=0.4)
    return f" (did you mean {near[0]}?)" if near else ""
