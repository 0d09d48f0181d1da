"""The phases of one collapse over time, with the locks that are held meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thplab.ledger import SHAPE
from thplab.plots.plot import COLOURS, HATCHES, Plot, new_axes
from thplab.plots.spans import LOCKS, MMAP_WRITE, Span, collapse_spans
from thplab.recording import Recording
from thplab.table import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Shorter than this share of the whole is drawn as a mark.
_VISIBLE = 0.004


def timeline_plot(recording: Recording, number: int = 0) -> Plot:
    """Collapse ``number`` (from 0) of a recording that was made alongside a Meter.

    Raises ValueError as :func:`~thplab.plots.spans.collapse_spans` does.
    """
    phases, locks = collapse_spans(recording, number)
    held = _joined(locks)
    whole = phases[-1].end
    sentence = (
        "Time runs to the right: above the phases of the collapse, below the locks held meanwhile; in the "
        "shaded time mmap_lock is held for writing: every mmap of the process waits, and every fault in "
        f"this VMA (in 6.1 in the whole process). {SHAPE}"
    )
    rows = [*(span.row for span in phases), *LOCKS.values()]
    table = Table.of(
        ("row", "from µs", "to µs", "lasts µs"),
        [(span.row, *(f"{ns / 1000:.1f}" for ns in (span.begin, span.end, span.end - span.begin)))
         for span in (*phases, *held)],
        sentence,
    )  # fmt: skip
    with new_axes(12, 1.8 + 0.42 * len(rows)) as (figure, axes):
        for span in held:
            if span.row == MMAP_WRITE and span.end > span.begin:
                axes.axvspan(span.begin / 1000, span.end / 1000, color="#E69F00", alpha=0.18, zorder=0)
        for span in (*phases, *held):
            _draw(axes, span, rows.index(span.row), whole, phase=span in phases)
        axes.axhline(len(rows) - len(LOCKS) - 0.5, color="black", linewidth=1)
        axes.set_yticks(range(len(rows)), rows)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(0, whole / 1000 * 1.13)
        axes.grid(visible=False, axis="y")
        axes.set_title("One collapse, its phases and its locks")
        axes.set_xlabel(f"µs since the scan of the window began\n{SHAPE}")
        return Plot(figure, table, sentence)


def _draw(axes: Axes, span: Span, row: int, whole: int, *, phase: bool) -> None:
    """A bar, or a mark for what takes next to no time."""
    colour = COLOURS[0] if phase else COLOURS[1] if span.row == MMAP_WRITE else COLOURS[2]
    width = span.end - span.begin
    if width < _VISIBLE * whole:
        axes.plot([span.begin / 1000], [row], marker="|", color=colour, markersize=15, markeredgewidth=2)
    else:
        axes.barh(
            row, width / 1000, left=span.begin / 1000, height=0.62, color=colour, edgecolor="white",
            hatch=HATCHES[0] if phase else HATCHES[1] if span.row == MMAP_WRITE else HATCHES[2],
        )  # fmt: skip
    if phase:
        axes.text(span.end / 1000, row, f" {width / 1000:.0f} µs" if width else " not priced", va="center")


def _joined(locks: list[Span]) -> list[Span]:
    """Holds of one row that follow each other without a gap, or take no time, as one."""
    joined: list[Span] = []
    for span in sorted(locks, key=lambda span: (list(LOCKS.values()).index(span.row), span.begin)):
        if joined and joined[-1].row == span.row and joined[-1].end >= span.begin:
            last = joined.pop()
            span = Span(span.row, last.begin, max(last.end, span.end))
        joined.append(span)
    return joined
