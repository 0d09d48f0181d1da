"""TLB hit rate against the working set, a line for each size of page."""

from __future__ import annotations

from thplab.plots.plot import COLOURS, DASHES, MARKERS, Plot, new_axes
from thplab.plots.reach import size_text
from thplab.sweeps import HitRow, Rows
from thplab.table import Table


def hit_plot(rows: Rows[HitRow]) -> Plot:
    """The working set is on a logarithmic axis."""
    sentence = (
        "Right is a larger working set, up are more accesses that need no walk; a line falls where the "
        "entries no longer cover the working set, with huge pages 512 times as late."
    )
    heads = ("page", "working set", "entries", "hit rate", "entries read per access")
    cells = [
        (r.page, size_text(r.working_set), r.entries, f"{r.hit_rate:.1%}", f"{r.references:.2f}")
        for r in rows
    ]
    with new_axes() as (figure, axes):
        for number, page in enumerate(dict.fromkeys(row.page for row in rows)):
            mine = [row for row in rows if row.page == page]
            axes.plot(
                [row.working_set for row in mine],
                [100 * row.hit_rate for row in mine],
                color=COLOURS[1 - number % 2], marker=MARKERS[number], linestyle=DASHES[number],
                label=f"{page} pages", clip_on=False, zorder=3,
            )  # fmt: skip
        sizes = sorted({row.working_set for row in rows})
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes[::2], [size_text(size) for size in sizes[::2]])
        axes.minorticks_off()
        axes.set_ylim(0, 105)
        axes.set_title(f"Random accesses through a TLB of {rows[0].entries if rows else 0} entries")
        axes.set_xlabel("working set (logarithmic)")
        axes.set_ylabel("TLB hits (%)")
        axes.legend(loc="lower left")
        return Plot(figure, Table.of(heads, cells, sentence), sentence)
