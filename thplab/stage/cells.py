"""Widgets of a cell that ran again are closed, so that the browser and Python free them.

Front ends send a cell's id with what they execute. Where they don't, or without IPython, nothing happens
here. A widget stays that another cell shows, itself or in a box; a closed one is a text from then on.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import ipywidgets
from ipywidgets.widgets.widget import _instances
from ipywidgets.widgets.widget_link import Link

_VIEW = "application/vnd.jupyter.widget-view+json"
#: What IPython keeps of results, besides ``Out``.
_RESULT = re.compile(r"_\d+|_{1,3}")


def _shell() -> Any:
    """The kernel's IPython, if there is one. It is not imported for this."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _cell() -> str | None:
    """The id of the cell that runs, if the front end has sent one."""
    parent: dict[str, Any] = getattr(_shell(), "get_parent", dict)()
    found = parent.get("metadata", {}).get("cellId")
    return found if isinstance(found, str) else None


class Cells:
    """What was made in which cell, and what is shown in which."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.made: dict[str, list[Any]] = {}
        self._shown: dict[str, set[str]] = {}  # cell -> model ids
        self._shell: Any = None

    def note(self, widget: Any) -> None:
        """A widget of ours was made."""
        cell = _cell()
        if cell is not None:
            self._listen(_shell())
            self.made.setdefault(cell, []).append(widget)

    def _listen(self, shell: Any) -> None:
        if shell is self._shell:
            return
        self._shell = shell
        shell.events.register("pre_run_cell", self._begins)
        shell.events.register("post_run_cell", self._ends)
        shell.display_pub.register_hook(self._displayed)

    def _begins(self, info: object) -> None:
        """A cell runs: close what its earlier run has made and no other cell shows."""
        cell = _cell()
        if cell is None:
            return
        was_shown = self._shown.pop(cell, set())
        made = [each for each in self.made.pop(cell, []) if each.comm is not None]
        if not made:
            return
        elsewhere = _inside(set().union(*self._shown.values()))
        kept = [each for each in made if each in elsewhere]
        if kept:
            self.made[cell] = kept
        close(each for each in made if each not in elsewhere)
        _prune(_inside(was_shown))

    def _ends(self, result: Any) -> None:
        if isinstance(result.result, ipywidgets.Widget):
            self._note_shown(result.result.model_id)

    def _displayed(self, message: Any) -> Any:
        model = message["content"].get("data", {}).get(_VIEW, {}).get("model_id")
        self._note_shown(model)
        return message

    def _note_shown(self, model: str | None) -> None:
        cell = _cell()
        if cell is not None and model is not None:
            self._shown.setdefault(cell, set()).add(model)


_cells = Cells()


def made(widget: Any) -> None:
    """Close ``widget`` when the cell that runs now runs again."""
    _cells.note(widget)


def close(widgets: Iterable[Any]) -> None:
    """Close widgets, what is in them, their layouts, styles and links, and let IPython forget them."""
    whole = _with_parts(widgets)
    gone = [each for each in whole if each.comm is not None]
    for widget in gone:
        widget.close()
    _close_useless(whole)
    _forget(whole)


def _children(widget: Any) -> Iterator[Any]:
    yield from getattr(widget, "children", ())


def _with_parts(widgets: Iterable[Any]) -> set[Any]:
    found: set[Any] = set()
    waiting = list(widgets)
    while waiting:
        widget = waiting.pop()
        if widget not in found:
            found.add(widget)
            waiting.extend(_children(widget))
    return found


def _inside(models: Iterable[str]) -> set[Any]:
    """The widgets that live in these models."""
    return _with_parts(_instances[model] for model in models if model in _instances)


def _dress(widget: Any) -> set[Any]:
    """Layout and style, where it has them; asking for them makes none."""
    values = widget._trait_values
    return {values[name] for name in ("layout", "style") if isinstance(values.get(name), ipywidgets.Widget)}


def _close_useless(gone: set[Any]) -> None:
    """Links of closed widgets, and layouts and styles that no other has."""
    dresses = set[Any]().union(*map(_dress, gone))
    for widget in list(_instances.values()):
        if isinstance(widget, Link) and {widget.source[0], widget.target[0]} & gone:
            widget.close()
        elif widget not in gone and widget not in dresses:
            dresses -= _dress(widget)
    for dress in dresses:
        dress.close()


def _prune(boxes: Iterable[Any]) -> None:
    """What was closed leaves boxes that are not ours."""
    for box in boxes:
        left = tuple(child for child in _children(box) if child.comm is not None)
        if box.comm is not None and len(left) < len(box.children):
            box.children = left


def _forget(gone: set[Any]) -> None:
    """IPython's ``Out`` and ``_`` would keep their recordings in memory; variables of the reader's stay."""
    shell = _shell()
    if shell is None:
        return
    names = shell.user_ns
    out = names.get("_oh", {})
    for number in [number for number, value in out.items() if _is_in(value, gone)]:
        del out[number]
    for kept in (names, shell.user_ns_hidden):
        for name in [name for name, value in kept.items() if _RESULT.fullmatch(name) and _is_in(value, gone)]:
            del kept[name]
    for name in ("_", "__", "___"):
        if _is_in(getattr(shell.displayhook, name, None), gone):
            setattr(shell.displayhook, name, "")


def _is_in(value: object, gone: set[Any]) -> bool:
    return isinstance(value, ipywidgets.Widget) and value in gone
