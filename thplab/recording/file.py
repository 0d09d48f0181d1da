r"""The file of a recording: a JSON header and binary columns, gzipped. docs/recording-format.md.

    "THPLAB1\n" | u32 length of the JSON | JSON, padded to 8 | sections, each padded to 8

A browser reads the same bytes; nothing in them is executable.
"""

from __future__ import annotations

import gzip
import json
import sys
from array import array
from collections.abc import Mapping
from itertools import accumulate
from operator import sub
from typing import Any

from thplab.recording.bounds import (
    LARGEST_BODY,
    LARGEST_FILE,
    LARGEST_HEADER,
    MOST_SECTIONS,
    Unzip,
    check_json,
    most_items,
)
from thplab.recording.need import RecordingError

MAGIC = b"THPLAB1\n"
FORMAT = 4
_TYPES = {"u8": "B", "u16": "H", "u32": "I", "f64": "d"}
_NAMES = {code: name for name, code in _TYPES.items()}


#: Sections that only grow or that keep a value for long are written as steps: gzip makes little of those.
_AS_STEPS = {
    "m_changes_end", "m_locals_end", "m_trace_end", "t_moment", "t_values_end", "m_window", "m_entry",
    "b_moment", "s_first", "s_end", "s_outer",
}  # fmt: skip


def _in_steps(name: str) -> bool:
    return name in _AS_STEPS or name.startswith("g_")


def _steps(column: array[Any]) -> array[Any]:
    """The first item, then what each is more than the one before (C: unsigned, so it may wrap)."""
    largest = (1 << 8 * column.itemsize) - 1
    return array(column.typecode, [*column[:1], *map(largest.__and__, map(sub, column[1:], column))])


def _sums(steps: array[Any]) -> array[Any]:
    """The column that such steps stand for."""
    largest = (1 << 8 * steps.itemsize) - 1
    return array(steps.typecode, map(largest.__and__, accumulate(steps)))


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 8)


def pack(header: Mapping[str, Any], sections: Mapping[str, array[Any]]) -> bytes:
    """Header and columns as the bytes of a file."""
    table, body, offset = {}, [], 0
    for name, column in sections.items():
        steps = _in_steps(name)
        if steps:
            column = _steps(column)
        if sys.byteorder == "big":
            column = array(column.typecode, column)
            column.byteswap()
        data = _pad(column.tobytes())
        table[name] = {
            "offset": offset,
            "length": len(column),
            "type": _NAMES[column.typecode],
            "steps": steps,
        }
        body.append(data)
        offset += len(data)
    text = json.dumps({**header, "format": FORMAT, "sections": table}, separators=(",", ":")).encode()
    head = MAGIC + len(text).to_bytes(4, "little") + text
    return gzip.compress(_pad(head) + b"".join(body), compresslevel=6, mtime=0)


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, array[Any]]]:
    """Header and columns of a file's bytes. Raises RecordingError; never returns half of one.

    What the file says of its sizes is checked before so much is unpacked.
    """
    if len(data) > LARGEST_FILE:
        raise RecordingError(f"a recording of more than {LARGEST_FILE >> 20} MiB is not read")
    stream = Unzip(data)
    try:
        begin = stream.read(12)
        if begin[:8] != MAGIC or len(begin) < 12:
            raise RecordingError("not a recording of thplab: the first bytes are others")
        length = int.from_bytes(begin[8:], "little")
        header = _header(stream, length)
        table = _table(header)
        size = max((where["offset"] + _room(where) for where in table.values()), default=0)
        stream.read(-(12 + length) % 8)
        body = stream.read(size)
        stream.end()
    except RecordingError:
        raise
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"not a recording, or cut off: {error}. Save it again.") from error
    return header, {name: _section(body, name, where) for name, where in table.items()}


def _header(stream: Unzip, length: int) -> dict[str, Any]:
    if length > LARGEST_HEADER:
        raise RecordingError(f"the header of the recording has more than {LARGEST_HEADER >> 20} MiB")
    text = stream.read(length)
    try:
        check_json(text)
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"the header of the recording is damaged: {error}") from error
    found = header.get("format") if isinstance(header, dict) else None
    if isinstance(found, int) and 0 < found < FORMAT:
        raise RecordingError(
            f"recording format {found}: made by an older thplab, while this version reads format {FORMAT}. "
            "Make it anew: record_scenario(NAME).save(FILE); a page: thplab export NAME -o FILE"
        )
    if not isinstance(header, dict) or found != FORMAT:
        raise RecordingError(f"recording format {found!r}; this version reads format {FORMAT}")
    return header


def _table(header: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Where the sections are: one behind the other, and not more than can be read."""
    table = header.get("sections")
    if not isinstance(table, dict):
        raise RecordingError("the recording has no table of its sections")
    if len(table) > MOST_SECTIONS:
        raise RecordingError(f"the recording has more than {MOST_SECTIONS} sections")
    for name, where in table.items():
        if _described(where)[0] is None:
            raise RecordingError(f"section {name} of the recording is not described properly")
        if where["length"] > most_items(name):
            raise RecordingError(f"section {name} of the recording has more than {most_items(name)} items")
    end = 0
    for name, where in sorted(table.items(), key=lambda item: (item[1]["offset"], item[1]["length"])):
        if where["offset"] < end:
            raise RecordingError(f"section {name} of the recording lies over another one")
        end = where["offset"] + _room(where)
    if end > LARGEST_BODY:
        raise RecordingError(f"the sections of the recording have more than {LARGEST_BODY >> 20} MiB")
    return table


def _room(where: Mapping[str, Any]) -> int:
    """The bytes of a section, those behind it up to a multiple of 8 included."""
    size: int = where["length"] * array(_TYPES[where["type"]]).itemsize
    return size + -size % 8


def _section(body: bytes, name: str, where: Mapping[str, Any]) -> array[Any]:
    typecode, offset, length = _described(where)
    column: array[Any] = array(typecode or "B")
    end = offset + length * column.itemsize
    if end > len(body):
        raise RecordingError(f"the recording is cut off in section {name}")
    column.frombytes(body[offset:end])
    if sys.byteorder == "big":
        column.byteswap()
    if not where.get("steps"):
        return column
    if typecode == "d":
        raise RecordingError(f"the recording is damaged: section {name} has steps and no whole numbers")
    return _sums(column)


def _described(where: Any) -> tuple[str | None, int, int]:
    """Typecode, offset and length of a section; no typecode if one of them is impossible."""
    if not isinstance(where, dict) or not isinstance(where.get("type"), str):
        return None, 0, 0
    numbers = [where.get("offset"), where.get("length")]
    if not all(type(number) is int and number >= 0 for number in numbers):
        return None, 0, 0
    return _TYPES.get(where["type"]), where["offset"], where["length"]
