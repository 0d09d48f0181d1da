"""The limits of a scan as lines: how many bad entries there were at each entry, and where it stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from thplab.plots.plot import COLOURS, DASHES, Plot, new_axes
from thplab.table import Table

#: knob -> what it counts, in the words of a window, and the name of that in the picture
_COUNTED = {
    "max_ptes_none": (("none", "zero"), "empty"),
    "max_ptes_swap": (("swap",), "swapped out"),
    "max_ptes_shared": (("shared",), "shared"),
}


def threshold_plot(
    pages: Sequence[str], limits: Mapping[str, int], verdict: str, stopped: int | None = None
) -> Plot:
    """``pages``: the kind of each entry; ``limits``: the knobs; what the run said, and at which entry."""
    sentence = (
        "A stair counts one kind of bad entry from entry 0 on, the level line of the same colour and dash "
        "is its "
        "limit; where a stair first steps over its line the scan stops, unless something else stopped it "
        "before."
    )
    drawn = list(_stairs(pages, limits))
    where = "all entries were read" if stopped is None else f"the scan stopped at entry {stopped}"
    with new_axes(11, 5) as (figure, axes):
        for number, (knob, name, counts) in enumerate(drawn):
            look: dict[str, Any] = {"color": COLOURS[number], "linestyle": DASHES[number]}
            axes.step(range(len(pages)), counts, where="post", label=f"{name} so far", **look)
            axes.axhline(limits[knob], linewidth=1.5, **look)
            axes.annotate(
                f"{knob} {limits[knob]}", (2, limits[knob]), xytext=(0, 4), textcoords="offset points",
                color=COLOURS[number], fontsize=13,
            )  # fmt: skip
        if stopped is not None:
            axes.axvline(stopped, color=COLOURS[6], linewidth=2)
        axes.set_title(f"{verdict}: {where}")
        axes.set_xlabel("entry")
        axes.set_ylabel("bad entries so far")
        axes.set_xlim(0, len(pages) - 1)
        highest = max(
            [limits[knob] for knob, _, _ in drawn] + [counts[-1] for _, _, counts in drawn], default=0
        )
        axes.set_ylim(0, max(highest, 8) * 1.15)
        if drawn:
            axes.legend(loc="lower right")
        rows = [(name, counts[-1], f"{knob} {limits[knob]}") for knob, name, counts in drawn]
        table = Table.of(("bad entries", "in the window", "limit"), rows, f"{verdict}: {where}.")
        return Plot(figure, table, sentence)


def _stairs(pages: Sequence[str], limits: Mapping[str, int]) -> Iterator[tuple[str, str, list[int]]]:
    """Of the kinds that the window has: knob, name, and the count after each entry."""
    for knob, (kinds, name) in _COUNTED.items():
        counts = list(accumulate(int(kind in kinds) for kind in pages))
        if counts and counts[-1] and knob in limits:
            yield knob, name, counts
