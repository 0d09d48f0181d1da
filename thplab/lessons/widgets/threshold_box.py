"""A window, three limits to move, and the lines at which the scan stops."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as widgets

from thplab.lessons.runs.looking import look_at
from thplab.lessons.widgets.written import WrittenBox
from thplab.scenario import ScenarioError
from thplab.scenario.build import experiment
from thplab.scenario.windows import window

if TYPE_CHECKING:
    from thplab.plots import Plot

_LIMITS = {"max_ptes_none": 511, "max_ptes_swap": 64, "max_ptes_shared": 256}


class Thresholds(WrittenBox):
    """``window`` (a text) and ``limits`` (knob -> slider) are widgets: setting ``value`` runs the model."""

    def __init__(self, text: str, kernel: str = "6.18", **limits: int) -> None:
        """The window in words; ``limits`` in place of the kernel's defaults. ScenarioError for no window."""
        window(text)
        self._kernel = kernel
        self.window = widgets.Text(
            text, description="Window", continuous_update=False, layout={"width": "min(100%, 48em)"}
        )
        self.limits = {name: self._slider(name, limits.get(name, usual)) for name, usual in _LIMITS.items()}
        self._picture = widgets.HTML()
        self.plot: Plot | None = None
        row = widgets.HBox(list(self.limits.values()), layout={"flex_flow": "row wrap"})
        super().__init__([self.window, row, self._picture])
        self._draw()
        for control in (self.window, *self.limits.values()):
            control.observe(lambda _: self._draw(), "value")

    @staticmethod
    def _slider(name: str, value: int) -> widgets.IntSlider:
        return widgets.IntSlider(
            value, 0, 511, description=name, continuous_update=False, style={"description_width": "9.5em"},
            layout={"width": "24em"},
        )  # fmt: skip

    def _draw(self) -> None:
        """Run the model on what is set, and draw; what is no window is answered in words."""
        from thplab.plots import threshold_plot

        limits = {name: slider.value for name, slider in self.limits.items()}
        try:
            pages = window(self.window.value)
            seen = look_at(experiment(self.window.value, **limits), self._kernel)
        except ScenarioError as error:
            self._picture.value = f'<div role="status">✗ {escape(str(error))}</div>'
            return
        self.plot = threshold_plot(pages, limits, seen.status, seen.stopped)
        image = b64encode(self.plot._repr_png_()).decode()
        said = escape(self.text(), quote=True)
        self._picture.value = (
            f'<img style="max-width:100%" alt="{said}" src="data:image/png;base64,{image}">'
            f'<div style="line-height:1.4">{escape(self.plot.sentence)}</div>'
        )
        self.write()

    def text(self) -> str:
        """The window, the limits and what the run says."""
        limits = ", ".join(f"{name} {slider.value}" for name, slider in self.limits.items())
        return f"Window: {self.window.value}\nLimits: {limits}\n{self.plot.table if self.plot else ''}"


def thresholds(text: str, kernel: str = "6.18", **limits: int) -> Thresholds:
    """Sliders for the three limits over a window in words; arguments as of :class:`Thresholds`."""
    return Thresholds(text, kernel, **limits)
