"""Random windows; for those of the plainest kinds the verdict is worked out here from the rules."""

from __future__ import annotations

import random
import re

import pytest

from thplab.scenario import ScenarioError
from thplab.sweeps import SerialExecutor, verdict_sweep
from thplab.sweeps.verdicts import _Point, _verdicts, random_window

HERE = SerialExecutor()
PLAIN = {"young", "old", "none", "zero"}


def kinds_of(text: str) -> list[str]:
    return [kind for length, kind in re.findall(r"(\d+)x (\w+)", text) for _ in range(int(length))]


def expected(text: str, max_ptes_none: int) -> str:
    kinds = kinds_of(text)
    if set(kinds) == {"none"}:
        return "pmd_none"
    if sum(kind in ("none", "zero") for kind in kinds) > max_ptes_none:
        return "exceed_none_pte"
    return "succeeded" if "young" in kinds else "lack_referenced_page"


@pytest.mark.parametrize("limit", [511, 200])
def test_plain_windows_by_the_rules(limit: int) -> None:
    draw = random.Random(7)
    texts = [text for text in (random_window(draw) for _ in range(60)) if set(kinds_of(text)) <= PLAIN][:14]
    texts += ["512x young", "512x old"]
    found = _verdicts(_Point(tuple(texts), (("max_ptes_none", limit),), "6.18"))
    assert found == [expected(text, limit) for text in texts]
    assert {"succeeded", "lack_referenced_page"} <= set(found)


def test_windows_are_whole_and_seeded() -> None:
    texts = [random_window(random.Random(seed)) for seed in range(50)]
    assert all(len(kinds_of(text)) == 512 for text in texts)
    assert len(set(texts)) > 30  # a few are all of one kind
    assert random_window(random.Random(3)) == texts[3]


def test_every_window_gets_one_verdict_and_the_most_frequent_comes_first() -> None:
    rows = verdict_sweep(20, seed=2, executor=HERE)
    assert sum(rows.column("windows")) == 20
    assert rows.column("windows") == sorted(rows.column("windows"), reverse=True)
    assert rows == verdict_sweep(20, seed=2, executor=HERE)


def test_a_setting_that_there_is_not() -> None:
    with pytest.raises(ScenarioError, match="max_ptes_nun"):
        verdict_sweep(1, max_ptes_nun=1, executor=HERE)
