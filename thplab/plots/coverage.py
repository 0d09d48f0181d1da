"""Coverage against bloat, one line for each occupancy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from thplab.plots.plot import COLOURS, DASHES, MARKERS, Plot, new_axes
from thplab.sweeps import CoverageRow, Rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def coverage_plot(rows: Rows[CoverageRow], *, cap_mib: float | None = None) -> Plot:
    """Each point is a limit of max_ptes_none; ``cap_mib``: a budget of bloat to draw as a line."""
    sentence = (
        "Up is more accesses in huge pages, right is more memory nobody touched; along a line "
        "max_ptes_none grows, and a line is an occupancy: the best point is the upper left one."
    )
    with new_axes() as (figure, axes):
        for number, occupancy in enumerate(dict.fromkeys(row.occupancy for row in rows)):
            mine = [row for row in rows if row.occupancy == occupancy]
            xs, ys = [row.bloat_mib for row in mine], [100 * row.coverage for row in mine]
            axes.plot(
                xs, ys,
                color=COLOURS[number % len(COLOURS)],
                marker=MARKERS[number % len(MARKERS)],
                linestyle=DASHES[number % len(DASHES)],
                label=f"{occupancy:.0%} of the pages touched",
                clip_on=False,
                zorder=3,
            )  # fmt: skip
            _label_limits(axes, mine)
        if cap_mib is not None:
            axes.axvline(cap_mib, color="black", linewidth=1.5, linestyle=":")
            axes.text(cap_mib, 4, f" cap {cap_mib:g} MiB", bbox={"facecolor": "white", "edgecolor": "none"})
        windows = rows[0].windows if rows else 0
        axes.set_title(f"Coverage against bloat, {windows} windows ({2 * windows} MiB)")
        axes.set_xlabel("bloat: memory added by khugepaged (MiB)")
        axes.set_ylabel("coverage: touched pages\nthat lie in huge pages (%)")
        axes.set_ylim(0, 105)
        axes.set_xlim(left=0)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        return Plot(figure, rows.table(sentence), sentence)


def _label_limits(axes: Axes, rows: Sequence[CoverageRow]) -> None:
    """Beside each point the limits that lead there: all those between two points are one label."""
    places: dict[tuple[float, float], list[int]] = {}
    for row in rows:
        places.setdefault((row.bloat_mib, 100 * row.coverage), []).append(row.max_ptes_none)
    for (x, y), limits in places.items():
        if 0 < y < 100:
            text = str(limits[0]) if len(limits) == 1 else f"{limits[0]}–{limits[-1]}"
            axes.annotate(text, (x, y), xytext=(10, -5), textcoords="offset points", fontsize=12)
