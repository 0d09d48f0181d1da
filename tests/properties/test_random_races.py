"""Random runs with shared memory and intruders: the machine stays whole whoever acts when."""

from __future__ import annotations

from tests.properties.races import RandomRaces, RandomRacesOf512
from tests.sampling import draws, run_drawn


@draws(25)
def test_small_tables(examples):
    """Do all rules hold after any sequence, whoever acts in the gaps?"""
    run_drawn(RandomRaces, examples, 40)


def test_tables_of_512():
    """And with the tables of x86-64?"""
    run_drawn(RandomRacesOf512, 6, 15)
