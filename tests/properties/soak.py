"""Random runs for some minutes: ``python -m tests.properties.soak [MINUTES]``, or ``make soak``.

Each round draws new runs; a violation ends it with the shortest run that hypothesis finds for it.
"""

from __future__ import annotations

import sys
import time

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.test_random_runs import RandomRun, RandomRunOf512

__all__ = ["soak"]


def soak(minutes: float) -> int:
    """Run until the time is over; how many operations were done without a violation."""
    end = time.monotonic() + minutes * 60
    rounds = 0
    while time.monotonic() < end:
        # Most rounds with small tables, where more happens in the same time.
        machine, examples = (RandomRunOf512, 4) if rounds % 8 == 7 else (RandomRun, 40)
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=60,
                deadline=None,
                database=None,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            ),
        )
        rounds += 1
        print(f"round {rounds}: {RandomRun.operations} operations, no violation", flush=True)
    return RandomRun.operations


if __name__ == "__main__":
    soak(float(sys.argv[1]) if len(sys.argv) > 1 else 2)
