"""TLB reach: how much memory a number of entries covers, with small and with huge pages."""

from __future__ import annotations

from collections.abc import Sequence

from thplab.mm.tlb import tlb_reach
from thplab.plots.plot import COLOURS, HATCHES, Plot, new_axes
from thplab.table import Table

ENTRIES = (64, 1536, 2048, 3072)
_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30
_SIZES = (("4 KiB pages", 4 * _KIB), ("2 MiB pages", 2 * _MIB))


def reach_plot(entries: Sequence[int] = ENTRIES, *, working_set: int | None = None) -> Plot:
    """Two bars for each number of entries, on a logarithmic axis; ``working_set``: bytes to mark."""
    sentence = (
        "A bar ends at the working set from which on the TLB misses; each grid line is sixteen times the one "
        "before, and huge pages reach 512 times as far with as many entries."
    )
    table = Table.of(
        ("entries", *(name for name, _ in _SIZES)),
        [(n, *(size_text(tlb_reach(n, size)) for _, size in _SIZES)) for n in entries],
        sentence,
    )
    ticks = [16 * _KIB << 4 * step for step in range(6)]
    with new_axes(11, 1.8 + 1.1 * len(entries)) as (figure, axes):
        for which, (name, size) in enumerate(_SIZES):
            reaches = [tlb_reach(n, size) for n in entries]
            places = [row + 0.4 * which for row in range(len(entries))]
            bars = axes.barh(
                places, [reach - ticks[0] for reach in reaches], 0.38, left=ticks[0],
                color=COLOURS[1 - which], hatch=HATCHES[which], edgecolor="white", label=name,
            )  # fmt: skip
            axes.bar_label(bars, [f" {size_text(reach)}" for reach in reaches])
        if working_set is not None:
            axes.axvline(working_set, color="black", linestyle="--")
            axes.text(working_set, -0.55, f"working set {size_text(working_set)}", ha="center")
        axes.set_xscale("log", base=2)
        axes.set_xticks(ticks, [size_text(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_xlim(ticks[0], max(ticks[-1], *(tlb_reach(n, 2 * _MIB) * 4 for n in entries)))
        axes.set_yticks([row + 0.2 for row in range(len(entries))], [f"{n} entries" for n in entries])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_title("TLB reach")
        axes.set_xlabel("memory that the entries cover (logarithmic)")
        figure.legend(loc="outside lower center", ncols=2)
        return Plot(figure, table, sentence)


def size_text(size: int) -> str:
    """256 KiB, 12 MiB, 6 GiB."""
    unit, name = next((each for each in ((_GIB, "GiB"), (_MIB, "MiB")) if size >= each[0]), (_KIB, "KiB"))
    return f"{size / unit:g} {name}"
