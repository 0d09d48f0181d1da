"""The comparison itself: it sees every kind of difference, and only what can be compared."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.conformance.captures import Row, rows
from tests.conformance.compare import differences
from thplab.kernels import ScanResult
from thplab.mm.khugepaged import scan as khugepaged
from thplab.scenario import Scenario, run_scenario


def row(name: str) -> Row:
    return next(each for each in rows("named") if each.name == name)


def run(name: str) -> dict[str, Any]:
    return run_scenario(Scenario.from_data(row(name).scenario))


def changed(name: str, *path: Any, to: Any) -> list[str]:
    seen = copy.deepcopy(run(name))
    at: Any = seen
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = to
    return differences(row(name), seen)


EVENT = ("steps", 0, "wakeups", 0, "events")


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("before", "a", "windows", 0), ".99 p413"),
        (("before", "a", "rss_pages"), 413),
        (("before", "a", "vmas", 0, "pages"), 511),
        (("before", "a", "vmas", 0, "flags"), ["wr"]),
        (("after", "a", "windows", 0), "p512"),
        (("after", "a", "huge", 0), False),
        (("after", "a", "anon_huge_kb"), 0),
        ((*EVENT, 0, "referenced"), 411),
        ((*EVENT, 1, "isolated"), 0),
        ((*EVENT, 2, "status"), "failed"),
        ((*EVENT, 2, "window"), 1),
        (("steps", 0, "wakeups", 0, "daemon_runs"), False),
        (("verify", "a"), {"bad": [7], "ok": False}),
    ],
)
def test_each_fact_counts(path: tuple[Any, ...], to: Any) -> None:
    assert changed("none-100-exactly", *path, to=to)


def test_equal_runs_have_no_difference() -> None:
    assert differences(row("none-100-exactly"), run("none-100-exactly")) == []


def test_a_missing_event_and_one_too_many_are_differences() -> None:
    for events in ([], run("none-100-exactly")["steps"][0]["wakeups"][0]["events"] * 2):
        assert changed("none-100-exactly", *EVENT, to=events)


def test_errno_and_touched_state_count() -> None:
    assert changed("pin-collapse", "steps", 0, "calls", 0, "errno", to="EBUSY")
    assert changed("fault-short-vma", "steps", 0, "touches", 0, "state", to="H512")


def test_machine_wide_numbers_do_not_count() -> None:
    assert not changed("none-100-exactly", "steps", 0, "wakeups", 0, "full_scans", to=5)


def test_budget_rows_end_with_the_first_lap() -> None:
    name = "budget-4096-cold-12-windows"
    seen = run(name)
    wakeups = seen["steps"][0]["wakeups"]
    assert any(wakeup["full_scans"] for wakeup in wakeups)
    assert differences(row(name), seen) == []
    wakeups[0]["events"].pop()
    assert differences(row(name), seen)


def test_a_wrong_rule_of_the_model_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    def always_yes(*_: object) -> ScanResult:
        return ScanResult.SUCCEED

    monkeypatch.setattr(khugepaged, "_verdict_of_a_whole_scan", always_yes)
    assert differences(row("young-none"), run("young-none"))
