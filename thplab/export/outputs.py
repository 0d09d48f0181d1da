"""What a cell shows, as HTML that needs no Python: live stages, pictures inside the page, else text."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from html import escape
from typing import Any

from thplab.export.deck import Shelf
from thplab.export.embed import data_address
from thplab.export.markup import clean

_WIDGET = "application/vnd.jupyter.widget-view+json"
_TRAITS = ("step", "views", "granularity", "stops", "bookmarks", "link")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def output_html(output: Any, widgets: dict[str, dict[str, Any]], shelf: Shelf) -> str:
    """One output of a code cell."""
    if output["output_type"] == "stream":
        return _pre(output["text"]) if output["name"] == "stdout" else ""
    data = output.get("data", {})
    if _WIDGET in data:
        return _widget(data, widgets, shelf)
    for kind in ("image/svg+xml", "image/png", "image/jpeg"):
        if kind in data:
            return _picture(kind, data[kind], data.get("text/plain", ""))
    if "text/html" in data:
        return clean("".join(data["text/html"]))
    return _pre(data.get("text/plain", ""))


def _widget(data: Any, widgets: dict[str, dict[str, Any]], shelf: Shelf) -> str:
    """Its stages, else what it has for slides, else its text; nothing of a bar that has run its course."""
    model = data[_WIDGET]["model_id"]
    stages = "".join(_stage(entry, shelf) for entry in _stages(model, widgets))
    if stages or _is_a_bar(model, widgets):
        return stages
    if "text/html" in data:
        return clean("".join(data["text/html"]))
    return _pre(data.get("text/plain", ""), "needs-python")


def _is_a_bar(model: str, widgets: dict[str, dict[str, Any]]) -> bool:
    """Is it a progress bar with its label, as a sweep shows it?"""
    children = widgets.get(model, {}).get("state", {}).get("children", [])
    parts = [widgets.get(str(child).removeprefix("IPY_MODEL_"), {}).get("state", {}) for child in children]
    return any(part.get("_model_name") == "FloatProgressModel" for part in parts)


def _pre(text: str, kind: str = "") -> str:
    plain = _COLOURS.sub("", "".join(text)).strip("\n")
    return f'<pre class="{kind}">{escape(plain)}</pre>' if plain else ""


def _picture(kind: str, data: str, says: str) -> str:
    content = data.encode() if kind == "image/svg+xml" else b64decode(data)
    return f'<img src="{data_address(kind, content)}" alt="{escape(says)}">'


def _stages(model: str, widgets: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The stages in a widget: itself, or those that its boxes hold, in their order."""
    entry = widgets.get(model)
    if entry is None:
        return
    state = entry["state"]
    if "recording" in state or any(buffer["path"] == ["recording"] for buffer in entry.get("buffers", [])):
        yield entry
    for child in state.get("children", []):
        yield from _stages(str(child).removeprefix("IPY_MODEL_"), widgets)


def _stage(entry: dict[str, Any], shelf: Shelf) -> str:
    recording = next(buffer for buffer in entry["buffers"] if buffer["path"] == ["recording"])
    options = {name: entry["state"][name] for name in _TRAITS if name in entry["state"]}
    return shelf.stage(b64decode(recording["data"]), **options)
