"""A call stack in gdb's shape, with the kernel's names."""

from __future__ import annotations

from thplab.recording.recording import Recording


def backtrace(recording: Recording, number: int) -> list[str]:
    """Lines ``#N  name (arg=value, ...) at file:line`` for a moment, innermost first.

    Names and arguments are those of the recording's kernel; file and line are of our own source. A
    helper of the model is a part of the kernel's function that calls it: it has no line of its own,
    and its place is that function's place.
    """
    lines: list[str] = []
    place = ""
    for frame in recording.stack(number):
        place = place or f"{frame.file}:{frame.line}"
        for name, args in frame.labels:
            lines.append(f"#{len(lines):<2} {name} ({args}) at {place}")
        if frame.labels:
            place = ""
    return lines
