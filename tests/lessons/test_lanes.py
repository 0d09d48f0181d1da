"""Lanes with recordings."""

from __future__ import annotations

from thplab.lessons.runs.lanes import run_lanes
from thplab.reading.facts import window_frames


def test_a_recording_and_a_row_for_each_lane():
    """Is the table read from the runs, and does each recording end where the run ended?"""
    table = run_lanes(("A", "B"))
    assert list(table.recordings) == ["A", "B"]
    assert [row[0] for row in table.rows()] == ["A", "B"]
    assert table.rows()[1][2:] == ("a huge page", "128", "0", "P", "P")
    names = [line["event"] for line in table.recordings["B"].header["trace"]]
    assert "mm_compaction_try_to_compact_pages" in names
    assert table.table().column("lane") == ("A", "B")
    assert str(table).startswith("lane  who")
    # The stage opens on the window of the process under test.
    assert window_frames(table.recordings["B"], len(table.recordings["B"]) - 1)
