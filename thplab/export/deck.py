"""A reveal deck in one HTML file, with stages that are alive: no server, no network, no Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from thplab.export.html import Document, Html, Script, bytes_script, element, join, json_text
from thplab.export.reveal import reveal, speaker_script
from thplab.stage.build import css, javascript

_HERE = Path(__file__).parent

#: Pictures are in the page; the speaker's window shows the page itself in frames. Styles: tables and
#: figures of notebooks have attributes with a few harmless properties (thplab/export/allowed.py), and
#: reveal.js writes sheets for paper and for the speaker's window. No style can load anything: there is
#: nowhere to load from.
ALLOWED = ("style-src 'unsafe-inline'", "img-src data:", "font-src data:", "frame-src 'self' file:")


@dataclass(slots=True)
class Slide:
    """Pieces of HTML from above to below, and what the speaker reads."""

    body: list[Html] = field(default_factory=list)
    notes: list[Html] = field(default_factory=list)

    def html(self) -> Html:
        """The slide as reveal wants it."""
        notes = [element("aside", *self.notes, class_="notes")] if self.notes else []
        return element("section", *self.body, *notes)


class Shelf:
    """The recordings of a deck, each once, however many stages show it."""

    def __init__(self) -> None:
        """Nothing is on it."""
        self._recordings: dict[str, bytes] = {}

    def stage(self, recording: bytes, **options: Any) -> Html:
        """HTML of a stage; ``options`` are those of ``mount`` in docs/stage.md."""
        name = f"recording-{sha256(recording).hexdigest()[:16]}"
        self._recordings[name] = recording
        data = {"data_recording": name, "data_options": json_text(options)}
        return element("div", class_="live", data_prevent_swipe="", **data)

    def scripts(self) -> Html:
        """The elements with the recordings."""
        return join((bytes_script(*item) for item in self._recordings.items()), "\n")


def deck(title: str, columns: Iterable[Sequence[Slide]], shelf: Shelf, *, source: str = "") -> str:
    """The text of the file: the slides of a column stand below each other.

    ``source`` is a digest of what it was made from. NoReveal if reveal.js is not installed.
    """
    vendor = reveal()
    slides = element("div", join((_column(column) for column in columns), "\n"), class_="slides")
    page = Document(
        title,
        "\n".join([vendor["reveal.css"], css(), (_HERE / "deck.css").read_text("utf-8")]),
        join([element("div", slides, class_="reveal"), shelf.scripts()], "\n"),
        [
            Script(vendor["reveal.js"]),
            Script(vendor["notes.js"]),
            Script(f"{javascript()}\n{(_HERE / 'deck.js').read_text('utf-8')}", "module"),
        ],
        starts=[speaker_script(vendor["notes.js"])],
        allowed=ALLOWED,
        made_from=source,
    )
    return page.html()


def _column(column: Sequence[Slide]) -> Html:
    slides = join((slide.html() for slide in column), "\n")
    return slides if len(column) == 1 else element("section", slides)
