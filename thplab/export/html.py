"""HTML that says what was meant: text stays text, data stays data, and only the scripts that we wrote run.

Nothing else in this package writes a tag. What is ``Html`` was made here, or has come out of the sanitiser in
``thplab/export/markup.py``; a type checker refuses plain text in its place.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any, NewType

Html = NewType("Html", str)

_VOID = ("br", "hr", "img", "meta")
#: What no HTML file can hold: half of a character, and the character that parsers drop.
_IMPOSSIBLE = re.compile("[\ud800-\udfff\0]")
_REPLACEMENT = "\ufffd"
_IN_A_SCRIPT = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def whole(words: str) -> str:
    """The same without what no HTML file can hold."""
    return _IMPOSSIBLE.sub(_REPLACEMENT, words)


def text(words: str) -> Html:
    """Words, to the letter; in attributes as well, which stand in double quotes here."""
    return Html(escape(whole(words), quote=False).replace('"', "&quot;"))


def join(parts: Iterable[Html], between: str = "") -> Html:
    """One after the other; ``between`` is words."""
    return Html(text(between).join(parts))


def opened(tag: str, **attributes: str | None) -> Html:
    """A tag. ``class_`` is ``class``, ``data_x`` is ``data-x``; an attribute that is None is left out."""
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{text(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Html(f"<{tag}{said}>")


def closed(tag: str) -> Html:
    """The tag at the end of an element; nothing where there is none."""
    return Html("" if tag in _VOID else f"</{tag}>")


def element(tag: str, *content: Html, **attributes: str | None) -> Html:
    """An element; its attributes as for ``opened``."""
    return Html(opened(tag, **attributes) + "".join(content) + closed(tag))


def json_text(data: Any) -> str:
    """JSON that means the same in a script, in an attribute and in a text: no letter of it is markup.

    ValueError for a number that JSON has no word for.
    """
    return json.dumps(data, allow_nan=False).translate(_IN_A_SCRIPT)


def json_script(name: str, data: Any) -> Html:
    """The element that holds data: ``JSON.parse(document.getElementById(name).textContent)`` reads it."""
    return element("script", Html(json_text(data)), type="application/json", id=name)


def bytes_script(name: str, content: bytes) -> Html:
    """The element that holds bytes: a recording, a packed program."""
    return element("script", Html(b64encode(content).decode()), type="text/plain", id=name)


def data_address(kind: str, content: bytes) -> str:
    """A picture as the text of its own address."""
    return f"data:{kind};base64,{b64encode(content).decode()}"


def source(code: str) -> str:
    """A hash that names code in a policy."""
    return f"'sha256-{b64encode(sha256(code.encode()).digest()).decode()}'"


@dataclass(frozen=True, slots=True)
class Script:
    """Code of ours, or of a library of ours: ``kind`` is ``module`` or empty."""

    code: str
    kind: str | None = None

    @property
    def written(self) -> str:
        """The code so that it can't end its element: ``</script`` only occurs inside strings."""
        return re.sub("</(?=script)", r"<\\/", self.code, flags=re.IGNORECASE)

    def html(self) -> Html:
        """The element."""
        return element("script", Html(self.written), type=self.kind)


@dataclass(frozen=True, slots=True)
class Document:
    """A page that asks nobody for anything, which the browser itself enforces: by the policy in its head.

    Only ``scripts`` run, and code that they start if it is one of ``starts``. ``allowed`` are directives for
    more than that; without one for styles ``style`` is the only style sheet, and no element has a style.
    """

    title: str
    style: str
    body: Html
    scripts: Sequence[Script]
    starts: Sequence[str] = ()
    allowed: Sequence[str] = ()
    made_from: str | None = None

    @property
    def policy(self) -> str:
        """The content security policy."""
        scripts = [source(code) for code in (*(script.written for script in self.scripts), *self.starts)]
        styles = [] if any(each.startswith("style-src") for each in self.allowed) else [source(self._style)]
        return "; ".join(
            [
                "default-src 'none'", f"script-src {' '.join(scripts)}",
                *(f"style-src {each}" for each in styles), *self.allowed,
                "base-uri 'none'", "form-action 'none'",
            ]
        )  # fmt: skip

    @property
    def _style(self) -> str:
        return f"\n{self.style}"

    def html(self) -> str:
        """The text of the file."""
        policy = {"http_equiv": "Content-Security-Policy", "content": self.policy}
        head = [
            element("meta", charset="utf-8"),
            element("meta", **policy),
            element("meta", name="referrer", content="no-referrer"),
            element("meta", name="viewport", content="width=device-width"),
            element("title", text(self.title)),
            element("style", Html(self._style)),
        ]
        if self.made_from is not None:
            head.insert(2, element("meta", name="thplab-source", content=self.made_from))
        parts = [
            element("head", Html("\n"), join(head, "\n"), Html("\n")),
            element("body", Html("\n"), self.body, Html("\n"),
                    join((script.html() for script in self.scripts), "\n"), Html("\n")),
        ]  # fmt: skip
        whole_page = element("html", Html("\n"), join(parts, "\n"), Html("\n"), lang="en")
        return f"<!doctype html>\n{whole_page}\n"
