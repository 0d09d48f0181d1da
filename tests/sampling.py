"""Too long for every run: a sample is drawn by a seed that is printed; make test-long runs all of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from random import Random, SystemRandom
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

__all__ = ["SEED", "check_drawn", "choose_seed", "draws", "run_drawn", "sample", "some"]

#: The variable of the environment that holds the seed: the same in all processes of a run.
SEED = "THPLAB_SEED"

T = TypeVar("T")


def choose_seed() -> None:
    """Take the seed that is given, or any."""
    os.environ.setdefault(SEED, str(SystemRandom().randrange(1_000_000)))


def sample(items: Sequence[T], count: int) -> list[T]:
    """So many of the items, or all if there are no more."""
    return Random(int(os.environ[SEED])).sample(items, min(count, len(items)))


def some(items: Sequence[Any], count: int) -> list[Any]:
    """Parameters of a test: so many in each run, the others in make test-long only."""
    drawn = sample(range(len(items)), count)
    return [
        item if number in drawn else
        pytest.param(*(item if isinstance(item, tuple) else (item,)), marks=pytest.mark.long)
        for number, item in enumerate(items)
    ]  # fmt: skip


def draws(few: int) -> pytest.MarkDecorator:
    """A test that takes its number of draws as ``examples``: a few in each run, 10 000 in make test-long."""
    return pytest.mark.parametrize("examples", [few, pytest.param(10_000, marks=pytest.mark.long)])


def _how(examples: int, **more: Any) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        **more,
    )


def check_drawn(holds: Callable[[], None], examples: int) -> None:
    """Call a function under ``@given`` with so many draws."""
    _how(examples)(seed(int(os.environ[SEED]))(holds))()


def run_drawn(machine: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    """Run a state machine so often, with so many steps each."""

    class Drawn(machine):  # type: ignore[misc, valid-type]
        """A class of its own, so that the seed is this one's."""

    run_state_machine_as_test(
        seed(int(os.environ[SEED]))(Drawn), settings=_how(examples, stateful_step_count=steps)
    )
