"""A histogram of verdicts over random windows."""

from __future__ import annotations

from thplab.plots.plot import COLOURS, HATCHES, Plot, new_axes
from thplab.sweeps import Rows, VerdictRow


def verdict_plot(rows: Rows[VerdictRow]) -> Plot:
    """One bar for each verdict, the most frequent on top; the one that collapses is hatched."""
    total = sum(row.windows for row in rows)
    sentence = (
        "Each bar counts the windows that got this verdict, the name of the scan result; the hatched one "
        "became huge, all others stayed as they were."
    )
    with new_axes(11, 1.6 + 0.55 * max(len(rows), 3)) as (figure, axes):
        bars = axes.barh(
            [row.verdict for row in rows],
            [row.windows for row in rows],
            color=[COLOURS[2] if row.verdict == "succeeded" else COLOURS[0] for row in rows],
            edgecolor="white",
        )
        for row, bar in zip(rows, bars, strict=True):
            bar.set_hatch(HATCHES[1] if row.verdict == "succeeded" else "")
        axes.bar_label(bars, [f" {r.windows} ({r.windows / total:.0%})" for r in rows])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0, max((row.windows for row in rows), default=1) * 1.15)
        axes.locator_params(axis="x", integer=True)
        axes.set_title(f"What khugepaged says to {total} random windows")
        axes.set_xlabel("windows")
        return Plot(figure, rows.table(sentence), sentence)
