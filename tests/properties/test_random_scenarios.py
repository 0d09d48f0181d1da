"""Random scenarios on each kernel: an answer, or words about the scenario; never a failure of the model."""

from __future__ import annotations

import json
import os

import pytest

from tests.properties.random_scenarios import KERNELS, RandomScenario
from tests.sampling import SEED, draws
from thplab.limits import Limits
from thplab.scenario.gaps import GAPS
from thplab.scenario.predict import predict_line
from thplab.scenario.spec import INTRUDER_OPS, OPS

FEW = Limits(steps=20_000, memory=128)


def drawn(number: int) -> str:
    """One in four is wild."""
    return json.dumps(RandomScenario(f"{os.environ[SEED]} {number}", wild=number % 4 == 0).data())


@draws(24)
def test_a_kernel_answers_or_says_why_not(examples: int) -> None:
    answered = 0
    for number in range(examples):
        line, kernel = drawn(number), KERNELS[number % len(KERNELS)]
        answer = predict_line(line, kernel, FEW)
        told = f"{kernel}: {line}"
        assert "model failed" not in answer.get("error", ""), f"{answer['error']}\n{told}"
        if "verify" in answer:
            answered += 1
            assert all(each["ok"] for each in answer["verify"].values()), told
    assert answered > examples // 8  # a generator of errors would prove nothing


def test_the_draws_have_all_that_was_left_out_before() -> None:
    text = "".join(drawn(number) for number in range(600))
    for key in ("intruders", "budget", "machine", "setup_settings", "entries", "memory_pages", "swap_pages"):
        assert f'"{key}": ' in text, key
    for gap in GAPS:
        assert f'"at": "{gap}"' in text, gap
    for op in (*OPS, *INTRUDER_OPS):
        assert f'"op": "{op}"' in text, op


@pytest.mark.parametrize("number", range(3))
def test_the_same_seed_draws_the_same(number: int) -> None:
    assert drawn(number) == drawn(number)
    assert drawn(number) != drawn(number + 1)
