"""The score ladder: how far the fragmentation score falls with each free block, and where kcompactd stops."""

from __future__ import annotations

from thplab.plots.plot import COLOURS, Plot, new_axes
from thplab.sweeps import ProactiveRow, Rows


def ladder_plot(rows: Rows[ProactiveRow], proactiveness: int = 20) -> Plot:
    """``rows`` of a sweep over the knob are the rungs; the marks drawn are those of one value of it.

    Raises ValueError if the sweep has no run at ``proactiveness``.
    """
    chosen = next((row for row in rows if row.proactiveness == proactiveness), None)
    if chosen is None:
        had = ", ".join(str(row.proactiveness) for row in rows)
        raise ValueError(f"no run at proactiveness {proactiveness}; there are {had}")
    sentence = (
        "Each rung down is one free 2 MiB block more, paid with the copies that stand at it; kcompactd "
        "starts above the upper line and stops at the first rung that is not above the lower one."
    )
    rungs = sorted({(row.blocks, row.score_after, row.copies) for row in rows})
    with new_axes() as (figure, axes):
        blocks, scores = [rung[0] for rung in rungs], [rung[1] for rung in rungs]
        axes.step(blocks, scores, where="post", color=COLOURS[0])
        axes.plot(blocks, scores, linestyle="", marker="o", color=COLOURS[0], clip_on=False, zorder=3)
        for block, score, copies in rungs:
            text = f"{score} ({copies} copies)"
            axes.annotate(text, (block, score), xytext=(8, 8), textcoords="offset points")
        lines = ((chosen.high_mark, "--", "starts above"), (chosen.low_mark, ":", "stops at"))
        for mark, dash, words in lines:
            axes.axhline(mark, color=COLOURS[1], linestyle=dash, label=f"{words} {mark}", zorder=0)
        axes.plot(
            [chosen.blocks], [chosen.score_after], marker="s", markersize=18, markerfacecolor="none",
            markeredgewidth=2.5, linestyle="", color=COLOURS[1], label="here it stopped",
        )  # fmt: skip
        axes.set_xlim(-0.2, max(blocks, default=0) + 1.3)
        axes.set_ylim(-3, 112)
        axes.set_xticks(blocks)
        axes.set_title(f"The score ladder, and compaction_proactiveness {proactiveness}")
        axes.set_xlabel("free 2 MiB blocks")
        axes.set_ylabel("fragmentation score")
        axes.legend(loc="lower left")
        return Plot(figure, rows.table(sentence), sentence)
