"""A call stack in gdb's shape, with the kernel's names."""

from __future__ import annotations

from thplab.recording.recording import Recording

__all__ = ["backtrace"]


def backtrace(recording: Recording, number: int) -> list[str]:
    """Lines ``#N  name (arg=value, ...) at file:line`` for a moment, innermost first.

    Names and arguments are those of the recording's kernel; file and line are of our own source.
    """
    lines: list[str] = []
    for frame in recording.stack(number):
        for name, args in frame.labels:
            lines.append(f"#{len(lines):<2} {name} ({args}) at {frame.file}:{frame.line}")
    return lines
