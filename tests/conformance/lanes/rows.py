"""The recorded lanes, one row for each lane and kernel."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["KERNELS", "LaneRow", "lane_rows"]

_FOLDER = Path(__file__).parents[2] / "data" / "captures" / "lanes"
KERNELS = ("6.12", "6.1")


@dataclass(frozen=True)
class LaneRow:
    """One recorded lane: what was set and done, and what every repetition of it showed."""

    kernel: str
    data: dict[str, Any]

    @property
    def lane(self) -> str:
        return str(self.data["lane"])

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.data["settings"])

    @property
    def with_cache(self) -> bool:
        """Was there page cache to reclaim?"""
        return bool(self.data["setup"]["mode"] == "cache")

    @property
    def kswapd_failures(self) -> int:
        """Rounds of kswapd in vain before the lane: all that it had made, if it never reclaimed a page."""
        before = self.data["before"]["vmstat"]
        return 0 if self.with_cache else int(before["pageoutrun"])

    @property
    def dma_can_be_compacted(self) -> bool:
        """Was so much free in zone DMA that compaction for a huge page would have been tried there?"""
        dma = self.data["before"]["zones"]["DMA"]
        reserve = int(dma["protection"].split(",")[1])
        return bool(dma["free"] > dma["min"] + 2 * 512 + (dma["low"] - dma["min"]) + reserve)

    @property
    def prep(self) -> list[list[Any]]:
        """Steps before the part that counts."""
        return [step for _, step, *_ in self.data["prep_steps"]]

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Steps that count, each with its result and what the region was afterwards."""
        return list(self.data["steps"])

    def counted(self, name: str) -> set[int]:
        """By how much a counter of /proc/vmstat grew, in each repetition."""
        return {int(each["delta"].get(name, 0)) for each in self.data["repetitions"]}

    def blocks_after(self) -> set[int]:
        """Free blocks of 2 MiB at the end, in each repetition."""
        return {int(each["order9_blocks"][1]) for each in self.data["repetitions"]}

    def who_compacted(self) -> set[str]:
        """toucher, controller, khugepaged, kcompactd0: whose task began a compaction."""
        tasks = {
            task: counts
            for task, counts in self.data["events"]["by_task"].items()
            if task.startswith("python") or "mm_compaction_begin" in counts
        }
        python = sorted((task for task in tasks if task.startswith("python")), key=_pid)
        names = dict(zip(python, ("controller", "toucher"), strict=False))
        return {
            names.get(task, task.rpartition("-")[0])
            for task, counts in tasks.items()
            if "mm_compaction_begin" in counts
        }


def _pid(task: str) -> int:
    return int(task.rpartition("-")[2])


@cache
def lane_rows(kernel: str) -> tuple[LaneRow, ...]:
    """All lanes that were recorded on a kernel."""
    text = gzip.decompress((_FOLDER / f"lanes-{kernel}.jsonl.gz").read_bytes()).decode()
    return tuple(LaneRow(kernel, json.loads(line)) for line in text.splitlines())
