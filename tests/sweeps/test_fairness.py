"""8 windows a pass at the defaults (8 x 513 units > 4096 > 7 x 513), ten seconds between two passes."""

from __future__ import annotations

import pytest

from thplab.sweeps import SerialExecutor, fairness_sweep

HERE = SerialExecutor()


def test_B_waits_for_all_of_A() -> None:
    rows = fairness_sweep((8, 12, 16, 40), executor=HERE)
    assert rows.column("a_mib") == [16, 24, 32, 80]
    assert rows.column("first_pass") == [windows // 8 + 1 for windows in (8, 12, 16, 40)]
    assert rows.column("wait_s") == [10 * (windows // 8) for windows in (8, 12, 16, 40)]


def test_the_first_window_of_B_is_in_the_first_pass_if_A_leaves_budget() -> None:
    assert fairness_sweep((7,), executor=HERE)[0].first_pass == 1


def test_other_knobs() -> None:
    # 64 x 513 > 32768 > 63 x 513: 64 windows a pass, one second between.
    (row,) = fairness_sweep((128,), pages_to_scan=32768, scan_sleep_millisecs=1000, executor=HERE)
    assert (row.first_pass, row.wait_s) == (3, 2)


def test_what_B_needs_does_not_matter() -> None:
    small, large = (fairness_sweep((16,), b_windows=size, executor=HERE)[0] for size in (1, 8))
    assert small.wait_s == large.wait_s == 20


def test_a_process_without_windows_is_refused() -> None:
    with pytest.raises(ValueError, match="sizes: 0 is not accepted; allowed: an integer from 1"):
        fairness_sweep((0,))
