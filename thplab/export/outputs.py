"""What a cell shows, as HTML that needs no Python: live stages, pictures inside the page, else text.

What is in an output is up to the code that ran: nothing here relies on its form.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from thplab.export.deck import Shelf
from thplab.export.html import Html, element, join, text
from thplab.export.markup import clean, markdown
from thplab.export.pictures import Pictures, text_of

#: In the HTML of a widget: what comes after it is on the slide below.
_NEXT_SLIDE = '<hr class="next-slide">'
_WIDGET = "application/vnd.jupyter.widget-view+json"
_PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
_TRAITS = ("step", "views", "granularity", "stops", "bookmarks", "link")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

Widgets = dict[str, dict[str, Any]]


def output_html(output: Any, widgets: Widgets, shelf: Shelf, pictures: Pictures) -> list[Html]:
    """One output of a code cell: the first piece is for its slide, others are for slides below."""
    if output["output_type"] == "stream":
        return [_pre(output["text"])] if output["name"] == "stdout" else []
    data = output.get("data", {})
    if _WIDGET in data:
        return _widget(data, widgets, shelf, pictures)
    for kind in _PICTURES:
        if kind in data and (address := pictures.draw(kind, data[kind])):
            return [element("img", src=address, alt=text_of(data.get("text/plain", "")))]
    if "text/html" in data:
        return [clean(text_of(data["text/html"]), pictures)]
    if "text/markdown" in data:
        return [markdown(text_of(data["text/markdown"]), pictures)]
    return [_pre(data.get("text/latex", data.get("text/plain", "")))]


def _widget(data: Any, widgets: Widgets, shelf: Shelf, pictures: Pictures) -> list[Html]:
    """Its stages, else what it has for slides, else its text; nothing of a bar that has run its course."""
    view = data[_WIDGET]
    model = str(view.get("model_id")) if isinstance(view, dict) else ""
    stages = join(_stage(*found, shelf) for found in _stages(model, widgets, set()))
    if stages or _is_a_bar(model, widgets):
        return [stages]
    if "text/html" in data:
        return [clean(part, pictures) for part in text_of(data["text/html"]).split(_NEXT_SLIDE)]
    return [_pre(data.get("text/plain", ""), "needs-python")]


def _is_a_bar(model: str, widgets: Widgets) -> bool:
    """Is it a progress bar with its label, as a sweep shows it?"""
    parts = [_traits(child, widgets) for child in _children(model, widgets)]
    return any(part.get("_model_name") == "FloatProgressModel" for part in parts)


def _traits(model: str, widgets: Widgets) -> dict[str, Any]:
    entry = widgets.get(model)
    state = entry.get("state") if isinstance(entry, dict) else None
    return state if isinstance(state, dict) else {}


def _children(model: str, widgets: Widgets) -> list[str]:
    children = _traits(model, widgets).get("children")
    return [str(child).removeprefix("IPY_MODEL_") for child in children] if isinstance(children, list) else []


def _pre(said: Any, kind: str | None = None) -> Html:
    plain = _COLOURS.sub("", text_of(said)).strip("\n")
    return element("pre", text(plain), class_=kind) if plain else join([])


def _stages(model: str, widgets: Widgets, seen: set[str]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The stages in a widget, with their recordings: itself, or those that its boxes hold, in their order."""
    if model in seen:
        return
    seen.add(model)
    recording = _recording(widgets.get(model))
    if recording is not None:
        yield _traits(model, widgets), recording
    for child in _children(model, widgets):
        yield from _stages(child, widgets, seen)


def _recording(entry: Any) -> bytes | None:
    """The bytes that a widget has for its recording."""
    buffers = entry.get("buffers") if isinstance(entry, dict) else None
    for buffer in buffers if isinstance(buffers, list) else []:
        if isinstance(buffer, dict) and buffer.get("path") == ["recording"]:
            try:
                return b64decode(buffer.get("data", ""))
            except (TypeError, ValueError):
                return None
    return None


def _stage(traits: dict[str, Any], recording: bytes, shelf: Shelf) -> Html:
    return shelf.stage(recording, **{name: traits[name] for name in _TRAITS if name in traits})
