"""Numbers with the things that they count."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, more: str = "") -> str:
    """``1 entry``, ``2 entries``: ``one`` thing, else ``more`` of them (else with an s)."""
    return f"{number} {one if number == 1 else more or one + 's'}"
