"""make soak: random runs for some minutes; prints what was done, and stops at the first violation.

python -m tests.properties.soak [MINUTES] [--seed N] [--shrink]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from random import SystemRandom
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.properties.races import RandomRaces, RandomRacesOf512
from tests.properties.random_run import RandomRun

__all__ = ["main"]

#: Runs between two looks at the clock, and operations in a run.
_RUNS, _STEPS = 20, 50


class Soak(RandomRaces):
    """Random runs that count."""

    runs = 0
    statuses: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        Soak.runs += 1

    def teardown(self) -> None:
        """What the collapses of this run came to."""
        super().teardown()
        for event in self.machine.trace if hasattr(self, "machine") else ():
            fields = dict(event.fields)
            Soak.statuses[fields.get("status") or fields.get("result", event.name)] += 1


class SoakOf512(Soak, RandomRacesOf512):
    """The same with tables of 512 entries."""


def _batch(machine: type[RuleBasedStateMachine], runs: int, steps: int, number: int, shrink: bool) -> None:
    how = settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )

    class Batch(machine):  # type: ignore[misc,valid-type]
        """A class of its own, so that the seed is this batch's."""

    run_state_machine_as_test(seed(number)(Batch), settings=how)


def main(arguments: list[str]) -> int:
    """Run for the given minutes; 0, or the violation with the operations that lead to it."""
    parser = argparse.ArgumentParser(prog="make soak", description="Random runs until time is up.")
    parser.add_argument("minutes", type=float, nargs="?", default=2.0)
    parser.add_argument("--seed", type=int, default=SystemRandom().getrandbits(32))
    parser.add_argument(
        "--shrink", action="store_true", help="look for the shortest run that fails: takes minutes"
    )
    given = parser.parse_args(arguments)
    begin = time.monotonic()
    print(f"seed {given.seed}, {given.minutes:g} minutes", flush=True)
    batch = 0
    while time.monotonic() < begin + given.minutes * 60:
        if batch % 20 == 19:
            _batch(SoakOf512, 2, 15, given.seed + batch, given.shrink)
        else:
            _batch(Soak, _RUNS, _STEPS, given.seed + batch, given.shrink)
        batch += 1
    seconds = time.monotonic() - begin
    print(f"{RandomRun.operations} operations in {Soak.runs} runs, {seconds:.0f} s: no violation")
    print("intruders:", ", ".join(f"{what} {count}" for what, count in sorted(RandomRaces.told.items())))
    print("statuses:", ", ".join(f"{status} {count}" for status, count in Soak.statuses.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
