"""Each figure shows what its table says, readable from the last row, with no display and without colour."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from thplab.experiments.lanes import LaneResult
from thplab.ledger import SHAPE, Bill, Meter
from thplab.plots import (
    Plot,
    bill_plot,
    coverage_plot,
    fairness_plot,
    hit_plot,
    ladder_plot,
    lanes_plot,
    proactiveness_plot,
    reach_plot,
    threshold_plot,
    timeline_plot,
    verdict_plot,
)
from thplab.plots.plot import COLOURS
from thplab.recording import record_scenario
from thplab.sweeps import CoverageRow, FairnessRow, HitRow, ProactiveRow, Rows, VerdictRow

ROOT = Path(__file__).parents[2]

COVERAGE = Rows(
    CoverageRow(p, limit, 64, huge, coverage, bloat, 0.0, 1)
    for p, limit, huge, coverage, bloat in [
        (1.0, 0, 64, 1.0, 0.0), (1.0, 511, 64, 1.0, 0.0),
        (0.5, 0, 0, 0.0, 0.0), (0.5, 255, 31, 0.5, 31.0), (0.5, 511, 64, 1.0, 64.0),
        (0.2, 0, 0, 0.0, 0.0), (0.2, 511, 64, 1.0, 102.4),
    ]
)  # fmt: skip
FAIRNESS = Rows([FairnessRow(16, 16, 2, 10.0), FairnessRow(8192, 16, 513, 5120.0)])
PROACTIVE = Rows([ProactiveRow(11, 89, 99, 99, 99, 0, 0), ProactiveRow(20, 80, 90, 99, 65, 2, 256)])
LANES = {
    letter: LaneResult(letter, who, result, moved, copied, waited, waited, 0, result == "huge", {}, ())
    for letter, who, result, moved, copied, waited in [
        ("A", "fault, defrag=never", "small", 0, 0, "nobody"),
        ("D", "fault, defrag=defer, then khugepaged", "huge", 128, 512, "khugepaged"),
    ]
}
PAGES = ["young"] * 2 + ["none"] * 4 + ["swap", "zero", "none", "young"]
VERDICTS = Rows([VerdictRow("succeeded", 30, 1), VerdictRow("exceed_none_pte", 10, 1)])

HITS = Rows(
    HitRow(page, size, 64, rate, 4 * (1 - rate))
    for page, size, rate in [
        ("4 KiB", 1 << 17, 1.0), ("4 KiB", 1 << 19, 0.5), ("2 MiB", 1 << 26, 1.0), ("2 MiB", 1 << 28, 0.5)
    ]
)  # fmt: skip


def bills() -> dict[str, Bill]:
    first, second = Bill(), Bill()
    first.charge("app", "fault_huge_page", 2)
    second.charge("khugepaged", "copy_page", 512, locked=True)
    second.charge("app", "fault_base_page", 512)
    return {"at the fault": first, "later": second}


@pytest.fixture(scope="module")
def timeline() -> Plot:
    return timeline_plot(record_scenario("S08.clean512", depth="functions", alongside=Meter))


@pytest.fixture(
    params=[
        "coverage",
        "fairness",
        "proactiveness",
        "ladder",
        "lanes",
        "verdicts",
        "reach",
        "hits",
        "bills",
        "timeline",
        "thresholds",
    ]
)
def plot(request: pytest.FixtureRequest) -> Plot:
    made = {
        "coverage": lambda: coverage_plot(COVERAGE, cap_mib=50),
        "fairness": lambda: fairness_plot(FAIRNESS),
        "proactiveness": lambda: proactiveness_plot(PROACTIVE),
        "ladder": lambda: ladder_plot(PROACTIVE),
        "lanes": lambda: lanes_plot(LANES),
        "verdicts": lambda: verdict_plot(VERDICTS),
        "reach": lambda: reach_plot(working_set=1 << 30),
        "hits": lambda: hit_plot(HITS),
        "bills": lambda: bill_plot(bills()),
        "timeline": lambda: request.getfixturevalue("timeline"),
        "thresholds": lambda: threshold_plot(PAGES, {"max_ptes_none": 4, "max_ptes_swap": 9}, "no", 7),
    }
    return made[request.param]()


def texts(plot: Plot) -> Iterator[Text]:
    """All words that are drawn; matplotlib keeps ticks outside the axes, too, without drawing them."""
    (axes,) = plot.figure.axes
    unseen = {
        id(tick.label1)
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    found = (text for text in plot.figure.findobj(Text) if text.get_text().strip() and text.get_visible())
    return (text for text in found if id(text) not in unseen)


def words(plot: Plot) -> str:
    return "\n".join(text.get_text() for text in texts(plot))


def test_picture_table_and_sentence_go_together(plot: Plot) -> None:
    assert plot._repr_png_().startswith(b"\x89PNG")
    html = plot._repr_html_()
    assert re.search(r'<img [^>]*alt="[^"]{40,}"[^>]*src="data:image/png;base64,', html)
    assert "<table" in html
    assert plot.sentence.endswith(".")
    assert str(plot).startswith(plot.sentence)
    assert str(plot.table) in str(plot)
    assert plot.table.rows


def test_it_is_large_enough_for_a_projector(plot: Plot) -> None:
    width, _ = plot.figure.get_size_inches()
    assert min(text.get_fontsize() for text in texts(plot)) >= 12
    assert width <= 12  # or the type would be scaled down


def test_nothing_is_cut_off(plot: Plot) -> None:
    plot.figure.canvas.draw()
    inside = plot.figure.bbox.padded(2)
    for text in texts(plot):
        box = text.get_window_extent()
        assert inside.contains(box.x0, box.y0), text.get_text()
        assert inside.contains(box.x1, box.y1), text.get_text()


def test_colours_are_those_that_all_can_tell_apart(plot: Plot) -> None:
    (axes,) = plot.figure.axes
    drawn = [line.get_color() for line in axes.lines] + [bar.get_facecolor() for bar in axes.patches]
    allowed = {colour.lower() for colour in COLOURS}
    assert {to_hex(colour) for colour in drawn} <= allowed


def test_series_differ_without_colour() -> None:
    (axes,) = coverage_plot(COVERAGE).figure.axes
    looks = [(line.get_marker(), line.get_linestyle()) for line in axes.lines]
    assert len({marker for marker, _ in looks}) == len({dash for _, dash in looks}) == 3
    hatches = {bar.get_hatch() for bar in reach_plot().figure.axes[0].patches}
    assert len(hatches) == 2
    assert len({bar.get_hatch() for bar in bill_plot(bills()).figure.axes[0].patches}) == 2


def test_coverage_draws_its_rows() -> None:
    plot = coverage_plot(COVERAGE, cap_mib=50)
    (axes,) = plot.figure.axes
    half = axes.lines[1]
    assert list(half.get_xdata()) == [0.0, 31.0, 64.0]
    assert list(half.get_ydata()) == [0.0, 50.0, 100.0]
    assert "255" in words(plot)
    assert "cap 50 MiB" in words(plot)
    assert plot.table.heads == COVERAGE.heads
    assert len(plot.table.rows) == len(COVERAGE)


def test_limits_that_lead_to_the_same_point_share_a_label() -> None:
    rows = Rows(CoverageRow(0.5, limit, 8, 4, 0.5, 4.0, 0.0, 1) for limit in (64, 128, 255))
    assert "64–255" in words(coverage_plot(rows))


def test_fairness_draws_its_rows() -> None:
    plot = fairness_plot(FAIRNESS)
    (line,) = plot.figure.axes[0].lines
    assert list(line.get_xdata()) == [16, 8192]
    assert list(line.get_ydata()) == [10.0, 5120.0]
    for word in ("pass 513", "85 min", "8 GiB", "16 MiB"):
        assert word in words(plot)


def test_proactiveness_says_why_nothing_happens() -> None:
    said = words(proactiveness_plot(PROACTIVE))
    assert "nothing: score 99 is not above 99" in said
    assert "256 copies, score 99 → 65 (low mark 80)" in said


def test_ladder_has_a_rung_for_each_block_and_the_marks_of_one_value() -> None:
    plot = ladder_plot(PROACTIVE)
    stairs = plot.figure.axes[0].lines[0]
    assert (list(stairs.get_xdata()), list(stairs.get_ydata())) == ([0, 2], [99, 65])
    for word in ("65 (256 copies)", "starts above 90", "stops at 80"):
        assert word in words(plot)
    with pytest.raises(ValueError, match="no run at proactiveness 30; there are 11, 20"):
        ladder_plot(PROACTIVE, 30)


def test_lanes_are_stacked_and_say_who_waited() -> None:
    plot = lanes_plot(LANES)
    assert sum(bar.get_width() for bar in plot.figure.axes[0].patches) == 128 + 512
    assert "huge; waited: khugepaged" in words(plot)
    assert plot.table.rows[1][:4] == ("D", "fault, defrag=defer, then khugepaged", "128", "512")


def test_verdicts_are_counted() -> None:
    plot = verdict_plot(VERDICTS)
    assert [bar.get_width() for bar in plot.figure.axes[0].patches] == [30, 10]
    assert "30 (75%)" in words(plot)
    assert "40 random windows" in words(plot)


def test_N19_reach_in_words_and_bars() -> None:
    plot = reach_plot((64, 3072))
    assert plot.table.rows == (("64", "256 KiB", "128 MiB"), ("3072", "12 MiB", "6 GiB"))
    ends = {bar.get_x() + bar.get_width() for bar in plot.figure.axes[0].patches}
    assert ends == {64 * 4096, 64 << 21, 3072 * 4096, 3072 << 21}
    assert plot.figure.axes[0].get_xscale() == "log"
    for word in ("256 KiB", "12 MiB", "6 GiB", "3072 entries"):
        assert word in words(plot)


def test_hits_draw_a_line_for_each_size_of_page() -> None:
    plot = hit_plot(HITS)
    small, huge = plot.figure.axes[0].lines
    assert (list(small.get_xdata()), list(small.get_ydata())) == ([1 << 17, 1 << 19], [100, 50])
    assert list(huge.get_xdata()) == [1 << 26, 1 << 28]
    assert small.get_marker() != huge.get_marker()
    assert plot.table.rows[1] == ("4 KiB", "512 KiB", "64", "50.0%", "2.00")
    assert "2 MiB pages" in words(plot)


def test_bills_are_stacked_by_party() -> None:
    plot = bill_plot(bills())
    assert plot.table.heads == ("run", "app (µs)", "khugepaged (µs)")
    assert plot.table.rows[0][2] == "0.0"
    widths = [bar.get_width() for bar in plot.figure.axes[0].patches]
    assert sum(widths) == pytest.approx(sum(bill.ns() for bill in bills().values()) / 1000)


@pytest.mark.parametrize(
    "make", [lambda request: bill_plot(bills()), lambda request: request.getfixturevalue("timeline")]
)
def test_costs_are_shown_as_shape(make: Any, request: pytest.FixtureRequest) -> None:
    plot = make(request)
    assert SHAPE in words(plot)
    assert SHAPE in str(plot)
    assert SHAPE in plot._repr_html_()


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_it_is_saved(tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"reach.{kind}"
    reach_plot((64,)).save(target)
    beginning = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    assert target.read_bytes().startswith(beginning)


def test_no_display_no_pyplot_and_no_matplotlib_before_the_first_figure() -> None:
    code = (
        "import sys, thplab.plots; assert 'matplotlib' not in sys.modules\n"
        "assert thplab.plots.reach_plot()._repr_png_()[:4] == b'\\x89PNG'\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")} | {
        "MPLBACKEND": "tkagg"
    }
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True, timeout=120)


def test_thresholds_count_holes_with_zero_pages_and_mark_the_stop() -> None:
    plot = threshold_plot(PAGES, {"max_ptes_none": 4, "max_ptes_swap": 9, "max_ptes_shared": 1}, "no", 7)
    assert plot.table.rows == (("empty", "6", "max_ptes_none 4"), ("swapped out", "1", "max_ptes_swap 9"))
    assert "the scan stopped at entry 7" in plot.figure.axes[0].get_title(loc="left")
    stair = plot.figure.axes[0].lines[0]
    assert list(stair.get_ydata()) == [0, 0, 1, 2, 3, 4, 4, 5, 6, 6]
