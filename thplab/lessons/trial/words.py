"""What went wrong with a student's code, in words, with the line."""

from __future__ import annotations

import re
import signal
import traceback
from errno import EFBIG

from thplab.lessons.trial.job import Limits

#: The name of the student's file.
FILE = "<your code>"
_LONGEST_LINE = 80
_LONGEST_MESSAGE = 300
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
#: In the repr of what has none of its own.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
#: A frame of the student's, as faulthandler writes it. It writes the innermost first.
_DUMPED = re.compile(rb'File "<your code>", line (\d+) in ')


def plain(text: str) -> str:
    """Text that can be shown and sent: control characters and lone surrogates by their codes."""
    text = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return text.encode("utf-8", "backslashreplace").decode()


def brief(text: str, most: int = _LONGEST_MESSAGE) -> str:
    """Its beginning, if it is long."""
    return text if len(text) <= most else f"{text[:most]} ..."


def shown(value: object, most: int = 60) -> str:
    """What a student's function returned, for a sentence. A value that can't be shown has its type's name."""
    kind = type(value)
    if kind.__name__ in ("generator", "coroutine", "async_generator"):
        return f"a {kind.__name__.replace('_', ' ')}"
    if type(value) is int and abs(value) >= 1 << 64:
        return "a number of more than 64 bits"
    try:
        text = repr(value)
    except Exception:
        return plain(f"an object of type {brief(kind.__name__, most)}, which can't be shown")
    if _ADDRESS.search(text):
        return plain(f"an object of type {brief(kind.__name__, most)}")
    return plain(brief(" ".join(text.split()), most))


def place(source: str, line: int | None, begin: str = "Line") -> str:
    """A line of the source, quoted; empty if the number is that of no line."""
    lines = re.split(r"\r\n|[\r\n]", source)
    if line is None or not 1 <= line <= len(lines):
        return ""
    return f'{begin} {line} of your code, "{plain(brief(lines[line - 1].strip(), _LONGEST_LINE))}",'


def raised(source: str, error: BaseException, otherwise: int | None, limits: Limits) -> str:
    """What is said of an error that came out of the code. ``otherwise``: the line if it came through none."""
    where = place(source, line_of(error) or otherwise) or "Your code"
    if isinstance(error, MemoryError):
        return f"{where} asked for too much memory: an answer may use {limits.memory >> 20} MiB."
    if isinstance(error, EOFError):
        return f"{where} waited for input, and nobody types any: use what the function is given."
    if isinstance(error, SystemExit):
        return f"{where} asked Python to end: return a value instead."
    if isinstance(error, RecursionError):
        return f"{where} called itself too often (RecursionError). Does it come to an end?"
    if isinstance(error, OSError) and error.errno == EFBIG:
        return f"{where} wrote more than an answer may."
    return f"{where} raised {_told(error)}."


def _told(error: BaseException) -> str:
    """Name and message of an error, which may be of the student's making."""
    name = plain(brief(str(type(error).__name__), 60))
    try:
        message = plain(brief(" ".join(str(error).split()))).rstrip(".")
    except Exception:
        return f"{name}, whose message can't be shown"
    return f"{name}: {message}" if message else name


def replaced(source: str, name: str) -> str:
    """A built-in is not what it was."""
    lines = (number for number, line in enumerate(source.split("\n"), 1) if "builtins" in line)
    where = place(source, next(lines, None)) or "Your code"
    return f"{where} replaced Python's own {plain(name)}. Leave the built-ins as they are."


def line_of(error: BaseException) -> int | None:
    """The place in the answer's code that an error came through last."""
    line = None
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == FILE:
            line = number
    return line


def dumped_line(dump: bytes) -> int | None:
    """The line that was running when Python wrote where it was."""
    found = _DUMPED.search(dump)
    return int(found[1]) if found else None


def told_where(dump: bytes) -> bool:
    """Has Python written the line, or all that it knows?"""
    return dumped_line(dump) is not None or b" in <module>" in dump


def too_long(source: str, line: int | None, limits: Limits) -> str:
    """It was still running at the end of its time."""
    where = place(source, line) or "Your code"
    return f"{where} was still running after {limits.seconds:g} s, and was stopped. Does it come to an end?"


def stopped(source: str, line: int | None, seconds: float) -> str:
    """The reader stopped it."""
    where = place(source, line, "in line").rstrip(",")
    return f"You stopped your code after {seconds:.1f} s{', ' + where if where else ''}."


def ended(source: str, line: int | None, status: int) -> str:
    """Its process ended before anything was returned, with this status, or by the signal -status."""
    where = place(source, line) or "Your code"
    if status >= 0:
        return f"{where} ended Python before the answer was checked, or broke what it was checked with."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    return f"{where} made Python crash (signal {name})."
