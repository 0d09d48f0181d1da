"""How much a file may ask of whoever reads it. Checked before anything of that size is unpacked or parsed."""

from __future__ import annotations

import re
import zlib

#: A recording of 500 000 moments, the most there may be, has some 40 MiB; of a machine of 4 GiB, 200 MiB.
LARGEST_FILE = 128 << 20
LARGEST_HEADER = 64 << 20
LARGEST_BODY = 256 << 20
MOST_SECTIONS = 200
_GZIP = 31
#: What the name of a section begins with -> the most items that it may have; others: as many as moments.
_MOST = {"cell": 24_000_000, "c": 8_000_000, "l": 8_000_000, "v": 16_000_000}
_MOST_MOMENTS = 4_000_000
#: Parsed, an item of JSON is some 100 bytes.
_MOST_ITEMS = 4_000_000
_DEEPEST = 40

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def most_items(section: str) -> int:
    """How many numbers a section may have."""
    return _MOST.get(section.partition("_")[0], _MOST_MOMENTS)


class Unzip:
    """Unpacks as much as is asked for, and no more. ValueError, with the reason, for what is damaged."""

    def __init__(self, data: bytes, wbits: int = _GZIP) -> None:
        """Of one stream, of gzip or as ``wbits`` says (zlib's word for which)."""
        self._stream, self._rest = zlib.decompressobj(wbits), data

    def read(self, length: int) -> bytes:
        """So many bytes; fewer at the end."""
        found = bytearray()
        while len(found) < length and not self._stream.eof:
            try:
                piece = self._stream.decompress(self._rest, length - len(found))
            except zlib.error as error:
                raise ValueError(str(error)) from None
            self._rest = self._stream.unconsumed_tail
            if not piece and not self._rest and not self._stream.eof:
                raise ValueError("it ends too early")
            found += piece
        return bytes(found)

    def end(self) -> None:
        """Nothing may follow; the check sum must be right."""
        if self.read(1) or not self._stream.eof or self._stream.unused_data or self._rest:
            raise ValueError("there is more in it than it says")


def check_json(text: bytes) -> None:
    """ValueError for a text that is too deep or of too many parts, which a parser would not survive."""
    plain = _STRING.sub(b"", text)
    if plain.count(b",") + plain.count(b"[") + plain.count(b"{") > _MOST_ITEMS:
        raise ValueError(f"it has more than {_MOST_ITEMS} items")
    depth = 0
    for each in plain.translate(None, delete=bytes(set(range(256)) - _STEP.keys())):
        depth += _STEP[each]
        if depth > _DEEPEST:
            raise ValueError(f"its values are nested deeper than {_DEEPEST}")
