"""Within the reach all accesses hit; beyond it, the share of the pages that the entries hold at a time."""

from __future__ import annotations

import pytest

from thplab.sweeps import SerialExecutor, hit_sweep

HERE = SerialExecutor()
KIB, MIB = 1 << 10, 1 << 20


def test_N19_hits_end_where_the_reach_ends() -> None:
    small = [128 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB]
    huge = [size * 512 for size in small]
    rows = hit_sweep(small, huge, accesses=2000, executor=HERE)
    by_set = {row.working_set: row for row in rows}
    for size in small:
        for each in (size, size * 512):  # as many pages of 2 MiB as there were of 4 KiB
            expected = min(1, 256 * KIB / size)
            assert by_set[each].hit_rate == pytest.approx(expected, abs=0.05)
    assert by_set[256 * KIB].hit_rate == by_set[128 * MIB].hit_rate == 1
    assert by_set[256 * KIB].references == 0
    assert rows.column("page") == ["4 KiB"] * 4 + ["2 MiB"] * 4


def test_N20_each_miss_reads_four_entries_or_three() -> None:
    small, huge = hit_sweep([512 * KIB], [256 * MIB], accesses=500, executor=HERE)
    assert small.references == pytest.approx(4 * (1 - small.hit_rate))
    assert huge.references == pytest.approx(3 * (1 - huge.hit_rate))


def test_part_of_a_page_is_no_working_set() -> None:
    with pytest.raises(ValueError, match="working set 5000: allowed are multiples of 4096"):
        hit_sweep([5000], [])
    with pytest.raises(ValueError, match="huge: 4096 is not accepted; allowed: an integer from 2097152"):
        hit_sweep([], [4096])
