"""The text twin: what it says. tests/browser holds the browser's twin against it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from thplab.reading.glyphs import views
from thplab.reading.text import moment_text, window_keys, window_text
from thplab.recording import Recording, record_scenario

SECTIONS = [f"{view['title']}:" for view in views()[:-1]]


def call_of(recording: Recording, function: str) -> int:
    number = recording.find_call(function)
    assert number is not None
    return number


def test_it_has_every_section(note: Recording) -> None:
    lines = moment_text(note, 100).splitlines()
    assert [line for line in lines if line in SECTIONS] == SECTIONS
    assert lines[0].startswith(f"Moment 100 of {len(note) - 1}: line, khugepaged-")


def test_the_page_on_the_stage_lists_the_views_in_their_order() -> None:
    text = (Path(__file__).parents[2] / "docs" / "stage.md").read_text("utf-8")
    row = re.search(r"^\| `views` \| open views: (.*?); or", text, re.MULTILINE)
    assert row
    assert re.findall(r"`(\w+)`", row[1]) == [view["name"] for view in views()]


def test_before_the_first_moment(note: Recording) -> None:
    text = moment_text(note, 0)
    assert "Before the first step." in text
    assert "points at this table\n512x present, in use\n" in text
    assert "No kernel function is running." in text
    assert "No lock is held: anything may happen." in text


def test_at_the_end_the_window_is_a_leaf(note: Recording) -> None:
    text = moment_text(note, len(note) - 1)
    assert "is a leaf: one huge page\n512x mapped by one huge page\n" in text
    assert "khugepaged/pages_collapsed 1 window (+1)" in text
    assert "mm_collapse_huge_page: " in text


def test_while_isolating_nobody_reaches_the_table(note: Recording) -> None:
    step = call_of(note, "__collapse_huge_page_isolate") + 5000
    text = moment_text(note, step)
    keys = window_keys(note, step)
    cursor = keys.index("young")
    assert keys == ["locked"] * cursor + ["young"] * (512 - cursor)
    assert "PMD[12] none: nobody reaches this table now" in text
    assert f"Looking at entry {cursor}" in text or f"Looking at entry {cursor - 1}" in text
    assert f"write page lock of {cursor} pages of the window" in text
    assert "of this window's PTE table by khugepaged" in text
    assert "write mmap_lock app by khugepaged" in text


def test_the_stack_has_gdbs_shape_and_the_kernels_names(refused: Recording) -> None:
    step = call_of(refused, "scan_pmd")
    stack = moment_text(refused, step).split("Call stack:\n")[1].split("\n\n")[0].splitlines()
    assert stack[0].startswith("#0  hpage_collapse_scan_pmd (mm=0x")
    assert "=140576452247552" in stack[0]
    assert stack[0].endswith(f" at thplab/mm/khugepaged/scan.py:{refused.moment(step).line}")


def test_a_refusal_stands_on_the_entry_that_decided(refused: Recording) -> None:
    printed = refused.find("event", 0)
    assert printed is not None
    text = moment_text(refused, printed)
    assert "Looking at entry 511: empty" in text
    assert "none_or_zero = 412" in text
    assert window_text(refused, printed) == "100x present, in use; 412x empty"


def test_a_sentence_holds_until_the_next_one(note: Recording) -> None:
    call = call_of(note, "__collapse_huge_page_copy_succeeded")
    said = moment_text(note, call).splitlines()[1]
    assert said.startswith("All 512 places of the new block are filled")
    assert note.moment(call + 1).sentence == ""
    assert moment_text(note, call + 1).splitlines()[1] == said
    following = next(n for n in range(call + 1, len(note)) if note.moment(n).sentence)
    assert moment_text(note, following).splitlines()[1] == note.moment(following).sentence != said


def test_small_tables(small: Recording) -> None:
    keys = window_keys(small, len(small) - 1)
    assert keys == ["young"] * 10 + ["none"] * 2 + ["zero"] * 2 + ["none"] * 2


def test_a_recording_without_lines(events: Recording) -> None:
    assert "app runs now." in moment_text(events, 1)
    assert "No task runs now." in moment_text(events, 2)
    text = moment_text(events, events.find("event", 0) or 0)
    assert "This recording has no source lines" in text
    assert "Prints mm_collapse_huge_page_isolate." in text


def test_outside_the_recording(note: Recording) -> None:
    with pytest.raises(IndexError, match="this recording has moments 0 to"):
        moment_text(note, len(note))


def test_a_clock_stands_only_where_time_has_passed(note: Recording) -> None:
    assert moment_text(note, 100).splitlines()[0].endswith(", no clock")
    naps = record_scenario("S06.naps", depth="events")
    assert moment_text(naps, len(naps) - 1).splitlines()[0].endswith(" s")
