"""Verdicts: what khugepaged says to windows that are painted at random, and how often."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from thplab.scenario import ScenarioRun
from thplab.scenario.build import experiment
from thplab.scenario.observe import SCANNED
from thplab.sweeps.arguments import check_kernel, number
from thplab.sweeps.rows import Rows
from thplab.sweeps.run import sweep

_WINDOW = 512
_BATCH = 8

#: Kind of page -> how often a run of pages is of it.
_KINDS = {"young": 40, "none": 30, "old": 12, "swap": 5, "shared": 6, "zero": 3, "lazyfree": 3, "pinned": 1}
_MOST_RUNS = 4
#: Some hours.
_MOST_WINDOWS = 100_000


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """``verdict``, in the words of the trace event, came out of ``windows`` windows."""

    verdict: str
    windows: int
    seed: int


@dataclass(frozen=True, slots=True)
class _Point:
    texts: tuple[str, ...]
    settings: tuple[tuple[str, Any], ...]
    kernel: str


def verdict_sweep(
    windows: int = 200,
    *,
    kernel: str = "6.18",
    seed: int = 1,
    executor: Executor | None = None,
    **settings: Any,
) -> Rows[VerdictRow]:
    """A row for each verdict that came out, the most frequent first.

    ``settings``: as in a scenario, e.g. ``max_ptes_none=0``. Raises ScenarioError for one that there is not,
    ValueError for a number of windows that there cannot be.
    """
    check_kernel(kernel, seed)
    number("windows", windows, 1, _MOST_WINDOWS)
    draw = random.Random(seed)
    texts = [random_window(draw) for _ in range(windows)]
    batches = [tuple(texts[n : n + _BATCH]) for n in range(0, windows, _BATCH)]
    points = [_Point(batch, tuple(settings.items()), kernel) for batch in batches]
    counts = Counter(sweep(_verdicts, points, executor=executor, title="verdicts"))
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return Rows(VerdictRow(verdict, count, seed) for verdict, count in ranked)


def random_window(draw: random.Random) -> str:
    """One to four runs of pages, each of a kind drawn by its weight: ``"300x young, 212x none"``."""
    cuts = sorted(draw.sample(range(1, _WINDOW), draw.randrange(_MOST_RUNS)))
    lengths = [b - a for a, b in zip([0, *cuts], [*cuts, _WINDOW], strict=True)]
    kinds = draw.choices(list(_KINDS), weights=list(_KINDS.values()), k=len(lengths))
    return ", ".join(f"{length}x {kind}" for length, kind in zip(lengths, kinds, strict=True))


def _verdicts(point: _Point) -> Sequence[str]:
    run = ScenarioRun(experiment(*point.texts, **dict(point.settings)), point.kernel)
    step = run.step(run.scenario.steps[0])
    events = [event for event in step["wakeups"][0]["events"] if event["ev"] == SCANNED]
    return [event["status"] for event in events]
