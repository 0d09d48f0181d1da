"""What the lanes cost: pages that were moved and copied in each, and who had to wait."""

from __future__ import annotations

from collections.abc import Mapping

from thplab.experiments.lanes import LaneResult
from thplab.plots.plot import COLOURS, HATCHES, Plot, new_axes
from thplab.table import Table


def lanes_plot(results: Mapping[str, LaneResult]) -> Plot:
    """``results``: letter -> what :func:`~thplab.experiments.lanes.run_lane` found."""
    sentence = (
        "Each bar is a lane on the same broken machine, as long as the number of base pages that had to be "
        "copied somewhere; behind it stands what came of it, and who waited while memory was compacted."
    )
    heads = ("lane", "who", "moved by compaction", "copied by a collapse", "result", "who waited")
    rows = [(r.letter, r.who, r.moved, r.collapsed, r.result, r.waited) for r in results.values()]
    with new_axes(12, 1.8 + 0.62 * max(len(results), 3)) as (figure, axes):
        names = [f"{r.letter}  {r.who}" for r in results.values()]
        moved = [r.moved for r in results.values()]
        copied = [r.collapsed for r in results.values()]
        axes.barh(names, moved, color=COLOURS[1], hatch=HATCHES[1], edgecolor="white", label=heads[2])
        axes.barh(
            names, copied, left=moved, color=COLOURS[0], hatch=HATCHES[2], edgecolor="white", label=heads[3]
        )
        for place, result in enumerate(results.values()):
            words = f" {result.result}; waited: {result.waited}"
            axes.text(result.moved + result.collapsed, place, words, va="center")
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0, 1.75 * max((a + b for a, b in zip(moved, copied, strict=True)), default=1) or 1)
        axes.set_title("One huge page: the price in pages")
        axes.set_xlabel("base pages")
        figure.legend(loc="outside lower center", ncols=2)
        return Plot(figure, Table.of(heads, rows, sentence), sentence)
