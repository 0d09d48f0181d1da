"""Lesson 13, across versions: scenarios that end differently under different kernels."""

from __future__ import annotations

from typing import Any

from thplab.scenario.build import experiment
from thplab.scenario.data import Scenario

__all__ = ["SCENARIOS"]

_SHARED = [
    {"op": "mmap", "start": 0, "pages": 512, "kind": "shared"},
    {"op": "write", "pages": [[0, 512]]},
]


def _shared_memory(name: str, story: str, ops: list[dict[str, Any]], action: str) -> Scenario:
    """512 pages of shared memory; ``shmem_enabled`` lets khugepaged, not a fault, make huge pages of "
    "them.
    """
    return Scenario.from_data(
        {
            "name": name,
            "story": story,
            "settings": {"shmem_enabled": "advise"},
            "setup_settings": {"shmem_enabled": "never"},
            "ops": [*_SHARED, *ops],
            "action": {"type": action},
        }
    )


SCENARIOS = (
    experiment(
        "512x young",
        name="S13.empty_table",
        story="MADV_DONTNEED over a whole window: is the empty page table kept?",
        last=[{"op": "advise", "advice": "dontneed"}],
    ),
    experiment(
        "512x none",
        name="S13.huge_zero",
        story="Read, then write: what becomes of the huge zero page?",
        then=[{"type": "fault", "touches": [{"page": 0}, {"page": 9, "write": True}]}],
    ),
    experiment(
        "512x young",
        name="S13.inside_window",
        story="MADV_COLLAPSE of a range that holds no whole window: an error, or nothing to do?",
        then=[{"type": "madvise_collapse", "ranges": [[1, 511]]}],
    ),
    experiment(
        "512x young",
        "512x none",
        "512x young",
        name="S13.empty_middle",
        story="MADV_COLLAPSE over an empty window: does it look at those behind it?",
        then="collapse",
    ),
    experiment(
        "512x none",
        name="S13.split_zero",
        story="A huge page with one page written is split: what becomes of the 511 that are all zeroes?",
        last=[{"op": "write", "pages": [[0, 1]]}],
        then=[{"type": "ops", "ops": [{"op": "advise", "advice": "cold", "pages": [[0, 8]]}]}],
    ),
    experiment(
        "20x young, 1x none, 491x young",
        name="S13.guard",
        story="A guard page: a marker where a page was. 6.13 and later have them.",
        last=[{"op": "advise", "advice": "guard_install", "pages": [[20, 21]]}],
    ),
    experiment(
        "512x none",
        name="S13.except_advised",
        story="prctl switches huge pages off except where they are advised, and here they are not.",
        first=[{"op": "prctl_thp_disable", "flags": 2}],
        advised=False,
        enabled="always",
        then=[{"type": "fault", "touches": [{"page": 0, "write": True}]}],
    ),
    _shared_memory(
        "S13.shmem", "MADV_COLLAPSE of shared memory: who maps the huge page?", [], "madvise_collapse"
    ),
    _shared_memory(
        "S13.shmem_once",
        "MADV_HUGEPAGE on shared memory: does one call register the process?",
        [
            {"op": "set", "key": "shmem_enabled", "value": "advise"},
            {"op": "advise", "advice": "hugepage"},
        ],
        "khugepaged",
    ),
    Scenario.from_data(
        {
            "name": "S13.sizes",
            "story": "The 64 KiB size is switched on: the first write maps 16 pages at once.",
            "settings": {"enabled": "never", "mthp_64": "always"},
            "ops": [{"op": "mmap", "start": 0, "pages": 512}],
            "action": {"type": "fault", "touches": [{"page": 5, "write": True}]},
        }
    ),
    Scenario.from_data(
        {
            "name": "S13.no_pmd_table",
            "story": "A window at the beginning of a 1 GiB range in which nothing was ever touched.",
            "settings": {"pages_to_scan": 1_000_000},
            "ops": [
                {"op": "mmap", "start": 511 * 512, "pages": 1024},
                {"op": "write", "pages": [[511 * 512, 512 * 512]]},
                {"op": "advise", "advice": "hugepage"},
            ],
            "action": {"type": "khugepaged"},
        }
    ),
    experiment(
        "512x huge",
        *["512x huge"] * 11,
        name="S13.budget",
        story="A lap over twelve windows that are huge already: 6144 units, or twelve.",
        pages_to_scan=1024,
    ),
    experiment(
        "512x young",
        name="S13.size_off",
        story="enabled=madvise, but the 2 MiB size is never: is there a khugepaged?",
        mthp_2048="never",
    ),
    experiment(
        "512x young",
        name="S13.fresh_child",
        story="A child that touched nothing, its parent's pages still fresh: are they in use?",
        last=[{"op": "fork"}, {"op": "write", "pages": [[0, 512]]}],
    ),
)
