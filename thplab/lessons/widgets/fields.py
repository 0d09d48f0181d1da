"""Where an answer is given: for each kind of question the controls that make the text of an answer."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets

from thplab.lessons.kinds.classify import Classify
from thplab.lessons.kinds.coding import Code
from thplab.lessons.kinds.simple import Kind
from thplab.lessons.kinds.stopping import Stop
from thplab.lessons.trial.inside import NOTE
from thplab.lessons.widgets.written import SLIDES

WIDE = {"width": "min(100%, 32em)"}
LABEL = {"description_width": "initial"}
ROW = {"flex_flow": "row wrap", "align_items": "center"}
MONO = "font-family:var(--jp-code-font-family,monospace)"


class Field(ABC):
    """``children``: the controls, from above; ``enter`` is called with an answer that Enter ended,
    ``touched`` when the answer becomes another one.
    """

    def __init__(self) -> None:
        """Without controls yet."""
        self.children: list[widgets.Widget] = []
        self.enter: Callable[[str], object] = lambda text: None
        self.touched: Callable[[], object] = lambda: None

    def _watch(self, *controls: widgets.Widget) -> None:
        """Tell when one of the controls has another value."""
        for control in controls:
            control.observe(lambda _: self.touched(), "value")

    @property
    @abstractmethod
    def value(self) -> str:
        """The answer as text."""


class TextField(Field):
    """A line to type into; for options there are letters to click on as well."""

    def __init__(self, kind: Kind, label: str) -> None:
        """For ``kind``; ``label`` stands before the line."""
        super().__init__()
        self._many = isinstance(kind.right, tuple)
        self.text = widgets.Text(
            placeholder=kind.ask, continuous_update=False, description=label, style=LABEL, layout=WIDE
        )
        self._letters: list[widgets.Button] = []
        self.children = [*self._choices(kind.options), self.text]
        self._watch(self.text)
        self.text.observe(self._mark, "value")
        self.text.observe(self._entered, "value")

    @property
    def value(self) -> str:
        """What was typed."""
        return str(self.text.value)

    def _choices(self, options: tuple[str, ...]) -> list[widgets.Widget]:
        if not options:
            return []
        rows = "".join(f"<li>{escape(text)}</li>" for text in options)
        listed = widgets.HTML(f'<ol type="a" style="margin:4px 0;line-height:1.4">{rows}</ol>')
        self._letters = [self._letter(chr(ord("a") + i), text) for i, text in enumerate(options)]
        return [listed, widgets.HBox(self._letters, layout=ROW)]

    def _letter(self, name: str, text: str) -> widgets.Button:
        button = widgets.Button(description=name, tooltip=text, layout={"width": "3em"})
        button.on_click(lambda _: self._type(name))
        return button

    def _type(self, name: str) -> None:
        """A click on an option: a choice is replaced, an order is continued."""
        self.text.unobserve(self._entered, "value")
        self.text.value = f"{self.text.value} {name}".strip() if self._many else name
        self.text.observe(self._entered, "value")

    def _mark(self, change: Any) -> None:
        """Show which letters the answer has."""
        for button in self._letters:
            button.button_style = "info" if button.description in change["new"].split() else ""

    def _entered(self, change: Any) -> None:
        if change["new"].strip():
            self.enter(change["new"])


class GroupsField(Field):
    """A list to choose from beside each thing."""

    def __init__(self, kind: Classify) -> None:
        """A row for each thing."""
        super().__init__()
        choices = [("choose ...", "-"), *((text, chr(ord("a") + i)) for i, text in enumerate(kind.options))]
        self.lists = [
            widgets.Dropdown(options=choices, value="-", layout={"width": "auto"}) for _ in kind.items
        ]
        self.children = [
            self._row(text, chooser) for text, chooser in zip(kind.items, self.lists, strict=True)
        ]
        self._watch(*self.lists)

    @staticmethod
    def _row(text: str, chooser: widgets.Dropdown) -> widgets.HBox:
        words = widgets.HTML(
            f'<div style="line-height:1.4">{escape(text)}</div>', layout={"flex": "1 1 20em"}
        )
        return widgets.HBox([chooser, words], layout=ROW)

    @property
    def value(self) -> str:
        """The letters of the groups."""
        return " ".join(chooser.value for chooser in self.lists)


class StopField(Field):
    """A result out of a list, and the index of an entry."""

    def __init__(self, kind: Stop, label: str) -> None:
        """For the results of the kind's kernel."""
        super().__init__()
        self.result = widgets.Dropdown(
            options=[("choose ...", ""), *((word, word) for word in kind.results)], value="",
            description=label, style=LABEL, layout={"width": "auto"},
        )  # fmt: skip
        self.entry = widgets.Text(
            placeholder="empty: all were read", continuous_update=False, description="at entry", style=LABEL,
            layout={"width": "18em"},
        )  # fmt: skip
        self._watch(self.result, self.entry)
        self.entry.observe(lambda change: change["new"].strip() and self.enter(self.value), "value")
        self.children = [widgets.HBox([self.result, self.entry], layout=ROW)]

    @property
    def value(self) -> str:
        """Result and entry."""
        return f"{self.result.value} {self.entry.value}".strip()


class ProseField(Field):
    """A few lines for sentences."""

    def __init__(self, kind: Kind) -> None:
        """Empty, with what is asked for in grey."""
        super().__init__()
        self.text = widgets.Textarea(placeholder=kind.ask, rows=4, layout={"width": "calc(100% - 4px)"})
        self.children = [self.text]
        self._watch(self.text)

    @property
    def value(self) -> str:
        """The sentences."""
        return str(self.text.value)


#: What stage/js/controls/code_box.js does with the keys.
_CODE_KEYS = "Tab indents. Esc, then Tab leaves the box."


class CodeField(Field):
    """Several lines to type. Once it is shown, or typed into, a process is ready that runs them."""

    def __init__(self, kind: Code) -> None:
        """With the lines to begin with."""
        super().__init__()
        rows = max(len(kind.listing) + 3, 7)
        self.text = widgets.Textarea(kind.template, rows=rows, layout={"width": "calc(100% - 4px)"})
        self.text.add_class("thplab-code")
        style = widgets.HTML(f"<style>.thplab-code textarea{{{MONO};tab-size:4}}</style>")
        apart = bool(os.environ.get(SLIDES)) or kind.warm()
        note = _CODE_KEYS if apart else f"{_CODE_KEYS} {NOTE}"
        self.children = [style, self.text, widgets.HTML(f'<div style="line-height:1.4">{note}</div>')]
        self._watch(self.text)
        self.text.observe(lambda _: kind.warm(), "value")

    @property
    def value(self) -> str:
        """The code."""
        return str(self.text.value)
