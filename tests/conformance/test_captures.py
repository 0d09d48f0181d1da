"""The model does what real kernels were recorded doing: every row of every file, less the excluded ones.

Of a file with more than 300 rows each run takes a sample; make test-long takes all.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import takewhile

import pytest

from tests.conformance.captures import FILES, Row, rows
from tests.conformance.compare import differences
from tests.conformance.exclusions import NOT_COMPARED, UNSUPPORTED
from tests.sampling import sample, some
from thplab.kernels import PROFILES
from thplab.scenario import Scenario, Unsupported, run_scenario

#: Rows are run in batches of this many, so that several processes can share the work.
_BATCH = 30
_LONG = 300


@cache
def rows_to_run(file: str) -> tuple[Row, ...]:
    """The rows of a file, less those that an earlier file of the same kernel has word for word."""
    earlier = takewhile(lambda other: other != file, FILES)
    known = {row.name: row for other in earlier if FILES[other] == FILES[file] for row in rows(other)}
    return tuple(row for row in rows(file) if not _is_known(row, known.get(row.name)))


def _is_known(row: Row, other: Row | None) -> bool:
    return other is not None and (row.scenario, row.observed) == (other.scenario, other.observed)


REPLAYED = [file for file, kernel in FILES.items() if kernel in PROFILES]
LONG = [file for file in REPLAYED if len(rows_to_run(file)) > _LONG]
BATCHES = [
    (file, first)
    for file in REPLAYED
    if file not in LONG
    for first in range(0, len(rows_to_run(file)), _BATCH)
]
#: Of the long files each run draws rows, not batches.
LONG_BATCHES = [
    pytest.param(file, first, marks=pytest.mark.long)
    for file in LONG
    for first in range(0, len(rows_to_run(file)), _BATCH)
]


def disagreements(row: Row) -> list[str]:
    """What the model gets wrong in a row; a refusal counts as well, unless it is an expected one."""
    if row.name in NOT_COMPARED[row.kernel]:
        return []
    expected = UNSUPPORTED[row.kernel].get(row.name)
    try:
        seen = run_scenario(Scenario.from_data(row.scenario), row.kernel, before=row.observed["before"])
    except Unsupported as refused:
        return [] if expected and expected in str(refused) else [f"unsupported: {refused}"]
    return [f"expected to be unsupported: {expected}"] if expected else differences(row, seen)


def all_disagreements(chosen: Iterable[Row]) -> dict[str, list[str]]:
    found = {row.name: disagreements(row) for row in chosen}
    return {name: lines for name, lines in found.items() if lines}


@pytest.mark.parametrize(("file", "first"), [*some(BATCHES, 4), *LONG_BATCHES])
def test_recorded_runs(file: str, first: int) -> None:
    assert all_disagreements(rows_to_run(file)[first : first + _BATCH]) == {}


@pytest.mark.parametrize("file", LONG)
def test_a_sample_of_recorded_runs(file: str) -> None:
    assert all_disagreements(sample(rows_to_run(file), _BATCH)) == {}


def test_every_row_is_run_once_at_least() -> None:
    run = {(row.kernel, row.name) for file in FILES for row in rows_to_run(file)}
    assert run == {(row.kernel, row.name) for file in FILES for row in rows(file)}


@pytest.mark.parametrize("table", [NOT_COMPARED, UNSUPPORTED])
def test_exceptions_are_rows_that_exist(table: dict[str, dict[str, str]]) -> None:
    for kernel, exceptions in table.items():
        names = {row.name for file, of in FILES.items() if of == kernel for row in rows(file)}
        assert set(exceptions) <= names


def test_at_most_eight_of_the_named_rows_are_unsupported() -> None:
    named = {row.name for row in rows("named")}
    assert len(named & set(UNSUPPORTED["6.18"])) <= 8
    assert not {row.name for row in rows("random-A")} & set(UNSUPPORTED["6.18"])
