"""The picture of a window in numbers, against what is known of the scenario."""

from __future__ import annotations

import pytest

from thplab.reading.scene import scene_lines
from thplab.reading.text import TextTwin
from thplab.recording import Recording, record_scenario
from thplab.scenario.build import experiment


def lines_at(made: Recording, kind: str, entry: int = -1) -> list[str]:
    """The lines when a sentence of this kind (and about this entry) is told first."""
    told = (made.told_as(n) for n in range(len(made.sections["t_moment"])))
    first = next(each for each in told if each.kind == kind and (entry < 0 or each.values["entry"] == entry))
    return scene_lines(TextTwin(made).moment(first.moment))


@pytest.fixture(scope="module")
def holes() -> Recording:
    """100 pages in use, then 412 holes, of which 411 are allowed."""
    return record_scenario("S07.none_411")


def test_nothing_is_read_when_the_table_is_found(holes: Recording) -> None:
    _, counts, decision = lines_at(holes, "reads")
    assert counts == (
        "0 of 512 entries read: 0 empty (at most 411), 0 swapped out (at most 64), 0 shared (at most 256), "
        "0 used lately (at least 1)"
    )
    assert decision == "no veto so far"


def test_the_last_entry_is_one_too_many(holes: Recording) -> None:
    _, counts, entry, decision = lines_at(holes, "exceed_none_pte")
    assert counts.startswith("512 of 512 entries read: 412 empty (at most 411)")
    assert counts.endswith("100 used lately (at least 1)")
    assert entry.startswith("entry 511, empty: not in swap? yes; not empty? no; unwatched? unasked;")
    assert decision == "refused at: not empty?"


def test_a_hole_that_is_allowed_is_only_counted(holes: Recording) -> None:
    _, counts, entry, decision = lines_at(holes, "entry_empty", 300)
    assert counts.startswith("301 of 512 entries read: 201 empty")
    assert "not empty? counted; unwatched? unasked" in entry
    assert decision == "no veto so far"


def test_a_pinned_page_leaves_the_loop_near_its_end() -> None:
    small = experiment("2x young, 1x pinned, 5x none", machine={"entries": 8})
    _, counts, entry, decision = lines_at(record_scenario(small), "not_suitable_page_count")
    assert counts.startswith("3 of 8 entries read: 0 empty")
    assert entry.endswith("unlocked? yes; not pinned? no; used lately? unasked")
    assert decision == "refused at: not pinned?"


@pytest.mark.parametrize(("kernel", "asks"), [("6.12", 9), ("7.3", 10)])
def test_only_the_last_kernel_asks_for_pages_that_were_given_up(kernel: str, asks: int) -> None:
    small = experiment("3x young, 5x none", machine={"entries": 8})
    _, _, entry, _ = lines_at(record_scenario(small, kernel), "entry_used", 1)
    assert entry.count("?") == asks
    assert ("not freed?" in entry) == (kernel == "7.3")


def test_half_of_the_window_where_an_entry_is_swapped_out() -> None:
    small = experiment("1x swap, 3x young, 4x old", machine={"entries": 8}, max_ptes_swap=1)
    _, counts, decision = lines_at(record_scenario(small), "lack_referenced_page_swap")
    assert counts.endswith("3 used lately (at least 4)")
    assert decision == "refused at: enough used lately?"


def test_no_limit_binds_the_process_itself() -> None:
    small = experiment("3x young, 5x none", machine={"entries": 8}, then="collapse", max_ptes_none=0)
    made = record_scenario(small)
    where, counts, decision = lines_at(made, "accepted_unbound")
    assert where == "process a > window 0"
    assert counts.startswith("8 of 8 entries read: 5 empty (no limit)")
    assert counts.endswith("used lately (not asked)")
    assert decision == "accepted"
    assert lines_at(made, "scan_done")[-1] == "accepted, and the collapse ended with 'succeeded'"


def test_a_window_that_is_huge_has_no_table_to_read() -> None:
    small = experiment("8x huge", "1x young, 7x none", machine={"entries": 8})
    _, counts, decision = lines_at(record_scenario(small), "page_pmd_mapped")
    assert counts.startswith("0 of 8 entries read")
    assert decision == "no table to read"


def test_the_picture_follows_the_window() -> None:
    small = experiment("8x young", "2x young, 6x none", machine={"entries": 8}, max_ptes_none=5)
    made = record_scenario(small)
    where, counts, *_ = lines_at(made, "exceed_none_pte")
    assert where == "khugepaged > pass > process a > window 1"
    assert counts.startswith("8 of 8 entries read: 6 empty (at most 5)")
