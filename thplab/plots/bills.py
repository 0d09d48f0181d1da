"""Who paid: a bar for each bill, one part for each party."""

from __future__ import annotations

from collections.abc import Mapping

from thplab.ledger import SHAPE, Bill
from thplab.plots.plot import COLOURS, HATCHES, Plot, new_axes
from thplab.table import Table


def bill_plot(bills: Mapping[str, Bill], title: str = "Who spent how long") -> Plot:
    """``bills``: name of a run -> what :class:`~thplab.ledger.Meter` or ``bill_of`` made of it."""
    sentence = (
        f"Each bar is a run, each part of it what one party spent; processes waited for theirs. {SHAPE}"
    )
    parties = list(dict.fromkeys(party for bill in bills.values() for party in bill.parties()))
    rows = [(name, *(f"{bill.ns(p) / 1000:.1f}" for p in parties)) for name, bill in bills.items()]
    table = Table.of(("run", *(f"{party} (µs)" for party in parties)), rows, sentence)
    with new_axes(11, 2.2 + 0.8 * len(bills)) as (figure, axes):
        left = [0.0] * len(bills)
        for number, party in enumerate(parties):
            widths = [bill.ns(party) / 1000 for bill in bills.values()]
            axes.barh(
                list(bills), widths, left=left, edgecolor="white", label=party,
                color=COLOURS[number % len(COLOURS)], hatch=HATCHES[number % len(HATCHES)],
            )  # fmt: skip
            left = [a + b for a, b in zip(left, widths, strict=True)]
        for place, total in enumerate(left):
            axes.text(total, place, f" {total:.0f} µs", va="center")
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0, max(left, default=1) * 1.15 or 1)
        axes.set_title(title)
        axes.set_xlabel(f"µs\n{SHAPE}")
        figure.legend(loc="outside lower center", ncols=4)
        return Plot(figure, table, sentence)
