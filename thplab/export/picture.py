"""One moment as a picture for a handout: window, legend, source and call stack, drawn by matplotlib.

Glyphs and colours are those of glyphs.json, as on the stage.
"""

from __future__ import annotations

import textwrap
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thplab.files import write_file
from thplab.reading.glyphs import glyphs
from thplab.reading.moment import Reader, ReadMoment
from thplab.reading.text import LINES
from thplab.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = (11.0, 5.8)  # inches
_DPI = 150
_INK, _QUIET, _MARK, _EDGE = "#1c2128", "#59626d", "#fff4cc", "#848d97"
_AROUND = 6  # source lines above and below the one that runs next
_FRAMES = 9  # of the call stack
_WIDE = 70  # letters in a line of the right half


def save_picture(recording: Recording, step: int, path: str | Path, form: str) -> None:
    """Write the picture of a moment; ``form``: svg, png or pdf. The same moment gives the same bytes.

    IndexError outside the recording, OSError if the file can't be written.
    """
    from matplotlib import rc_context

    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[form]
    picture = BytesIO()
    with rc_context({"svg.hashsalt": "thplab", "pdf.fonttype": 42}):
        draw(recording, step).savefig(picture, format=form, dpi=_DPI, metadata=undated)
    write_file(path, picture.getvalue())


def draw(recording: Recording, step: int) -> Figure:
    """The picture of a moment as a matplotlib figure."""
    from matplotlib.figure import Figure

    at = Reader(recording).read(step)
    header = recording.header
    place, sentence, what = at.head()
    figure = Figure(figsize=_SIZE, facecolor="white")
    figure.text(
        0.03, 0.95, f"{header['title']}, Linux {header['kernel']}", size=11, weight="bold", color=_INK
    )
    figure.text(0.97, 0.95, place, size=9, color=_QUIET, ha="right")
    figure.text(0.03, 0.89, textwrap.shorten(sentence, 110, placeholder=" …"), size=13, color=_INK)
    figure.text(0.03, 0.85, textwrap.shorten(what, 130, placeholder=" …"), size=9, color=_QUIET)
    _window(figure, at)
    _words(figure, at)
    return figure


def _window(figure: Figure, at: ReadMoment) -> None:
    lines = LINES["window"](at)
    if at.window is None:
        figure.text(0.03, 0.78, lines[0], size=10, color=_QUIET)
        return
    figure.text(0.03, 0.79, lines[0], size=9, family="monospace", color=_INK)
    figure.text(0.03, 0.755, lines[1], size=10, weight="bold", color=_INK)
    keys = at.window.keys
    axes = figure.add_axes((0.055, 0.22, 0.415, 0.52))
    columns = 32 if len(keys) >= 256 else 8
    for index, key in enumerate(keys):
        _cell(axes, index % columns, index // columns, key, len(keys), index == at.cursor)
    for first in range(0, len(keys), columns):
        axes.text(-0.2, first // columns + 0.52, str(first), size=6.5, color=_QUIET, ha="right", va="center")
    axes.set_xlim(0, columns)
    axes.set_ylim(len(keys) // columns, 0)
    axes.axis("off")
    if columns < 32:
        axes.set_aspect("equal", anchor="NW")
    _legend(figure, keys)


def _cell(axes: Axes, x: int, y: int, key: str, entries: int, looked_at: bool) -> None:
    from matplotlib.patches import Rectangle

    glyph = _glyph(key)
    background, ink = glyph["light"]
    axes.add_patch(
        Rectangle((x + 0.04, y + 0.04), 0.92, 0.92, facecolor=background or "none", edgecolor="none")
    )
    size = 7 if entries >= 256 else 16
    axes.text(x + 0.5, y + 0.52, glyph["glyph"], size=size, color=ink, ha="center", va="center")
    if looked_at:
        axes.add_patch(Rectangle((x, y), 1, 1, facecolor="none", edgecolor="#d55e00", linewidth=2, zorder=3))


def _glyph(key: str) -> dict[str, Any]:
    return next(glyph for glyph in glyphs() if glyph["key"] == key)


def _legend(figure: Figure, keys: tuple[str, ...]) -> None:
    shown = [glyph for glyph in glyphs() if glyph["key"] in keys]
    for number, glyph in enumerate(shown):
        background, ink = glyph["light"]
        x, y = 0.035 + 0.23 * (number % 2), 0.165 - 0.036 * (number // 2)
        box = {"facecolor": background or "white", "edgecolor": _EDGE, "linewidth": 0.5, "pad": 2}
        figure.text(x, y, glyph["glyph"], size=8, color=ink, bbox=box, ha="center", family="monospace")
        figure.text(x + 0.015, y, f"{keys.count(glyph['key'])} {glyph['name']}", size=8.5, color=_INK)


def _words(figure: Figure, at: ReadMoment) -> None:
    name, _, where = LINES["source"](at)[0].partition(", ")
    figure.text(0.51, 0.79, name, size=10, weight="bold", color=_INK)
    figure.text(0.51, 0.758, where, size=8, color=_QUIET)
    y = 0.725
    for number, line, now in at.source_around(_AROUND):
        box = {"facecolor": _MARK, "edgecolor": "none", "pad": 1.5} if now else None
        weight = "bold" if now else "normal"
        text = _cut(f"{number:4} {line}")
        figure.text(0.51, y, text, size=8, family="monospace", color=_INK, weight=weight, bbox=box)
        y -= 0.027
    figure.text(0.51, y - 0.02, "Call stack", size=8.5, weight="bold", color=_QUIET)
    for number, line in enumerate(LINES["stack"](at)[:_FRAMES]):
        figure.text(0.51, y - 0.05 - 0.027 * number, _cut(line), size=8, family="monospace", color=_INK)


def _cut(line: str) -> str:
    return line if len(line) <= _WIDE else f"{line[: _WIDE - 1]}…"
