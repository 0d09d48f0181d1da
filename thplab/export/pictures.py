"""The pictures of a notebook: what may become part of a page, and what is said of the rest."""

from __future__ import annotations

import re
import xml.parsers.expat
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from thplab.export.html import data_address

_MOST = 20_000_000  # bytes of a picture
_SVG = "image/svg+xml"
_MAGIC = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"), "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"), "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}  # fmt: skip
_KINDS = "PNG, JPEG, GIF, WebP or SVG"
_DATA = re.compile(r"data:([^,]*),(.*)", re.DOTALL | re.IGNORECASE)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_SHOWN = 80  # letters of an address in a sentence


class Refused(ValueError):
    """A picture that a page may not have, and why."""


class Pictures:
    """Where the pictures of a text are: in ``folder`` (None: nowhere), in ``attachments``, in the text.

    ``tell`` gets a sentence for each one that is refused.
    """

    def __init__(
        self,
        folder: Path | None = None,
        attachments: Mapping[str, Any] | None = None,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """No picture is read before it is asked for."""
        self.folder, self.attachments, self._tell = folder, attachments or {}, tell

    def of(self, cell: Any) -> Pictures:
        """The same for a cell, which can have attachments."""
        attachments = cell.get("attachments")
        return Pictures(self.folder, attachments if isinstance(attachments, dict) else None, self._tell)

    def find(self, address: str) -> str | None:
        """The picture as a data address, None if it is refused."""
        try:
            return as_address(self._content(address))
        except Refused as why:
            shown = address if len(address) <= _SHOWN else f"{address[:_SHOWN]}..."
            self._tell(f"picture {shown!a} is left out: {why}")
            return None

    def draw(self, kind: str, data: Any) -> str | None:
        """The picture of an output as a data address, None if it is refused."""
        try:
            return as_address(text_of(data).encode() if kind == _SVG else _decoded(text_of(data)))
        except Refused as why:
            self._tell(f"a picture among the outputs ({kind}) is left out: {why}")
            return None

    def _content(self, address: str) -> bytes:
        if data := _DATA.match(address):
            kind, content = data.groups()
            packed = kind.replace(" ", "").lower().endswith(";base64")
            return _decoded(unquote(content)) if packed else unquote_to_bytes(content)
        if address.startswith("attachment:"):
            held = self.attachments.get(unquote(address.partition(":")[2]))
            if not isinstance(held, dict) or not held:
                raise Refused("the cell has no such attachment")
            kind, content = next(iter(held.items()))
            return text_of(content).encode() if kind == _SVG else _decoded(text_of(content))
        return self._file(address)

    def _file(self, address: str) -> bytes:
        name = unquote(re.split("[?#]", address, maxsplit=1)[0])
        if not name:
            raise Refused("it has no address that a page may use")
        if _SCHEME.match(name) or name.startswith(("/", "\\")) or "\\" in name:
            raise Refused("only files in the notebook's folder, named from there, become part of a page")
        if self.folder is None:
            raise Refused("there is no folder that it could be in")
        try:
            home = self.folder.resolve()
            file = (home / name).resolve()
            inside = file.is_relative_to(home)
            there = inside and file.is_file()
            size = file.stat().st_size if there else 0
        except (OSError, ValueError, RuntimeError):  # too long, a NUL, links in a circle
            raise Refused("there is no file that could be called that") from None
        if not inside:
            raise Refused("it is outside the notebook's folder; put the file there")
        if not there:
            raise Refused("there is no such file in the notebook's folder")
        if size > _MOST:
            raise Refused(f"it has {size} bytes, and a picture may have {_MOST}")
        try:
            return file.read_bytes()
        except OSError as error:
            raise Refused(f"it can't be read: {error.strerror}") from None


def as_address(content: bytes) -> str:
    """A picture as a data address; its bytes say of what kind it is. Refused if they are of none."""
    if len(content) > _MOST:
        raise Refused(f"it has {len(content)} bytes, and a picture may have {_MOST}")
    for kind, magic in _MAGIC.items():
        if magic.match(content):
            return data_address(kind, content)
    if is_svg(content):
        return data_address(_SVG, content)
    raise Refused(f"its content is not {_KINDS}")


def is_svg(content: bytes) -> bool:
    """Is it a drawing? As a picture none of its scripts can run, and nothing is loaded for it."""
    found: list[str] = []
    parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, _: found.append(name) if not found else None
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(content, True)
    except (xml.parsers.expat.ExpatError, Refused):
        return False
    return found[:1] == ["http://www.w3.org/2000/svg svg"]


def _refuse_entities(*declared: Any) -> None:
    raise Refused("it declares entities")


def text_of(data: Any) -> str:
    """Text as notebooks have it: in one piece, or as a list of lines; what is neither, as Python says it."""
    if isinstance(data, list) and all(isinstance(line, str) for line in data):
        return "".join(data)
    return data if isinstance(data, str) else str(data)


def _decoded(text: str) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except (NotBase64, ValueError):
        raise Refused("its content is not base64") from None
