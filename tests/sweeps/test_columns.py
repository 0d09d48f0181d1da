"""numpy looks at the model's own memory."""

from __future__ import annotations

import numpy as np
import pytest

from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, table, written
from thplab.sweeps.columns import column_view, huge_windows


def test_the_memory_is_shared() -> None:
    process = written(pages=100)
    entries = table(process)
    view = column_view(entries)
    assert view.dtype == np.uint64
    assert view.__array_interface__["data"][0] == entries.buffer_info()[0]
    assert np.count_nonzero(view) == 100
    process.write(ADDRESS + 100 * PAGE, 1)
    assert np.count_nonzero(view) == 101  # the same view


@pytest.mark.parametrize("name", ["flags", "refcount", "contents"])
def test_columns_of_every_width(name: str) -> None:
    column = getattr(written(pages=3).mm.kernel.mem_map, name)
    view = column_view(column)
    assert view.itemsize == column.itemsize
    assert view.tolist() == list(column)


def test_nobody_writes_through_it() -> None:
    view = column_view(table(written()))
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1


def test_huge_windows_over_the_border_of_a_pmd_table() -> None:
    region = (1 << 30) - 2 * WINDOW  # two windows below a border of 1 GiB
    process = app(1, memory_pages=8192)
    process.mmap(region, 4 * WINDOW)
    assert huge_windows(process, region, 4).tolist() == [False] * 4  # no tables yet
    for number in (1, 2):
        process.madvise(region + number * WINDOW, WINDOW, "hugepage")
        process.write(region + number * WINDOW, 1)
    assert huge_windows(process, region, 4).tolist() == [False, True, True, False]
