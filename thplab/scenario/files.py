"""Files of scenarios: JSON objects, one on each line or over several lines, and errors that say where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thplab.scenario.data import Scenario, read_json, unwrap
from thplab.scenario.errors import ScenarioError
from thplab.scenario.named import NAMED, scenario

#: The longest text of a scenario that is read.
LONGEST = 16 << 20
#: What surrogateescape makes of a byte that is not UTF-8.
_NO_UTF8 = re.compile("[\udc80-\udcff]")
#: A text in JSON; one that is not closed reaches to the end of the line.
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"?')


@dataclass(frozen=True)
class Entry:
    """The ``text`` of one object of a file, and the ``line`` on which it begins."""

    line: int
    text: str

    def read(self) -> Any:
        """What it holds; ScenarioError says where it is not JSON, or not UTF-8."""
        if len(self.text) > LONGEST:
            raise ScenarioError(f"longer than {LONGEST >> 20} Mi characters, which no scenario is")
        if byte := _NO_UTF8.search(self.text):
            line = self.line + self.text.count("\n", 0, byte.start())
            column = byte.start() - self.text.rfind("\n", 0, byte.start())
            raise ScenarioError(
                f"not UTF-8: byte 0x{ord(byte[0]) - 0xDC00:02x} (line {line}, column {column}); "
                "save the file as UTF-8"
            )
        return read_json(self.text, self.line)


def _opens(line: str) -> int:
    """How many braces it opens and does not close, less those in texts, which have no line breaks."""
    bare = _TEXT.sub("", line)
    return bare.count("{") - bare.count("}")


def _is_unfinished(line: str) -> bool:
    """Is the line the beginning of an object that may go on in the next one?"""
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return line.lstrip().startswith("{") and error.pos >= len(line.rstrip())
    except (RecursionError, ValueError):
        return False
    return False


def _is_scenario(line: str) -> bool:
    """Is the line an object of its own? Then the one before it was never closed."""
    try:
        data = json.loads(line) if line.startswith("{") else None
    except (RecursionError, ValueError):
        return False
    return isinstance(data, dict) and not {"scenario", "action", "steps"}.isdisjoint(data)


def read_entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    """The objects of a file, as its lines arrive; blank lines and a byte order mark are passed over.

    An object over several lines ends with the brace that closes it, or before a line that holds a scenario.
    """
    kept: list[str] = []  # the lines of an object that is not closed yet
    first = depth = length = 0
    for number, raw in enumerate(lines, 1):
        line = raw.decode(errors="surrogateescape").removeprefix("\ufeff" if number == 1 else "")
        if kept and _is_scenario(line):
            yield Entry(first, "".join(kept))
            kept = []
        if not kept:
            if not line.strip():
                continue
            first, depth, length = number, 0, 0
        # What is too long to be read is not kept whole, only so far that this can be said.
        kept.append(line[: max(0, LONGEST + 1 - length)])
        depth, length = depth + _opens(line), length + len(line)
        if depth <= 0 or (first == number and not _is_unfinished(line)):
            yield Entry(first, "".join(kept))
            kept = []
    if kept:
        yield Entry(first, "".join(kept))


def find_scenario(which: str) -> Scenario:
    """A named scenario, or that of a file: ``FILE``, or ``FILE#2`` for the second of several.

    Raises ScenarioError, which names file, line and key; OSError if the file can't be read; ValueError with
    near matches for a text that is neither a name nor a file.
    """
    path, _, chosen = which.partition("#")
    if which in NAMED or not (Path(path).exists() or Path(path).suffix in (".json", ".jsonl")):
        return scenario(which)
    with open(path, "rb") as lines:
        entries = list(read_entries(lines))
    if not chosen.isdecimal() and len(entries) == 1:
        chosen = "1"
    if not chosen.isdecimal() or not 1 <= int(chosen) <= len(entries):
        say = f"; say which: {path}#1 to {path}#{len(entries)}" if entries else ""
        raise ScenarioError(f"{path}: there are {len(entries)} scenarios in the file{say}")
    entry = entries[int(chosen) - 1]
    try:
        return Scenario.from_data(unwrap(entry.read())[0])
    except ScenarioError as error:
        raise ScenarioError(f"{path}, line {entry.line}: {error}") from None
