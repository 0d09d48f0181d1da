"""A window as 16 lines of 32 glyphs, for places where a stage would be too much."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from thplab.reading.glyphs import glyphs

_PER_LINE = 32
_MONO = "font-family:var(--jp-code-font-family,monospace)"


def window_lines(keys: Sequence[str]) -> list[str]:
    """The glyphs of the entries (keys of glyphs.json), each line after the index of its first entry."""
    signs = {glyph["key"]: glyph["glyph"] for glyph in glyphs()}
    lines = [keys[n : n + _PER_LINE] for n in range(0, len(keys), _PER_LINE)]
    return [f"{n * _PER_LINE:3}  {''.join(signs[key] for key in line)}" for n, line in enumerate(lines)]


def window_picture(keys: Sequence[str], mark: int = -1) -> str:
    """The same as HTML; the entry ``mark`` stands out, if there is one."""
    lines = [escape(line) for line in window_lines(keys)]
    if mark >= 0:
        row, column = divmod(mark, _PER_LINE)
        start, at = len("000  "), lines[row]
        sign = at[start + column]
        style = "background:#d55e00;color:#000;font-weight:bold;outline:2px solid #d55e00"
        lines[row] = f'{at[: start + column]}<mark style="{style}">{sign}</mark>{at[start + column + 1 :]}'
    label = "the window" if mark < 0 else f"the window; entry {mark} is marked"
    body = "\n".join(lines)
    return f'<pre style="margin:4px 0;line-height:1.15;{_MONO}" role="img" aria-label="{label}">{body}</pre>'
