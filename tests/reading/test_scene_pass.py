"""The picture of a pass in numbers."""

from __future__ import annotations

import pytest

from tests.recording.small import collapse
from thplab.reading.scenes.passes import pass_lines
from thplab.reading.text import TextTwin
from thplab.recording import Recording, record_scenario


@pytest.fixture(scope="module")
def busy() -> Recording:
    """One process is passed by in the first pass, and the other one has two windows to collapse."""
    return record_scenario("S06.busyA", depth="functions")


def _moments(made: Recording, kind: str) -> list[int]:
    told = (made.told_as(place) for place in range(len(made.sections["t_moment"])))
    return [each.moment for each in told if each.kind == kind]


def _lines(made: Recording, number: int) -> list[str]:
    return pass_lines(TextTwin(made).moment(number))


def test_before_the_first_pass_nothing_is_spent(busy: Recording) -> None:
    assert _lines(busy, 0)[1] == "no pass has begun"


def test_a_process_that_is_passed_by_costs_nothing(busy: Recording) -> None:
    """Only the visit to the process before it: 1 unit."""
    who, spent, _ = _lines(busy, _moments(busy, "passed_by")[0])
    assert who == "3 processes, the cursor is on process a"
    assert ": 1 of 4096 units spent: visits 1, mappings passed over 0, 0 windows 0" in spent


def test_at_its_end_a_pass_has_paid_for_visits_and_windows(busy: Recording) -> None:
    """Keeper once, b before each of its two windows and once more at its end: 4 visits and 2 x 512 units."""
    who, spent, so_far = _lines(busy, _moments(busy, "nap")[0])
    assert who == "3 processes, the cursor is on none"
    assert f": {4 + 2 * 512} of 4096 units spent: visits 4, mappings passed over 0, 2 windows 1024" in spent
    assert so_far.startswith("3 laps and ")


def test_mappings_that_are_passed_over_are_units_too() -> None:
    """600 mappings of one page, the last of which stands alone."""
    made = record_scenario("S06.600vmas", depth="functions", most=10**6)
    *_, last = _moments(made, "nap")
    assert "mappings passed over 600" in _lines(made, last)[1]


def test_a_budget_that_nobody_can_spend_is_unlimited() -> None:
    made = collapse(pages_to_scan=4 * 10**9, depth="functions")
    assert _lines(made, _moments(made, "nap")[0])[1].startswith(
        "pass 1, the pass is over: end of the list: 18 of unlimited units spent: "
    )


def test_a_pass_says_why_its_windows_were_refused() -> None:
    """One window has a page too few; in seven others nothing is mapped."""
    made = record_scenario("S07.none_411", depth="functions")
    *_, so_far = _lines(made, _moments(made, "nap")[-1])
    assert so_far.endswith(", refused in this pass: 1 empty, 7 all empty")
