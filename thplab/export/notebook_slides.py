"""A notebook as slides: the cells that its slide metadata names, in the order of the notebook.

``slide_type``: ``slide`` begins a slide, ``subslide`` one below, ``fragment`` a piece that appears at the
next key, ``notes`` is for the speaker, ``skip`` is left out; a cell without a mark goes on with the slide. In
a notebook that marks nothing each heading of the first two levels begins a slide, each smaller one and each
further output one below. What a widget has behind ``<hr class="next-slide">``, the answer to a question,
stands below it in any case; the speaker's notes stand at both.
"""

from __future__ import annotations

import re
from typing import Any

from thplab.export.deck import Shelf, Slide
from thplab.export.html import Html, element, join, opened, text
from thplab.export.markup import markdown
from thplab.export.notebook_run import widget_state
from thplab.export.outputs import Widgets, output_html
from thplab.export.pictures import Pictures

_OUTPUT = opened("div", class_="output")
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


def notebook_slides(notebook: Any, pictures: Pictures, shelf: Shelf) -> list[list[Slide]]:
    """The columns of a deck; ``pictures`` says where those in the text are."""
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
        here, *below = _cell(cell, widgets, shelf, pictures.of(cell))
        if kind == "notes":
            for slide in spoken:
                slide.notes += here
        elif here:
            columns[-1][-1].body += [element("div", *here, class_="fragment")] if kind == "fragment" else here
            spoken = [columns[-1][-1], *(Slide(each) for each in below)]
            columns[-1] += spoken[1:]
    return [column for column in ([each for each in column if each.body] for column in columns) if column]


def _kind(cell: Any) -> str:
    kind: str = cell.metadata.get("slideshow", {}).get("slide_type", "")
    return "" if kind == "-" else kind


def _by_heading(cell: Any, columns: list[list[Slide]]) -> str:
    if cell.cell_type == "markdown":
        return "slide" if _HEADING.match(cell.source) else "subslide" if _SMALLER.match(cell.source) else ""
    full = columns and any(html.startswith(_OUTPUT) for html in columns[-1][-1].body)
    return "subslide" if full and cell.get("outputs") else ""


def _cell(cell: Any, widgets: Widgets, shelf: Shelf, pictures: Pictures) -> list[list[Html]]:
    """What is on the cell's slide, and on each of those that its widgets ask for below."""
    if cell.cell_type == "markdown":
        html = markdown(cell.source, pictures)
        return [[html] if html else []]
    if cell.cell_type != "code":
        return [[]]
    slides: list[list[Html]] = [[]]
    for output in cell.outputs:
        here, *below = output_html(output, widgets, shelf, pictures) or [join([])]
        slides[-1].append(here)
        slides += [[each] for each in below]
    shown = [[element("div", *each, class_="output")] if any(each) else [] for each in slides]
    return [_code(cell) + shown[0], *shown[1:]]


def _code(cell: Any) -> list[Html]:
    """Folded: the audience looks at what it shows."""
    if not cell.source.strip() or "remove-input" in cell.metadata.get("tags", []):
        return []
    code = element("pre", element("code", text(cell.source)))
    return [element("details", element("summary", text("Code")), code)]
