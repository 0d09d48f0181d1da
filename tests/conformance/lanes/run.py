"""Carry out the steps of a recorded lane on the model, and note what came of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.conformance.lanes.rows import LaneRow
from tests.conformance.lanes.situation import PAGE, REGION, WINDOW, WINDOWS, Situation, free_huge_blocks
from thplab.mm.include.errors import KernelError
from thplab.mm.include.memcontrol import MemCgroup
from thplab.mm.include.vm_event_item import EVENTS
from thplab.mm.proc.task_mmu import huge_pages

__all__ = ["Observed", "run_lane"]

_KNOBS = {
    "kdefrag": "khugepaged/defrag",
    "alloc_sleep": "khugepaged/alloc_sleep_millisecs",
    "pages_to_scan": "khugepaged/pages_to_scan",
}
#: As on the recorded machine: so much that one wakeup is a whole round.
_PAGES_TO_SCAN = 40960


@dataclass(frozen=True)
class Observed:
    """What the model did: after each step huge windows, resident pages and errno; counters; who compacted."""

    steps: list[dict[str, Any]]
    counters: dict[str, int]
    blocks_after: int
    compacted: set[str]


class _Lane:
    def __init__(self, situation: Situation, row: LaneRow) -> None:
        self.on, self.row = situation, row
        self.machine, self.toucher = situation.machine, situation.toucher
        self.memcg: MemCgroup | None = None
        self.machine.kernel.node.kswapd_failures = row.kswapd_failures

    def set_up(self) -> None:
        settings = {"pages_to_scan": _PAGES_TO_SCAN, **self.row.settings}
        if settings.pop("advise", 1):
            self.toucher.madvise(REGION, WINDOWS * WINDOW, "hugepage")
        for knob, value in settings.items():
            self.machine.set_knobs([(_KNOBS.get(knob, knob), value)])
        for step in self.row.prep:
            self.do(step)

    def do(self, step: list[Any]) -> int | None:
        """Carry out one step; errno of a MADV_COLLAPSE (0: none)."""
        word, *args = step
        action: Callable[..., int | None] = getattr(self, f"_{word}")
        return action(*args)

    def _touch(self, *windows: int) -> None:
        for window in windows:
            self.toucher.write(REGION + window * WINDOW, 1)

    def _all(self, *windows: int) -> None:
        for window in windows:
            for page in range(512):
                self.toucher.write(REGION + window * WINDOW + page * PAGE, page + 1)

    def _sleep(self, seconds: float, *_: float) -> None:
        self.machine.run_for(seconds * 1000)

    _series = _sleep

    def _khugepaged(self, seconds: float, *_: str) -> None:
        self.machine.write_sysfs("khugepaged/scan_sleep_millisecs", 3_600_000)
        self._sleep(seconds)

    def _collapse(self, window: int) -> int:
        try:
            self.toucher.madvise(REGION + window * WINDOW, WINDOW, "collapse")
        except KernelError as error:
            return error.errno
        return 0

    def _set(self, knob: str, value: object) -> None:
        self.machine.write_sysfs(knob, value)

    def _sysctl(self, path: str, value: object) -> None:
        self.machine.write_sysctl(path.removeprefix("vm/"), value)

    def _hog(self, what: str, number: int) -> None:
        if what == "pin":
            self.on.pin(number)
        else:
            self.on.refill(self.row.data["before"]["zones"]["DMA32"]["free"])

    def _eat(self) -> None:
        self.on.eat()

    def _cgroup(self) -> None:
        self.memcg = self.machine.cgroup("lane")
        self.toucher.enter_cgroup(self.memcg)

    def _cglimit(self, kilobytes: int) -> None:
        assert self.memcg is not None
        self.memcg.max = self.memcg.usage + kilobytes // 4

    def _cgevents(self) -> None:
        """Reading them changes nothing; reclaim within the group, which they count, is not modelled."""


def run_lane(situation: Situation, row: LaneRow) -> Observed:
    """Set the lane up and run it; the situation is used up by that."""
    lane = _Lane(situation, row)
    lane.set_up()
    machine = situation.machine
    first, before = len(machine.trace), list(machine.kernel.vmstat)
    steps = []
    for step in row.steps:
        errno = lane.do(step["step"])
        vmas = lane.toucher.mm.vmas
        steps.append(
            {"errno": errno, "huge": sum(huge_pages(vma)[0] for vma in vmas), "rss": lane.toucher.mm.rss}
        )
    events = machine.trace[first:]
    grown = (new - old for new, old in zip(machine.kernel.vmstat, before, strict=True))
    return Observed(
        steps=steps,
        counters={name: delta for name, delta in zip(EVENTS, grown, strict=True) if delta},
        blocks_after=free_huge_blocks(machine),
        compacted={_who(event.comm) for event in events if event.name == "mm_compaction_begin"},
    )


def _who(comm: str) -> str:
    return comm if comm in ("toucher", "khugepaged", "kcompactd0") else "controller"
