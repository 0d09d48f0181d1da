"""The nine cases: the fault gets base pages, khugepaged makes the window huge."""

from __future__ import annotations

import pytest

from thplab.experiments.why import CASES, run_case


@pytest.mark.parametrize("number", range(1, 9))
def test_small_at_the_fault_and_huge_later(number):
    """Does the fault fall back for each reason, and does the daemon put it right?"""
    result = run_case(number)
    assert (result.at_fault, result.later) == (False, True)


def test_the_ninth_needs_more_than_one_node():
    assert (run_case(9).at_fault, run_case(9).later) == (None, None)
    assert [case.number for case in CASES] == list(range(1, 10))


def test_no_such_case():
    with pytest.raises(ValueError, match="there are 1 to 9"):
        run_case(10)
