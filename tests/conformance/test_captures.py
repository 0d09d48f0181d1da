"""The model does what real kernels were recorded doing."""

from __future__ import annotations

import pytest

from tests.conformance.captures import Row, rows
from tests.conformance.compare import differences
from tests.conformance.exclusions import NOT_COMPARED
from thplab.scenario import Scenario, run_scenario

FAMILIES = ("none-", "vma-", "budget-", "cursor-")


def compared(file: str) -> list[Row]:
    return [row for row in rows(file) if row.name not in NOT_COMPARED[row.kernel]]


def disagreements(row: Row) -> list[str]:
    seen = run_scenario(Scenario.from_data(row.scenario), row.kernel, before=row.observed["before"])
    return differences(row, seen)


@pytest.mark.parametrize(
    "row",
    [row for row in compared("named") if row.name.startswith(FAMILIES)],
    ids=lambda row: row.name,
)
def test_named(row: Row) -> None:
    assert not disagreements(row)


@pytest.mark.parametrize("row", compared("budget"), ids=lambda row: row.name)
def test_budget_recorded_alone(row: Row) -> None:
    assert not disagreements(row)


def test_every_excluded_row_exists() -> None:
    names = {row.kernel: set() for file in ("named",) for row in rows(file)}
    for row in rows("named"):
        names[row.kernel].add(row.name)
    assert set(NOT_COMPARED["6.18"]) <= names["6.18"]
