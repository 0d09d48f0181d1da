"""A notebook as slides: the cells that its slide metadata names, in the order of the notebook.

``slide_type``: ``slide`` begins a slide, ``subslide`` one below, ``fragment`` a piece that appears at the
next key, ``notes`` is for the speaker, ``skip`` is left out; a cell without a mark goes on with the slide. In
a notebook that marks nothing each heading of the first two levels begins a slide, each smaller one and each
further output one below. What a widget has behind ``<hr class="next-slide">``, the answer to a question,
stands below it in any case; the speaker's notes stand at both.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from thplab.export.deck import Shelf, Slide
from thplab.export.markup import markdown
from thplab.export.notebook_run import widget_state
from thplab.export.outputs import output_html

_OUTPUT = '<div class="output">'
_NEXT_SLIDE = '<hr class="next-slide">'
_SMALLER = re.compile(r"^#{3,} ")
_HEADING = re.compile(r"^#{1,2} +(.+)", re.MULTILINE)


def is_marked(notebook: Any) -> bool:
    """Does any cell say which slide it belongs to?"""
    return any(_kind(cell) for cell in notebook.cells)


def notebook_title(notebook: Any) -> str:
    """The first heading, as plain text; empty if there is none."""
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = (match[1] for text in texts if (match := _HEADING.search(text)))
    return re.sub(r"[`*_]", "", next(found, ""))


def notebook_slides(notebook: Any, folder: Path, shelf: Shelf) -> list[list[Slide]]:
    """The columns of a deck; pictures in the text are looked for from ``folder`` on."""
    widgets, marked = widget_state(notebook), is_marked(notebook)
    columns: list[list[Slide]] = []
    spoken: list[Slide] = []  # what the next notes are about
    for cell in notebook.cells:
        kind = _kind(cell) if marked else _by_heading(cell, columns)
        if kind == "skip":
            continue
        if kind == "slide" or not columns:
            columns.append([Slide()])
        elif kind == "subslide":
            columns[-1].append(Slide())
        if kind in ("slide", "subslide") or not spoken:
            spoken = columns[-1][-1:]
        html = _cell(cell, folder, widgets, shelf)
        if kind == "notes":
            for slide in spoken:
                slide.notes.append(html)
        elif html:
            here, *below = html.split(_NEXT_SLIDE)
            columns[-1][-1].body.append(f'<div class="fragment">{here}</div>' if kind == "fragment" else here)
            spoken = [columns[-1][-1], *(Slide([f"{_OUTPUT}{each}"]) for each in below)]
            columns[-1] += spoken[1:]
    return [column for column in ([each for each in column if each.body] for column in columns) if column]


def _kind(cell: Any) -> str:
    kind: str = cell.metadata.get("slideshow", {}).get("slide_type", "")
    return "" if kind == "-" else kind


def _by_heading(cell: Any, columns: list[list[Slide]]) -> str:
    if cell.cell_type == "markdown":
        return "slide" if _HEADING.match(cell.source) else "subslide" if _SMALLER.match(cell.source) else ""
    full = columns and any(_OUTPUT in html for html in columns[-1][-1].body)
    return "subslide" if full and cell.get("outputs") else ""


def _cell(cell: Any, folder: Path, widgets: dict[str, Any], shelf: Shelf) -> str:
    if cell.cell_type == "markdown":
        return markdown(cell.source, folder)
    if cell.cell_type != "code":
        return ""
    shown = "".join(output_html(output, widgets, shelf) for output in cell.outputs)
    shown = shown.replace(_NEXT_SLIDE, f"</div>{_NEXT_SLIDE}")
    return _code(cell) + (f"{_OUTPUT}{shown}</div>" if shown else "")


def _code(cell: Any) -> str:
    """Folded: the audience looks at what it shows."""
    if not cell.source.strip() or "remove-input" in cell.metadata.get("tags", []):
        return ""
    return f"<details><summary>Code</summary><pre><code>{escape(cell.source)}</code></pre></details>"
