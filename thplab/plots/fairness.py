"""How long B waits against the size of A."""

from __future__ import annotations

from thplab.plots.plot import COLOURS, Plot, new_axes
from thplab.sweeps import FairnessRow, Rows

_TICKS = {1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 36000: "10 h"}


def fairness_plot(rows: Rows[FairnessRow]) -> Plot:
    """Both axes are logarithmic; the pass in which B is served stands at each point."""
    sentence = (
        "Right is a larger process A before B on khugepaged's list, up is a longer wait of B for its first "
        "huge page: twice the A, twice the wait, whatever B needs."
    )
    with new_axes() as (figure, axes):
        xs, waits = [row.a_mib for row in rows], [row.wait_s for row in rows]
        axes.plot(xs, waits, color=COLOURS[0], marker="o", clip_on=False, zorder=3)
        for row in rows:
            axes.annotate(
                f"pass {row.first_pass}\n{_time(row.wait_s)}",
                (row.a_mib, row.wait_s), xytext=(-10, 8), textcoords="offset points", ha="right",
            )  # fmt: skip
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_yticks(list(_TICKS), list(_TICKS.values()))
        axes.set_ylim(max(min(waits, default=1), 1) / 2, max(60, *waits) * 3)
        axes.set_xticks(xs, [_size(mib) for mib in xs])
        axes.minorticks_off()
        axes.set_xlim(min(xs, default=1) / 2.5, max(xs, default=1) * 1.2)
        axes.set_title(f"B ({rows[0].b_mib if rows else 0} MiB) waits for A")
        axes.set_xlabel("size of A, which comes first on the list")
        axes.set_ylabel("wait for B's first huge page")
        return Plot(figure, rows.table(sentence), sentence)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _size(mib: int) -> str:
    return f"{mib // 1024} GiB" if mib >= 1024 and mib % 1024 == 0 else f"{mib} MiB"
