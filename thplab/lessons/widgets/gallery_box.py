"""The gallery of verdicts on the screen: choose a kernel and a result, see the run that leads to it."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets

from thplab.kernels import PROFILES, profile
from thplab.lessons.runs.steps import subgoals
from thplab.lessons.runs.verdict_gallery import Exhibit, exhibits
from thplab.lessons.widgets.window_picture import window_lines, window_picture
from thplab.lessons.widgets.written import WrittenBox
from thplab.reading.text import TextTwin
from thplab.stage import Stage
from thplab.stage.cells import close


class Gallery(WrittenBox):
    """One result at a time. ``kernel`` and ``result`` are widgets: setting ``value`` is choosing."""

    def __init__(self, status: str = "succeeded", kernel: str = "6.18") -> None:
        """Begin with the result ``status``. ValueError for an unknown kernel, or a result it does not "
        "have.
        """
        profile(kernel)
        self.kernel = widgets.ToggleButtons(
            options=list(PROFILES), value=kernel, style={"button_width": "4em"}, layout={"width": "auto"},
            tooltips=[f"Linux {name}" for name in PROFILES],
        )  # fmt: skip
        self.result = widgets.Dropdown(description="Result", layout={"width": "auto"})
        self._fill(status)
        self._card = widgets.HTML()
        self._button = widgets.Button(description="Show on the stage", icon="play", layout={"width": "auto"})
        self._place = widgets.VBox()
        row = [widgets.Label("Linux"), self.kernel, self.result, self._button]
        super().__init__(
            [
                widgets.HBox(row, layout={"flex_flow": "row wrap", "align_items": "center"}),
                self._card,
                self._place,
            ]
        )
        self._draw()
        self.kernel.observe(lambda _: self._fill(self.result.value), "value")
        self.result.observe(lambda _: self._draw_and_write(), "value")
        self._button.on_click(lambda _: self._press())

    def _fill(self, status: str) -> None:
        """The kernel's results; the one that was chosen stays, if there is such a one."""
        results = [each.result for each in exhibits(self.kernel.value)]
        words = [result.value for result in results]
        self.result.options = [(f"{result.constant}: {result.value}", result.value) for result in results]
        self.result.value = status if status in words else words[0]

    @property
    def exhibit(self) -> Exhibit:
        """What is chosen."""
        return next(each for each in exhibits(self.kernel.value) if each.result.value == self.result.value)

    def _draw(self) -> None:
        chosen = self.exhibit
        self._put()
        self._button.disabled = chosen.scenario is None
        self._card.value = _html(chosen)

    def _draw_and_write(self) -> None:
        self._draw()
        self.write()

    def show_stage(self) -> Stage | None:
        """The run line by line, at the verdict; None for a result that nothing here leads to."""
        seen = self.exhibit.line_by_line
        if seen is None:
            return None
        stage = Stage(seen.recording, step=seen.moment)
        self._put(stage)
        return stage

    def _press(self) -> None:
        """Show the stage, and let the next key step it."""
        if stage := self.show_stage():
            stage.take_focus()

    def _put(self, *stages: Stage) -> None:
        """Show this stage or none; the one before is closed."""
        before, self._place.children = self._place.children, stages
        close(before)

    def text(self) -> str:
        """The chosen result as text."""
        words = [f"{head}: {text}" if head else text for head, text in _facts(self.exhibit)]
        return "\n".join([*words, *_picture(self.exhibit)])


def _facts(chosen: Exhibit) -> list[tuple[str, str]]:
    """Head and text of each line of the card."""
    seen = chosen.evidence
    name = f"{chosen.result.constant} ({chosen.result.value}), Linux {chosen.kernel}"
    if chosen.scenario is None or seen is None:
        return [("", name), ("not reached", f"{chosen.why_not}."), ("MADV_COLLAPSE returns", chosen.errno)]
    again = "yes: the kernel says EAGAIN" if chosen.transient else "not before something has changed"
    same = "" if chosen.under_collapse == chosen.errno else f"; this very window: {chosen.under_collapse}"
    return [
        ("", name),
        ("scenario", f"{chosen.scenario.name}. {chosen.scenario.story}"),
        ("step", seen.where),
        ("what the run says", seen.sentence),
        ("trace line", seen.trace_line),
        ("MADV_COLLAPSE returns", chosen.errno + same),
        ("transient, try again", again),
    ]


def _picture(chosen: Exhibit) -> list[str]:
    """The window at the verdict in run lengths and glyphs."""
    seen = chosen.evidence
    if seen is None or seen.window is None:
        return []
    return [
        f"the window: {TextTwin(seen.recording).window_text(seen.moment)}",
        *window_lines(seen.window.keys),
    ]


_CELL = "text-align:left;vertical-align:top"


def _html(chosen: Exhibit) -> str:
    (_, name), *rest = _facts(chosen)
    seen = chosen.evidence
    rows = "".join(
        f'<tr><th scope="row" style="{_CELL};white-space:nowrap">{escape(head)}</th>'
        f'<td style="{_CELL};overflow-wrap:anywhere">{escape(text)}</td></tr>'
        for head, text in rest
    )
    steps = subgoals(seen.step)._repr_html_() if seen else ""
    picture = ""
    if seen is not None and seen.window is not None:
        caption = escape(_picture(chosen)[0])
        picture = f"<div>{caption}</div>{window_picture(seen.window.keys, seen.entry)}"
    return (
        f'<div style="line-height:1.4"><b>{escape(name)}</b>{steps}'
        f'<table style="max-width:100%">{rows}</table>{picture}</div>'
    )


def gallery(status: str = "succeeded", kernel: str = "6.18") -> Gallery:
    """A card for a result, with a choice of all results and kernels; arguments as of :class:`Gallery`."""
    return Gallery(status, kernel)
