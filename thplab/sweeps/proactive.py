"""Thresholds of proactiveness: what vm.compaction_proactiveness makes kcompactd do on the comb.

At each value kcompactd starts if the fragmentation score is above the high mark and goes on until it is
at the low one. More blocks cost more copies; nobody asked for them yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from thplab.experiments.comb import comb34
from thplab.mm.compaction.suitable import fragmentation_score_node, fragmentation_score_wmark
from thplab.sweeps.arguments import check_kernel, numbers
from thplab.sweeps.rows import Rows
from thplab.sweeps.run import sweep

PROACTIVENESS = (0, 10, 11, 12, 20, 40, 60, 80, 100)

#: A wakeup by the write to the knob, and two looks by the timer.
_MILLISECONDS = 1_200
_HUGE_ORDER = 9


@dataclass(frozen=True, slots=True)
class ProactiveRow:
    """Marks and scores in per cent; ``blocks``: free 2 MiB blocks that were made; ``copies``: pages moved."""

    proactiveness: int
    low_mark: int
    high_mark: int
    score_before: int
    score_after: int
    blocks: int
    copies: int


@dataclass(frozen=True, slots=True)
class _Point:
    value: int
    pinned_blocks: tuple[int, ...]
    kernel: str
    seed: int


def proactiveness_sweep(
    values: Sequence[int] = PROACTIVENESS,
    *,
    pinned_blocks: Sequence[int] = (),
    kernel: str = "6.18",
    seed: int = 34,
    executor: Executor | None = None,
) -> Rows[ProactiveRow]:
    """A row for each value of the knob, each on a comb of its own.

    ``pinned_blocks``: pageblocks (0 to 7) in which one page cannot be moved. Raises ValueError for a value
    that is no percentage.
    """
    check_kernel(kernel, seed)
    numbers("values", values, 0, 100)
    numbers("pinned_blocks", pinned_blocks, 0, 7, least=0)
    points = [_Point(value, tuple(pinned_blocks), kernel, seed) for value in values]
    return sweep(_proactive, points, executor=executor, title="proactiveness")


def _proactive(point: _Point) -> list[ProactiveRow]:
    machine, _ = comb34(point.kernel, seed=point.seed, pinned_blocks=point.pinned_blocks)
    kernel = machine.kernel
    before, moved = fragmentation_score_node(kernel), machine.vmstat("pgmigrate_success")
    machine.write_sysctl("compaction_proactiveness", point.value)
    machine.run_for(_MILLISECONDS)
    low, high = (fragmentation_score_wmark(kernel, low=low) for low in (True, False))
    zone = kernel.node.zones[0]
    blocks = sum(
        zone.nr_free[order] << order - _HUGE_ORDER for order in range(_HUGE_ORDER, zone.max_order + 1)
    )
    copies = machine.vmstat("pgmigrate_success") - moved
    return [ProactiveRow(point.value, low, high, before, fragmentation_score_node(kernel), blocks, copies)]
