"""Facts of a run, read from its recording, and the tables made of them."""

from __future__ import annotations

import pytest

from thplab.lessons.runs.chain import registration_table
from thplab.lessons.runs.compare import free_table, phases
from thplab.lessons.widgets.buttons import jumps
from thplab.reading.facts import (
    call_of,
    counter,
    free_frames,
    locks_held,
    rss_pages,
    span,
    trace_field,
    window_frames,
)
from thplab.recording import Recording, record_scenario
from thplab.stage import Stage
from thplab.table import Table


@pytest.fixture(scope="module")
def note() -> Recording:
    return record_scenario("note", depth="functions")


def test_calls_and_returns(note: Recording) -> None:
    begin, end = span(note, "collapse_huge_page")
    assert note.moment(begin).kind == "call"
    assert note.moment(end).kind == "return"
    assert begin < call_of(note, "__collapse_huge_page_isolate") < end
    assert call_of(note, "scan_pmd", 2) > end
    with pytest.raises(LookupError, match="is not entered 1 times"):
        call_of(note, "no_such_function")
    with pytest.raises(LookupError, match="is not entered 9999 times"):
        call_of(note, "scan_pmd", 9999)


def test_free_frames_are_what_the_kernel_counts(note: Recording) -> None:
    for moment in (0, call_of(note, "__collapse_huge_page_isolate"), len(note) - 1):
        assert free_frames(note, moment) == counter(note, moment, "nr_free_pages")
    with pytest.raises(LookupError, match="no counter 'nr_fre'"):
        counter(note, 0, "nr_fre")


def test_locks_and_use_of_memory(note: Recording) -> None:
    assert locks_held(note, call_of(note, "__folio_alloc")) == ()
    assert "mmap_lock app for reading" in locks_held(note, call_of(note, "scan_pmd"))
    assert rss_pages(note, 0) == rss_pages(note, len(note) - 1) == 512


def test_window_frames_move_and_become_contiguous(note: Recording) -> None:
    before, after = window_frames(note, 0), window_frames(note, len(note) - 1)
    assert len(before) == len(after) == 512
    assert set(before).isdisjoint(after)
    assert after == tuple(range(after[0], after[0] + 512))


def test_trace_fields(note: Recording) -> None:
    assert trace_field(note, "mm_khugepaged_scan_pmd", "referenced") == "512"
    with pytest.raises(LookupError, match="no field 'colour'"):
        trace_field(note, "mm_khugepaged_scan_pmd", "colour")


def test_phases_of_a_collapse(note: Recording) -> None:
    # 6.18: alloc without a lock; mmap_lock R, then W; isolate frees nothing; copy frees 512
    table = phases(note)
    assert [each[0] for each in table.column("phase")] == list("l12234567")
    assert table.column("free frames") == ("+0", "-512", "+0", "+0", "+0", "+0", "+0", "+512", "+0")
    locks = table.column("locks held at its start")
    assert locks[1] == "none"
    modes = [("reading" in each, "writing" in each) for each in locks]
    assert modes == [(True, False), (False, False), (True, False)] + [(False, True)] * 6
    assert table.column("isolated pages") == ("+0", "+0", "+0", "+0", "+0", "+512", "+0", "-512", "+0")
    assert [row[3] for row in free_table(note).rows] == ["0", "512", "0"]


def test_thread_and_registration_are_two_things() -> None:
    table = registration_table()
    assert table.column("windows scanned") == ("1", "0", "0", "0")
    assert table.column("huge pages made") == ("1", "0", "0", "0")
    assert table.column("thread khugepaged runs") == ("yes", "yes", "yes", "no")


def test_a_table_as_text_and_as_html() -> None:
    table = Table.of(["name", "n"], [("a <b>", 1), ("c", 20)], "Read it.")
    assert str(table).splitlines() == ["name   n", "-----  --", "a <b>  1", "c      20", "", "Read it."]
    html = table._repr_html_()
    assert "a &lt;b&gt;" in html
    assert html.count('scope="row"') == 2
    assert html.count('scope="col"') == 2
    assert "<caption" in html
    with pytest.raises(ValueError, match="not in tuple"):
        table.column("gone")


def test_buttons_send_a_stage_to_its_moments(note: Recording) -> None:
    stage = Stage(note)
    row = jumps(stage, {"begin": 5, "end": 9}).children[0]
    row.children[1].click()
    assert stage.step == 9
    row.children[0].click()
    assert stage.step == 5
