"""A scenario as slides: what it is, the run, each trace line with the moment that printed it, the end."""

from __future__ import annotations

from bisect import bisect_right

from thplab.export.deck import Shelf, Slide, deck
from thplab.export.html import element, text
from thplab.reading.text import TextTwin
from thplab.recording import Recording
from thplab.stage.link import link_text

_KEYS = "Enter: keys go to the picture (? shows them); Esc: back to the slides."
_CLICKER = "PageDown and PageUp, a clicker's keys, turn the slides whatever has the focus."
_LINES = 8  # trace lines with a slide of their own; the rest are in the run


def slides(recording: Recording, step: int = 0) -> str:
    """The text of a deck. The run opens at ``step``; the trace lines stand below each other.

    NoReveal if reveal.js is not installed, IndexError outside the recording.
    """
    shelf = Shelf()
    columns = _Maker(recording, shelf).columns(step)
    title = f"{recording.header['title'] or 'Recording'}, Linux {recording.header['kernel']}"
    return deck(title, columns, shelf)


class _Maker:
    def __init__(self, recording: Recording, shelf: Shelf) -> None:
        self.recording, self.shelf = recording, shelf
        self.bytes, self.link = recording.to_bytes(), link_text(recording)
        self.twin = TextTwin(recording)

    def columns(self, step: int) -> list[list[Slide]]:
        header, last = self.recording.header, len(self.recording) - 1
        made = f"Linux {header['kernel']}, {last + 1} moments. {_KEYS}"
        title = Slide(
            [
                element("h1", text(header["title"] or "Recording")),
                element("p", text(header["story"])),
                element("p", element("small", text(made))),
            ],
            [element("p", text(_CLICKER))],
        )
        lines = [self._line(number) for number in range(min(_LINES, len(header["trace"])))]
        columns = [[title], [self._moment("The run", step)], lines, [self._moment("The end", last)]]
        return [column for column in columns if column]

    def _line(self, number: int) -> Slide:
        moment = bisect_right(self.recording.sections["m_trace_end"], number)
        line = self.recording.header["trace"][number]
        return self._moment(line["event"], moment, said=line["text"].strip())

    def _moment(self, title: str, step: int, *, said: str = "") -> Slide:
        live = self.shelf.stage(self.bytes, step=step, link=self.link)
        code = [element("pre", text(said))] if said else []
        notes = [element("p", text(line)) for line in self.twin.moment(step).head()]
        return Slide([element("h3", text(title)), *code, live], notes)
