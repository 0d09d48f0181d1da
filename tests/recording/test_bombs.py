"""Small files that ask for much: refused before they get it."""

from __future__ import annotations

import gzip
import json
import resource
import time
import zlib
from pathlib import Path

import pytest

from tests.recording.clock import seconds
from tests.recording.damage import files
from tests.sampling import some
from thplab.recording import Recording, RecordingError
from thplab.recording.bounds import LARGEST_BODY, LARGEST_HEADER
from thplab.recording.file import MAGIC, pack, unpack

HEADER, SECTIONS = unpack(files()[0])
del HEADER["sections"], HEADER["format"]


def packed(*pieces: bytes, repeat: int = 1) -> bytes:
    """One gzip stream of so many pieces, without ever having them all in memory."""
    stream = zlib.compressobj(1, wbits=31)
    return b"".join([stream.compress(piece) for piece in pieces for _ in range(repeat)] + [stream.flush()])


def head(text: bytes) -> bytes:
    begin = MAGIC + len(text).to_bytes(4, "little") + text
    return begin + bytes(-len(begin) % 8)


def table(**sections: tuple[int, int, str, bool]) -> bytes:
    named = {
        name: {"offset": offset, "length": length, "type": kind, "steps": steps}
        for name, (offset, length, kind, steps) in sections.items()
    }
    return json.dumps({**HEADER, "format": 4, "sections": named}).encode()


MIB = 1 << 20
BOMBS = {
    "640 MiB of zeros": lambda: packed(head(b"{}"), bytes(16 * MIB), repeat=40),
    "a header of 3 GiB": lambda: packed(MAGIC + b"\xff\xff\xff\xbf", b" " * (16 * MIB), repeat=8),
    "a header of spaces": lambda: packed(MAGIC + LARGEST_HEADER.to_bytes(4, "little"), b" " * LARGEST_HEADER),
    "deep lists": lambda: packed(head(b"[" * 200_000)),
    "deep objects": lambda: packed(head(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
    "deep values": lambda: pack({**HEADER, "values": [deep(300)]}, SECTIONS),
    "many items": lambda: packed(head(b'{"format":4,"x":[' + b"[]," * 10_000_000 + b"0]}")),
    "long numbers": lambda: packed(head(b'{"format":' + b"9" * 1_000_000 + b"}")),
    "sections over one another": lambda: packed(
        head(table(**{f"m_{n}": (0, MIB, "u8", False) for n in range(2000)})), bytes(MIB)
    ),
    "a section over another by one byte": lambda: packed(
        head(table(m_a=(0, 16, "u8", False), m_b=(8, 16, "u8", False))), bytes(64)
    ),
    "a section of 2^60 items": lambda: packed(head(table(m_kind=(0, 1 << 60, "u8", False)))),
    "a section far away": lambda: packed(head(table(m_kind=(1 << 60, 1, "u8", False)))),
    "many empty sections": lambda: packed(
        head(table(**{f"g_{n}": (0, 0, "u32", False) for n in range(100_000)}))
    ),
    "sections of 1 GiB": lambda: packed(
        head(table(cell_lo=(0, LARGEST_BODY // 2, "u32", True))), bytes(16 * MIB), repeat=40
    ),
    "steps of millions": lambda: packed(
        head(table(m_window=(0, 60 * MIB, "u32", True))), bytes(16 * MIB), repeat=15
    ),
    "more behind the end": lambda: files()[0] + packed(bytes(16 * MIB), repeat=40),
    "more behind the sections": lambda: packed(gzip.decompress(files()[0]), bytes(1)),
}  # fmt: skip


def deep(depth: int) -> object:
    value: object = None
    for _ in range(depth):
        value = {"tuple": [value]}
    return value


@pytest.mark.parametrize("name", some(list(BOMBS), 8))
def test_what_asks_for_too_much_is_refused_before_it_gets_it(name: str) -> None:
    data = BOMBS[name]()
    before, begin = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    with pytest.raises(RecordingError) as caught, seconds(60):
        Recording.from_bytes(data)
    assert len(str(caught.value)) < 400
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before.ru_maxrss
    assert grown < 1 << 19  # KiB: half a GiB
    assert time.process_time() - begin < 10


def test_a_file_of_any_size_is_not_read_whole(tmp_path: Path) -> None:
    with open(tmp_path / "large", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RecordingError, match="more than 128 MiB"), seconds(60):
        Recording.load(tmp_path / "large")
