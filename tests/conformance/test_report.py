"""What is generated in docs is up to date, and every fact in it is shown by what it names."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from tests.conformance.lanes.rows import KERNELS, lane_rows
from thplab.kernels import PROFILES, Profile
from thplab.kernels.profile import FACTS
from thplab.scenario import run_scenario, scenario
from tools.report import DOCS, conformance_table, differing_facts, kernels_page, ordered, with_table

HINT = "run: python -m tools.report"


def test_kernels_page_is_up_to_date() -> None:
    assert (DOCS / "kernels.md").read_text() == kernels_page(), HINT


def test_conformance_table_is_up_to_date() -> None:
    page = (DOCS / "fidelity.md").read_text()
    assert conformance_table() in page, HINT
    assert with_table(page) == page, HINT


def test_every_fact_that_differs_is_explained() -> None:
    assert set(differing_facts()) <= set(FACTS)
    assert set(FACTS) <= {field.name for field in fields(Profile)}


@pytest.mark.parametrize("name", [name for name in FACTS if FACTS[name].recorded])
def test_the_lane_shows_the_fact(name: str) -> None:
    """What was recorded on the two kernels of the lanes differs, and so does the fact."""
    lane, what = FACTS[name].recorded
    counts = {}
    for kernel in KERNELS:
        row = next(row for row in lane_rows(kernel) if row.lane == lane)
        event = row.data["events"]["counts"].get(what, 0)
        counts[kernel] = {event} if what.startswith("mm_") else row.counted(what)
    assert counts["6.12"] != counts["6.1"]
    assert getattr(PROFILES["6.12"], name) != getattr(PROFILES["6.1"], name)


def observed(name: str, profile: Profile) -> Any:
    seen = run_scenario(scenario(name), profile.name)
    return [seen["steps"], seen["after"], seen["before"]]


@pytest.mark.parametrize("name", [name for name in FACTS if FACTS[name].shown_by])
def test_the_scenario_shows_the_fact(name: str) -> None:
    """Two neighbouring kernels in which the fact differs do different things."""
    shown_by = FACTS[name].shown_by
    pairs = [
        (old, new)
        for old, new in zip(ordered(), ordered()[1:], strict=False)
        if getattr(old, name) != getattr(new, name)
    ]
    for old, new in pairs:
        assert observed(shown_by, old) != observed(shown_by, new)
