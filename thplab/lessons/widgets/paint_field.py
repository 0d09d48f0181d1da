"""The field for a window that is painted: words, a picture, and a brush."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import ipywidgets as widgets

from thplab.lessons.widgets.fields import LABEL, ROW, Field
from thplab.lessons.widgets.window_picture import window_picture
from thplab.scenario import ScenarioError
from thplab.scenario.windows import KINDS, window

#: A page that has no glyph of its own on the stage.
_DRAWN_AS = {"lazyfree": "young"}


class PaintField(Field):
    """A window in words with its picture; a kind and two numbers paint a run of it."""

    def __init__(self, label: str) -> None:
        """A window that is in use all over; ``label`` stands before the words."""
        super().__init__()
        self.text = widgets.Text(
            "512x young",
            continuous_update=False,
            description=label,
            style=LABEL,
            layout={"width": "calc(100% - 4px)"},
        )
        self.brush = widgets.Dropdown(
            options=[(f"{name}: {meaning}", name) for name, meaning in KINDS.items() if name != "huge"],
            value="none", description="Paint", style=LABEL, layout={"width": "auto"},
        )  # fmt: skip
        numbers = {"min": 0, "max": 511, "style": LABEL, "layout": {"width": "9em"}}
        self.first = widgets.BoundedIntText(0, description="from", **numbers)
        self.last = widgets.BoundedIntText(0, description="to", **numbers)
        self.button = widgets.Button(
            description="Paint", tooltip="from the first to the last entry, both included"
        )
        self.button.on_click(lambda _: self.paint())
        self.picture = widgets.HTML()
        self._watch(self.text)
        self.text.observe(self._entered, "value")
        self._draw()
        row = widgets.HBox([self.brush, self.first, self.last, self.button], layout=ROW)
        self.children = [self.picture, row, self.text]

    @property
    def value(self) -> str:
        """The window in words."""
        return str(self.text.value)

    def paint(self) -> None:
        """Paint the chosen entries; what is no window yet stays as it is typed."""
        try:
            pages = window(self.value)
        except ScenarioError:
            return
        low, high = sorted((self.first.value, self.last.value))
        pages[low : high + 1] = [self.brush.value] * (high + 1 - low)
        self.text.unobserve(self._entered, "value")
        self.text.value = _in_runs(pages)
        self.text.observe(self._entered, "value")
        self._draw()

    def _entered(self, change: Any) -> None:
        self._draw()
        self.enter(change["new"])

    def _draw(self) -> None:
        try:
            self.picture.value = window_picture([_DRAWN_AS.get(kind, kind) for kind in window(self.value)])
        except ScenarioError:
            return


def _in_runs(pages: Sequence[str]) -> str:
    return ", ".join(f"{len(list(run))}x {kind}" for kind, run in groupby(pages))
