"""Markdown and HTML of a notebook for a page that asks nobody: no addresses, no scripts, pictures inside."""

from __future__ import annotations

import mimetypes
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from thplab.export.embed import data_address

_DROPPED = ("script", "style", "iframe", "object", "embed", "link", "form")
_VOID = ("img", "br", "hr", "wbr", "col", "input")
_ADDRESSES = ("src", "href", "srcset", "action", "data", "poster")


def markdown(text: str, folder: Path) -> str:
    """HTML of a Markdown cell; pictures are looked for from ``folder`` on."""
    from nbconvert.filters import markdown2html

    return clean(str(markdown2html(text)), folder)


def clean(html: str, folder: Path | None = None) -> str:
    """The same HTML with nothing in it that runs or asks somebody.

    A link becomes its text, with the address as a tip; a picture from a file becomes part of the page, or
    its description if there is no such file.
    """
    cleaner = _Cleaner(folder)
    cleaner.feed(html)
    cleaner.close()
    return "".join(cleaner.out)


class _Cleaner(HTMLParser):
    def __init__(self, folder: Path | None) -> None:
        super().__init__(convert_charrefs=False)
        self.folder = folder
        self.out: list[str] = []
        self.dropping = 0
        self.anchor = False  # the mark behind a heading that links to itself

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self.dropping += tag not in ("embed", "link")
            return
        if self.dropping:
            return
        known = {name: value or "" for name, value in attrs if not name.startswith("on")}
        if tag == "a":
            self.anchor = "anchor-link" in known.get("class", "")
            self.out.append("" if self.anchor else f'<span class="address"{_tip(known.get("href", ""))}>')
        elif tag == "img":
            self.out.append(self._picture(known))
        else:
            safe = [(name, value) for name, value in known.items() if name not in _ADDRESSES]
            words = [tag, *(f'{name}="{escape(value)}"' for name, value in safe)]
            self.out.append(f"<{' '.join(words)}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self.dropping = max(0, self.dropping - 1)
        elif tag in _VOID:
            return
        elif tag == "a":
            self._put("" if self.anchor else "</span>")
            self.anchor = False
        else:
            self._put(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._put(data)

    def handle_entityref(self, name: str) -> None:
        self._put(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._put(f"&#{name};")

    def _put(self, text: str) -> None:
        if not self.dropping and not self.anchor:
            self.out.append(text)

    def _picture(self, known: dict[str, str]) -> str:
        source, says = known.get("src", ""), escape(known.get("alt", ""))
        if not source.startswith("data:"):
            file = self.folder / unquote(urlsplit(source).path) if self.folder else None
            kind = mimetypes.guess_type(source)[0]
            if urlsplit(source).scheme or file is None or kind is None or not file.is_file():
                return f"<em>{says}</em>"
            source = data_address(kind, file.read_bytes())
        return f'<img src="{escape(source)}" alt="{says}">'


def _tip(address: str) -> str:
    return f' title="{escape(address)}"' if urlsplit(address).scheme else ""
