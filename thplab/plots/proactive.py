"""Thresholds of proactiveness: blocks that kcompactd makes, and what they cost."""

from __future__ import annotations

from thplab.plots.plot import COLOURS, HATCHES, Plot, new_axes
from thplab.sweeps import ProactiveRow, Rows


def proactiveness_plot(rows: Rows[ProactiveRow]) -> Plot:
    """A bar for each value of the knob: how many 2 MiB blocks were made, with copies and scores in words."""
    sentence = (
        "Each bar is a run at one value of vm.compaction_proactiveness, as long as the number of free 2 MiB "
        "blocks that were made; kcompactd starts above the high mark and stops at the low one."
    )
    with new_axes(11, 2 + 0.6 * max(len(rows), 3)) as (figure, axes):
        names = [str(row.proactiveness) for row in rows]
        bars = axes.barh(
            names, [row.blocks for row in rows], color=COLOURS[0], hatch=HATCHES[2], edgecolor="white"
        )
        axes.bar_label(bars, [_words(row) for row in rows], padding=4, fontsize=13)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0, max((row.blocks for row in rows), default=0) * 1.25 + 4)
        axes.set_xticks(range(max((row.blocks for row in rows), default=0) + 1))
        axes.set_title("What proactive compaction does to the comb")
        axes.set_xlabel("free 2 MiB blocks made")
        axes.set_ylabel("compaction_proactiveness")
        return Plot(figure, rows.table(sentence), sentence)


def _words(row: ProactiveRow) -> str:
    if not row.copies:
        return f"nothing: score {row.score_before} is not above {row.high_mark}"
    return f"{row.copies} copies, score {row.score_before} → {row.score_after} (low mark {row.low_mark})"
