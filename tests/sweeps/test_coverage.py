"""A window is collapsed if its holes are within the limit, and every hole is filled: the rest is counting."""

from __future__ import annotations

import pytest

from thplab.sweeps import Rows, SerialExecutor, coverage_sweep
from thplab.sweeps.coverage import CoverageRow, touched_pages

HERE = SerialExecutor()
PAGES_PER_MIB = 256


def by_limit(rows: Rows[CoverageRow]) -> dict[int, CoverageRow]:
    return {row.max_ptes_none: row for row in rows}


@pytest.mark.parametrize(("occupancy", "seed"), [(0.9, 1), (0.5, 2), (0.2, 3), (0.01, 4)])
def test_each_window_by_its_holes(occupancy: float, seed: int) -> None:
    limits = (0, 64, 255, 411, 412, 511)
    rows = coverage_sweep((occupancy,), limits, windows=6, seed=seed, executor=HERE)
    counts = [len(pages) for pages in touched_pages(occupancy, 6, exact=False, seed=seed)]
    for limit, row in by_limit(rows).items():
        collapsed = [count for count in counts if count and 512 - count <= limit]
        bloat = sum(512 - count for count in collapsed)
        assert row.huge == len(collapsed)
        assert row.coverage == pytest.approx(sum(collapsed) / sum(counts))
        assert row.bloat_mib == pytest.approx(bloat / PAGES_PER_MIB)
        assert row.rss_mib == pytest.approx((sum(counts) + bloat) / PAGES_PER_MIB)


@pytest.mark.parametrize("pages", [1, 64, 303, 512])
def test_N2_uniform_occupancy_bloats_by_512_over_p(pages: int) -> None:
    rows = coverage_sweep((pages / 512,), (512 - pages,), windows=2, exact=True, executor=HERE)
    before = rows[0].rss_mib - rows[0].bloat_mib
    assert rows[0].rss_mib / before == pytest.approx(512 / pages)
    assert rows[0].coverage == 1


def test_N2_one_hole_too_many_and_nothing_happens() -> None:
    row = coverage_sweep((100 / 512,), (411,), windows=2, exact=True, executor=HERE)[0]
    assert (row.huge, row.coverage, row.bloat_mib) == (0, 0, 0)


def test_N3_sixty_nine_per_cent_more_memory_at_303_of_512_and_none_with_a_strict_limit() -> None:
    strict, lax = coverage_sweep((303 / 512,), (0, 511), windows=2, exact=True, executor=HERE)
    assert lax.bloat_mib / (lax.rss_mib - lax.bloat_mib) == pytest.approx(0.69, abs=0.005)
    assert strict.bloat_mib / strict.rss_mib < 0.01


def test_N22_the_default_limit_costs_memory_and_zero_costs_none() -> None:
    rows = by_limit(coverage_sweep((0.5,), (0, 511), windows=2, executor=HERE))
    assert rows[0].bloat_mib == 0
    assert rows[511].bloat_mib > 0.9


def test_N7_after_four_fifths_were_deleted_the_default_limit_takes_the_memory_back() -> None:
    # What is left of a full window of which 80 % were given back; there is no room for new data then.
    rows = by_limit(coverage_sweep((0.2,), (0, 255, 511), windows=4, executor=HERE))
    assert rows[511].rss_mib == 4 * 2
    assert rows[0].rss_mib == rows[255].rss_mib < 4 * 2 * 0.25


def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    first = coverage_sweep((0.3,), (400,), windows=2, seed=5, executor=HERE)
    assert first == coverage_sweep((0.3,), (400,), windows=2, seed=5, executor=HERE)
    assert touched_pages(0.3, 2, exact=False, seed=5) != touched_pages(0.3, 2, exact=False, seed=6)


def test_what_there_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"occupancies: 1\.5 is not accepted; allowed: a number from 0 to 1"):
        coverage_sweep((0.5, 1.5))
    with pytest.raises(ValueError, match="limits: 512 is not accepted; allowed: an integer from 0 to 511"):
        coverage_sweep((0.5,), (512,))
