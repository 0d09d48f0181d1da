"""Measures of fragmentation: the kernel's own numbers from the kernel's own free lists."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from thplab.mm.include.mmzone import Zone
from thplab.mm.vmstat import extfrag_for_order, fragmentation_index, unusable_free_index

LANES = Path(__file__).parent.parent / "data" / "captures" / "lanes"


def zone(lists) -> Zone:
    """A zone with so many free blocks of each order."""
    made = Zone("Normal", 0, 0, 1 << 20, 10, 0)
    for order, count in enumerate(lists):
        made.nr_free[order] = count
    return made


def rows():
    for kernel in ("6.12", "6.1"):
        with gzip.open(LANES / f"lanes-{kernel}.jsonl.gz", "rt") as file:
            for row in map(json.loads, file):
                for when in ("before", "after"):
                    for name, lists in row[when]["buddy"].items():
                        yield name, lists, row[when]


def as_printed(index: int) -> str:
    """%2d.%03d, as debugfs prints an index."""
    return f"{'-' if index < 0 else ''}{abs(index) // 1000}.{abs(index) % 1000:03d}"


def test_indices_of_all_recorded_machines():
    """extfrag_index, unusable_index and the score, for every order, zone and lane of two kernels.

    The lists and the indices were read one after the other; in a few rows a page came or went between.
    """
    checked = differ = 0
    for name, lists, state in rows():
        ours = zone(lists)
        for order in range(11):
            index, unusable = fragmentation_index(ours, order), unusable_free_index(ours, order)
            real = state["extfrag_index"][name][order], state["unusable_index"][name][order]
            checked += 1
            differ += (as_printed(index), as_printed(unusable)) != real
        assert extfrag_for_order(ours, 9) == state["zone_score"][name]
    assert checked > 3000
    assert differ <= 10


def test_the_line_of_the_course():
    """A real Normal zone: 70 665 free pages, 53 248 of them in blocks of order 9 and 10, score 24."""
    ours = zone([733, 258, 84, 31, 84, 47, 21, 13, 38, 24, 40])
    pages = sum(count << order for order, count in enumerate(ours.nr_free))
    assert pages == 70_665
    assert 24 * 512 + 40 * 1024 == 53_248
    assert extfrag_for_order(ours, 9) == 100 * (70_665 - 53_248) // 70_665 == 24
    assert fragmentation_index(ours, 9) == -1000


@pytest.mark.parametrize(
    ("lists", "order", "index", "unusable"),
    [
        ([1000], 9, 998, 1000),  # the reference's example
        ([0] * 11, 9, 0, 1000),  # nothing is free
        ([0, 0, 0, 5], 9, 1000 - (1000 + 1000 * 40 // 512) // 5, 1000),
        ([40], 9, 1000 - (1000 + 78) // 40, 1000),
        ([3, 0, 0, 0, 0, 0, 0, 0, 0, 1], 9, -1000, 1000 * 3 // 515),
    ],
)
def test_by_hand(lists, order, index, unusable):
    ours = zone(lists)
    assert fragmentation_index(ours, order) == index
    assert unusable_free_index(ours, order) == unusable
