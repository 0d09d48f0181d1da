"""What a lane on the model has in common with the recorded one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.conformance.lanes.rows import LaneRow, lane_rows
from tests.conformance.lanes.run import Observed, run_lane
from tests.conformance.lanes.situation import DMA_LARGE, DMA_SMALL, TENTH, WHOLE, Situation

__all__ = ["ACCIDENTS", "Verdict", "judge", "judge_all", "verdicts"]

#: Counters that are equal wherever all repetitions of the recording agree.
EQUAL = (
    "thp_fault_alloc", "thp_fault_fallback", "thp_fault_fallback_charge", "thp_collapse_alloc",
    "thp_collapse_alloc_failed", "compact_stall", "compact_success", "compact_fail", "compact_daemon_wake",
    "allocstall_movable", "pageoutrun",
)  # fmt: skip
#: Counters that depend on where pages lie: zero in both, or in neither.
SHAPE = (
    "pgmigrate_success", "compact_migrate_scanned", "compact_free_scanned", "compact_isolated",
    "compact_daemon_migrate_scanned", "compact_daemon_free_scanned", "pgscan_kswapd", "pgsteal_kswapd",
)  # fmt: skip

#: (lane, kernel) -> (names that are not compared, what happened there that no rule decides)
ACCIDENTS: dict[tuple[str, str], tuple[frozenset[str], str]] = {
    ("LC", "6.12"): (
        frozenset({"pageoutrun"}),
        "a directory entry took a page from a movable block; the boost woke kswapd once more",
    ),
    ("B1-cache", "6.12"): (
        frozenset({"compact_stall", "compact_fail"}),
        "the first attempt went on where one of the set-up had stopped, met skip hints, and failed",
    ),
    ("JI", "6.12"): (
        frozenset({"steps", "blocks", "thp_fault_alloc", "thp_fault_fallback"}),
        "blocks without pages of the hog came free, of which the model has none; 6.1 gained none either",
    ),
    ("JG100", "6.12"): (frozenset({"blocks"}), "as in JI"),
}


@dataclass(frozen=True)
class Verdict:
    """How a lane compares: ``differs`` names what should be equal and is not; ``moved`` are pages."""

    row: LaneRow
    observed: Observed
    differs: tuple[str, ...]
    varies: bool

    @property
    def accident(self) -> str:
        return _accident(self.row)[1]

    @property
    def word(self) -> str:
        """equal: all results and counters, none of which depends on where pages lie; else shape.

        not covered: not even the result is compared.
        """
        if self.differs:
            return "differs"
        if "steps" in _accident(self.row)[0]:
            return "not covered"
        return "shape" if self.varies or self.accident else "equal"


def _accident(row: LaneRow) -> tuple[frozenset[str], str]:
    """What is not compared in a lane, and why."""
    return ACCIDENTS.get((row.lane, row.kernel), (frozenset(), ""))


def judge(row: LaneRow, observed: Observed) -> Verdict:
    """Compare step by step, then the tasks that compacted, then the counters."""
    skipped = _accident(row)[0]
    differs = tuple(text for name, text in _differences(row, observed) if name not in skipped)
    return Verdict(row, observed, differs, any(row.counted(name) != {0} for name in SHAPE))


def _differences(row: LaneRow, observed: Observed) -> Iterator[tuple[str, str]]:
    for number, step in enumerate(observed.steps):
        recorded = row.steps[number]
        region = recorded["region"]
        errno = recorded["result"][1] if recorded["step"][0] == "collapse" else None
        theirs = (region["huge_windows"], region["rss_pages"], errno)
        ours = (step["huge"], step["rss"], step["errno"])
        if ours != theirs:
            yield "steps", f"{recorded['step']}: (huge, resident, errno) {ours}, recorded {theirs}"
    if observed.compacted != row.who_compacted():
        yield "who", f"compaction by {observed.compacted}, recorded {row.who_compacted()}"
    for name in EQUAL:
        counted, our = row.counted(name), observed.counters.get(name, 0)
        if (len(counted) == 1 and our not in counted) or (bool(our) not in map(bool, counted)):
            yield name, f"{name} {our}, recorded {sorted(counted)}"
    for name in SHAPE:
        counted, our = row.counted(name), observed.counters.get(name, 0)
        if bool(our) not in map(bool, counted):
            yield name, f"{name} {our}, recorded {sorted(counted)}: zero and not zero"
    # With page cache kswapd is at work; is the last block made before the end? A matter of time.
    if not row.with_cache and bool(observed.blocks_after) not in map(bool, row.blocks_after()):
        yield "blocks", f"free blocks {observed.blocks_after}, recorded {sorted(row.blocks_after())}"


@cache
def judge_all(kernel: str) -> tuple[Verdict, ...]:
    """All lanes of a kernel, on a tenth of the memory."""
    return tuple(verdicts(kernel))


def verdicts(kernel: str, dma32: int = TENTH) -> Iterator[Verdict]:
    """One lane after the other. Each begins with a copy (fork) of the same machine."""
    states: dict[tuple[bool, int], Situation] = {}
    for row in lane_rows(kernel):
        dma = DMA_LARGE if row.dma_can_be_compacted or dma32 == WHOLE else DMA_SMALL
        kind = (row.with_cache, dma)
        if kind not in states:
            states[kind] = Situation.fragmented(kernel, cache=row.with_cache, dma=dma, dma32=dma32)
        yield judge(row, _run_in_a_copy(states[kind], row))


def _run_in_a_copy(situation: Situation, row: LaneRow) -> Observed:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.close(reader)
            seen = run_lane(situation, row)
            with os.fdopen(writer, "w") as pipe:
                json.dump([seen.steps, seen.counters, seen.blocks_after, sorted(seen.compacted)], pipe)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    if os.waitpid(child, 0)[1]:
        # Again, here, for the sake of its traceback.
        return run_lane(situation, row)
    steps, counters, blocks_after, compacted = json.loads(text)
    return Observed(steps, counters, blocks_after, set(compacted))
