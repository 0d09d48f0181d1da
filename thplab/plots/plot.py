"""A figure, its text twin and how to read it; and the look that all figures share."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thplab.files import write_file
from thplab.table import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Okabe and Ito's colours, that everybody can tell apart; grey last. Never the only difference:
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
#: ... a series has a marker of its own, a line a dash, and an area a hatch.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 2)))
HATCHES = ("", "//", "..", "xx", "\\\\", "++", "oo", "--")

#: Readable from the last row: sizes in points on a picture of about 11 by 6 inches.
_LOOK: Any = {
    "font.size": 15,
    "axes.titlesize": 18,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 16,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#d9d9d9",
    "legend.fontsize": 14,
    "legend.frameon": False,
    "lines.linewidth": 2.5,
    "lines.markersize": 10,
    "hatch.linewidth": 0.8,
    "svg.hashsalt": "thplab",
}
_DPI = 110


@dataclass(frozen=True)
class Plot:
    """``figure`` (matplotlib), the same as ``table``, and in one ``sentence`` how to read it."""

    figure: Figure
    table: Table
    sentence: str

    def _repr_png_(self) -> bytes:
        """The picture."""
        return self._image("png")

    def _repr_html_(self) -> str:
        """The picture with its sentence, and the table to unfold below it."""
        image = b64encode(self._image("png")).decode()
        return (
            f'<figure style="margin:0"><img style="max-width:100%" alt="{escape(self.sentence, quote=True)} '
            f'The same stands in the table below." src="data:image/png;base64,{image}">'
            f"<figcaption>{escape(self.sentence)}</figcaption></figure>"
            f"<details><summary>The same as a table</summary>{self.table._repr_html_()}</details>"
        )

    def __str__(self) -> str:
        """The text twin."""
        return f"{self.sentence}\n\n{self.table}"

    __repr__ = __str__

    def _image(self, kind: str) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format=kind, dpi=_DPI)
        return buffer.getvalue()

    def save(self, path: str | Path) -> None:
        """Write the picture; its kind (png, svg, pdf) is that of the name."""
        target = Path(path)
        write_file(target, self._image(target.suffix.removeprefix(".") or "png"))


@contextmanager
def new_axes(width: float = 11, height: float = 6) -> Iterator[tuple[Figure, Axes]]:
    """A figure that no global state knows of, so that it is shown once and needs no display; its axes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(_LOOK):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.add_subplot()
