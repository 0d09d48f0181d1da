"""Files of scenarios: JSON objects, one on each line or over several lines, and errors that say where."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thplab.scenario.data import Scenario, read_json, unwrap
from thplab.scenario.errors import ScenarioError
from thplab.scenario.named import NAMED, scenario


@dataclass(frozen=True)
class Entry:
    """The ``text`` of one object of a file, and the ``line`` on which it begins."""

    line: int
    text: str

    def read(self) -> Any:
        """What it holds; ScenarioError says where it is not JSON."""
        return read_json(self.text, self.line)


def _is_unfinished(text: str) -> bool:
    """Does the object that begins here go on in the next line?"""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text.rstrip())
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
    open_text, first = "", 0
    for number, raw in enumerate(lines, 1):
        line = raw.decode(errors="replace").removeprefix("\ufeff" if number == 1 else "")
        if open_text and _is_scenario(line):
            yield Entry(first, open_text)
            open_text = ""
        if not open_text and not line.strip():
            continue
        first = first if open_text else number
        open_text += line
        closes = open_text.count("{") <= open_text.count("}")
        if (first == number or closes) and not _is_unfinished(open_text):
            yield Entry(first, open_text)
            open_text = ""
    if open_text:
        yield Entry(first, open_text)


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
