"""Why khugepaged exists: nine reasons, each run at the fault and later."""

from __future__ import annotations

from functools import cache

from thplab.experiments.why import CASES, CaseResult, run_case
from thplab.table import Table

_WORDS = {True: "huge", False: "small", None: "not modelled"}


@cache
def case_result(number: int, kernel: str = "6.18") -> CaseResult:
    """Case ``number``, run once. ValueError if there is none."""
    return run_case(number, kernel)


def cases_table(kernel: str = "6.18") -> Table:
    """Nine reasons why a fault makes no huge page, and what one pass of khugepaged makes of it later."""
    rows = []
    for case in CASES:
        seen = case_result(case.number, kernel)
        rows.append((case.number, case.reason, _WORDS[seen.at_fault], _WORDS[seen.later]))
    heads = ("", "reason", "the fault maps", "after a pass of khugepaged")
    return Table.of(heads, rows, "Each row with a result is a run of its own.")
