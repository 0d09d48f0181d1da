"""Recordings that the stage's tests share, each made once."""

from __future__ import annotations

from typing import Any

import pytest

from thplab.recording import Recording, record_scenario
from thplab.scenario import Scenario

SMALL: dict[str, Any] = {
    "name": "small",
    "story": "Tables of 16 entries: one window whole, one with holes and zero pages.",
    "machine": {"entries": 16, "memory_pages": 512, "keeper": False, "region": 1 << 24},
    "settings": {"max_ptes_none": 4},
    "procs": [
        {
            "name": "a",
            "ops": [
                {"op": "mmap", "start": 0, "pages": 64},
                {"op": "write", "pages": [[0, 10], [16, 32]]},
                {"op": "read", "pages": [[12, 14]]},
            ],
        }
    ],
    "action": {"type": "ops", "ops": [{"op": "advise", "advice": "hugepage"}]},
}


@pytest.fixture(scope="session")
def note() -> Recording:
    return record_scenario("note")


@pytest.fixture(scope="session")
def small() -> Recording:
    return record_scenario(Scenario.from_data(SMALL))


def opening(made: Recording) -> int:
    """The moment on which a stage opens: the first, past the beginning, that tells something."""
    return made.sections["g_event"][1]


@pytest.fixture(scope="session")
def events() -> Recording:
    return record_scenario("note", depth="events")


@pytest.fixture(scope="session")
def refused() -> Recording:
    return record_scenario("S07.none_411", "6.1")
