"""How a check refuses a recording."""

from __future__ import annotations

from typing import Any


class RecordingError(ValueError):
    """The bytes are not a recording that this version can read; says why."""


def need(condition: bool, part: str) -> None:
    """RecordingError, which names the part, if the condition does not hold."""
    if not condition:
        raise RecordingError(f"the recording is damaged: {part}")


def whole(value: Any, end: int) -> bool:
    """Is it an integer with 0 <= value < end?"""
    return type(value) is int and 0 <= value < end
