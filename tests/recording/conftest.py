"""Recordings that several tests look at; made once."""

from __future__ import annotations

import pytest

from thplab.recording import Recording, record_scenario


@pytest.fixture(scope="session")
def note() -> Recording:
    """The note's collapse at line depth."""
    return record_scenario("note")


@pytest.fixture(scope="session")
def calls() -> Recording:
    """The note's collapse, functions only."""
    return record_scenario("note", depth="functions")


@pytest.fixture(scope="session")
def refused() -> Recording:
    """A window that is refused at its entry 511."""
    return record_scenario("S07.none_411")
