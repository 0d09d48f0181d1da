"""A reveal deck in one HTML file, with stages that are alive: no server, no network, no Python."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from thplab.export.embed import POLICY, bytes_script, library, script
from thplab.export.reveal import reveal
from thplab.stage.build import css, javascript

_HERE = Path(__file__).parent

#: Pictures stand in the page; the speaker's window shows the page itself in frames.
_POLICY = f"{POLICY}; img-src data:; font-src data:; frame-src 'self' file:"


@dataclass(slots=True)
class Slide:
    """Pieces of HTML from above to below, and what the speaker reads."""

    body: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def html(self) -> str:
        """The slide as reveal wants it."""
        notes = f'<aside class="notes">{"".join(self.notes)}</aside>' if self.notes else ""
        return f"<section>{''.join(self.body)}{notes}</section>"


class Shelf:
    """The recordings of a deck, each once, however many stages show it."""

    def __init__(self) -> None:
        """Nothing is on it."""
        self._recordings: dict[str, bytes] = {}

    def stage(self, recording: bytes, **options: Any) -> str:
        """HTML of a stage; ``options`` are those of ``mount`` in docs/stage.md."""
        name = f"recording-{sha256(recording).hexdigest()[:16]}"
        self._recordings[name] = recording
        data = escape(json.dumps(options))
        return f'<div class="live" data-prevent-swipe data-recording="{name}" data-options="{data}"></div>'

    def scripts(self) -> str:
        """The elements with the recordings."""
        return "\n".join(bytes_script(*item) for item in self._recordings.items())


def deck(title: str, columns: Iterable[Sequence[Slide]], shelf: Shelf, *, source: str = "") -> str:
    """The text of the file: the slides of a column stand below each other.

    ``source`` says what it was made from, see ``made_from``. NoReveal if reveal.js is not installed.
    """
    vendor = reveal()
    slides = "\n".join(_column(column) for column in columns)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width">
<meta name="thplab-source" content="{escape(source)}">
<title>{escape(title)}</title>
<style>
{vendor["reveal.css"]}
{css()}
{(_HERE / "deck.css").read_text("utf-8")}</style>
</head>
<body>
<div class="reveal"><div class="slides">
{slides}
</div></div>
{shelf.scripts()}
<script>{library(vendor["reveal.js"])}</script>
<script>{library(vendor["notes.js"])}</script>
<script type="module">
{script(javascript())}
{script((_HERE / "deck.js").read_text("utf-8"))}
</script>
</body>
</html>
"""


def _column(column: Sequence[Slide]) -> str:
    slides = "\n".join(slide.html() for slide in column)
    return slides if len(column) == 1 else f"<section>\n{slides}\n</section>"
