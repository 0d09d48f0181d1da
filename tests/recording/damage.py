"""Damaged recordings: what a disk, a careless program or a hostile one makes of a file.

``damaged(random)`` is the bytes of one. The kinds are those of the file's parts: its bytes, its unpacked
bytes, the numbers of a section, the table of the sections, and the values of the header at any depth.
"""

from __future__ import annotations

import gzip
import json
from array import array
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

from tests.recording.compacting import lane, small
from tests.recording.small import collapse, record
from thplab.ledger import Meter
from thplab.recording import record_scenario
from thplab.recording.file import pack, unpack

_TEXTS = [
    "", "x", "\0", "\ud800", "-1", "1e9", "0x", "9" * 5000, "x" * 10_000, "../etc/passwd", "__proto__",
    "</script><!--<script>", "{mm}", "{", "{no|a|b}", "512u", "99999u", "١",
]  # fmt: skip
_NUMBERS = [0, 1, -1, 2, 7, 8, 255, 256, 65535, 1 << 31, 1 << 32, 1 << 53, 1 << 63, 1 << 64, 1 << 200]
_THINGS: list[Any] = [
    None, True, False, 0.5, float("nan"), float("inf"), [], {}, [[]], [None], [{}], {"ref": 0}, {"ref": -1},
    {"a": 1}, {"column": 0}, {"enum": "x"}, {"tuple": []}, {"tuple": [{"ref": 0}]}, ["object", 0],
    ["column", 0],
]  # fmt: skip


@cache
def files() -> tuple[bytes, ...]:
    """Small recordings of every kind of work, and of every depth."""
    made = [
        collapse(), collapse(depth="functions", pages=3), collapse("6.1", depth="events"),
        record([0, 9, 1, 5, 7, 10, 6, 8, 11], "functions")[0], lane("B", depth="functions"), small(8),
        record_scenario("S13.huge_zero", "7.3", "lines", alongside=Meter),
        record_scenario("S08.race.munmap.after_fence", depth="events"),
    ]  # fmt: skip
    return tuple(recording.to_bytes() for recording in made)


@cache
def _parts(data: bytes) -> tuple[str, dict[str, array[Any]]]:
    header, sections = unpack(data)
    del header["sections"], header["format"]
    return json.dumps(header), sections


def damaged(random: Random) -> bytes:
    """One of these files, damaged in one of those ways."""
    return random.choice(_WAYS)(random, random.choice(files()))


def _flipped(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice([1, 1, 3, 20])):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _bytes(random: Random, data: bytes) -> bytes:
    return _flipped(random, data) if random.random() < 0.5 else data[: random.randrange(len(data))]


def _unpacked(random: Random, data: bytes) -> bytes:
    raw = _flipped(random, gzip.decompress(data))
    return gzip.compress(raw if random.random() < 0.8 else raw[: random.randrange(len(raw))], 1)


def _numbers(random: Random, data: bytes) -> bytes:
    """Other numbers in sections: any, near, or those of another place."""
    text, sections = _parts(data)
    sections = {name: column[:] for name, column in sections.items()}
    names = [name for name, column in sections.items() if column]
    for _ in range(random.choice([1, 1, 2, 10])):
        name = random.choice(names)
        column = sections[name]
        at, most = random.randrange(len(column)), 256**column.itemsize - 1
        if column.typecode == "d":
            column[at] = random.choice([0.0, -1.0, 1e300, float("nan"), float("inf")])
            continue
        near = (column[at] + random.choice([-1, 1, 8])) & most
        column[at] = random.choice([0, 1, most, random.randint(0, most), near, random.choice(column)])
    if random.random() < 0.1:
        name = random.choice(names)
        del sections[name][random.randrange(len(sections[name])) :]
    return pack(json.loads(text), sections)


def _table(random: Random, data: bytes) -> bytes:
    """Sections elsewhere, longer, of another type, exchanged, or too many of them."""
    raw = gzip.decompress(data)
    end = 12 + int.from_bytes(raw[8:12], "little")
    header, body = json.loads(raw[12:end]), raw[-(-end // 8) * 8 :]
    table = header["sections"]
    name, other = random.sample(sorted(table), 2)
    what = random.randrange(4)
    if what == 0:
        key = random.choice(["offset", "length", "type", "steps"])
        table[name][key] = random.choice([*_NUMBERS, *_THINGS, "u8", "u16", "u32", "f64", len(body)])
    elif what == 1:
        table[name], table[other] = table[other], table[name]
    elif what == 2:
        extra = random.choice([f"g_{random.choice(_TEXTS)}", f"m_{name}", random.choice(_TEXTS)])
        table |= {f"{extra}{n}": dict(table[name]) for n in range(random.choice([1, 2000]))}
        header["granularity"][random.choice(_TEXTS)] = extra + "0"
    else:
        header["format"] = random.choice([0, 1, 3, 5, 4.0, "4", None, True, 1 << 70])
    return _joined(header, body)


def _joined(header: Any, body: bytes) -> bytes:
    text = json.dumps(header).encode()
    head = b"THPLAB1\n" + len(text).to_bytes(4, "little") + text
    return gzip.compress(head + bytes(-len(head) % 8) + body, 1)


def _places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inside:
        yield from _places(value, (*path, key))


@cache
def _by_part(text: str) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for path in _places(json.loads(text)):
        found.setdefault(path[0], []).append(path)
    return found


def _header(random: Random, data: bytes) -> bytes:
    """Another value somewhere in the header, one that is near it, or none."""
    text, sections = _parts(data)
    header, parts = json.loads(text), _by_part(text)
    for _ in range(random.choice([1, 1, 1, 3])):
        path = random.choice(parts[random.choice(sorted(parts))])
        place = header
        try:
            for key in path[:-1]:
                place = place[key]
            _change(random, place, path[-1])
        except (KeyError, IndexError, TypeError):
            pass  # an earlier change took the place away
    return pack(header, sections)


def _change(random: Random, place: Any, key: Any) -> None:
    old = place[key]
    if random.random() < 0.1:
        del place[key]
    elif random.random() < 0.3:
        place[key] = random.choice([*_NUMBERS, *_TEXTS, *_THINGS])
    elif isinstance(old, bool | int):
        place[key] = random.choice([*_NUMBERS, old + 1, old - 1, -old, str(old), float(old)])
    elif isinstance(old, str):
        place[key] = random.choice([*_TEXTS, old + "x", old[:-1], old[1:], old * 2, old.upper()])
    elif isinstance(old, list):
        items = random.sample(old, random.randrange(len(old) + 1))
        place[key] = random.choice([items, old + old[:1], old[1:], old[::-1], [*old, random.choice(_THINGS)]])
    elif isinstance(old, dict):
        place[key] = {k: old[k] for k in random.sample(sorted(old), random.randrange(len(old) + 1))}
    else:
        place[key] = random.choice(_THINGS)


_WAYS: list[Callable[[Random, bytes], bytes]] = [_bytes, _unpacked, _table, *[_numbers] * 5, *[_header] * 5]
