"""Backtraces as gdb prints them: the note's, and stops of real kernels, read into frames."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

#: Whose backtraces there are: the note's, and those of two kernels that we stopped ourselves.
SOURCES = ("note", "6.1", "6.12")

#: The two ways to a huge page that were stopped: khugepaged's, and that of a page fault.
ROUTES = ("khugepaged", "page fault")

_FRAME = re.compile(
    r"#(?P<number>\d+) +(?:(?P<address>0x[0-9a-f]+) in )?(?P<name>\S+) \((?P<args>.*)\)"
    r"(?: at (?P<place>\S+))?"
)


@dataclass(frozen=True)
class GdbFrame:
    """One line of a backtrace.

    ``inlined``: the function has no frame of its own on the stack, because the compiler put its body
    into its caller. gdb shows this one line further out: the *caller* is printed without an address.
    """

    number: int
    name: str
    args: dict[str, str]
    file: str
    line: int
    inlined: bool


def parse_backtrace(lines: Iterable[str]) -> list[GdbFrame]:
    """The frames in ``lines``, innermost first; lines that are none are passed over."""
    matches = [match for text in lines if (match := _FRAME.match(text)) and match["name"] != "??"]
    has_addresses = any(match["address"] for match in matches)
    frames: list[GdbFrame] = []
    for match, caller in zip(matches, [*matches[1:], None], strict=True):
        file, _, line = (match["place"] or "").rpartition(":")
        inlined = has_addresses and caller is not None and caller["address"] is None
        args = _args(match["args"])
        frames.append(GdbFrame(int(match["number"]), match["name"], args, file, int(line or 0), inlined))
    return frames


def _args(text: str) -> dict[str, str]:
    """``name=value`` pairs; gdb's ``name@entry`` repeats a value and is left out."""
    found: dict[str, str] = {}
    for part in filter(None, re.split(r", (?=[\w@]+=)", text)):
        name, _, value = part.partition("=")
        if not name.endswith("@entry"):
            found[name] = re.sub(r"^\w+@entry=", "", value)
    return found


def load_backtrace(source: str = "note", route: str = "khugepaged") -> list[GdbFrame]:
    """The frames of one stop: of the note, or of a real kernel on one of the two routes.

    ValueError if there is no such stop.
    """
    allowed = {("note", "khugepaged")} | {(s, r) for s in SOURCES[1:] for r in ROUTES}
    if (source, route) not in allowed:
        known = "; ".join(f"{s} by {r}" for s, r in sorted(allowed))
        raise ValueError(f"no backtrace of {source!r} by {route!r}; there are: {known}")
    text = (files("thplab") / "data" / "backtraces" / f"{source}.txt").read_text(encoding="utf-8")
    if source == "note":
        return parse_backtrace(text.splitlines())
    _, _, part = text.partition(f"== {route} route")
    return parse_backtrace(part.partition("\n== ")[0].splitlines())
