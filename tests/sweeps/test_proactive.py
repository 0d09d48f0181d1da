"""The comb: 3072 free pages, none in a block; each block that is made takes 512 of them and 128 copies.

So after k blocks 100 * (3072 - 512 k) / 3072 per cent of the free memory is useless; kcompactd starts
above the high mark and stops at the low one.
"""

from __future__ import annotations

import pytest

from thplab.sweeps import SerialExecutor, proactiveness_sweep

HERE = SerialExecutor()
LADDER = [100 * (3072 - 512 * blocks) // 3072 for blocks in range(7)]


def test_the_ladder() -> None:
    assert LADDER == [100, 83, 66, 50, 33, 16, 0]


@pytest.mark.parametrize("value", [11, 12, 20, 60, 100])
def test_N15_it_starts_above_the_high_mark_and_stops_at_the_low_one(value: int) -> None:
    low = 100 - value
    high = min(low + min(10, low // 2), 100)
    (row,) = proactiveness_sweep((value,), executor=HERE)
    assert (row.low_mark, row.high_mark) == (low, high)
    # The node's score is the zone's, weighed by its share of the memory: a little below 100.
    assert row.score_before == 99
    blocks = next(k for k, score in enumerate(LADDER) if score <= low) if high < 99 else 0
    assert (row.blocks, row.copies) == (blocks, 128 * blocks)
    assert blocks == {11: 0, 12: 1, 20: 2, 60: 4, 100: 6}[value]


def test_one_page_that_cannot_move_spoils_its_block() -> None:
    (row,) = proactiveness_sweep((100,), pinned_blocks=(0, 1), executor=HERE)
    assert (row.blocks, row.copies) == (4, 766)


def test_no_percentage_is_refused() -> None:
    with pytest.raises(ValueError, match="values: 101 is not accepted; allowed: an integer from 0 to 100"):
        proactiveness_sweep((101,))
