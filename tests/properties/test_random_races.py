"""Random runs with shared memory and intruders: the machine stays whole whoever acts when."""

from __future__ import annotations

from tests.properties.races import RandomRaces, RandomRacesOf512
from tests.properties.test_random_runs import run


def test_small_tables():
    """Do all rules hold after any sequence, whoever acts in the gaps?"""
    run(RandomRaces, 80, 40)


def test_tables_of_512():
    """And with the tables of x86-64?"""
    run(RandomRacesOf512, 6, 15)
