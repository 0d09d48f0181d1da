"""Lesson 6, do_scan and scan_mm_slot: budget, nap, cursor, fairness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thplab.scenario.build import experiment
from thplab.scenario.data import Scenario

_HUGEPAGE = {"op": "advise", "advice": "hugepage"}
_BUDGET = 4096
_WINDOW_WITH_TABLE = 514


def _one_page_each(windows: int) -> list[dict[str, Any]]:
    """Windows of which only the first page is touched."""
    return [
        {"op": "mmap", "start": 0, "pages": 512 * windows},
        {"op": "write", "pages": [[512 * number, 512 * number + 1] for number in range(windows)]},
        _HUGEPAGE,
    ]


def _small_vmas_first() -> list[dict[str, Any]]:
    """600 VMAs of one page with gaps between them, then 16 windows."""
    small = [{"op": "mmap", "start": 2 * number, "pages": 1} for number in range(600)]
    first = 3 * 512
    windows = [[first + 512 * number, first + 512 * number + 1] for number in range(16)]
    return [
        *small,
        {"op": "mmap", "start": first, "pages": 16 * 512},
        {"op": "write", "pages": windows},
        _HUGEPAGE,
    ]


def _two(name: str, story: str, first: int, second: int, steps: list[dict[str, Any]]) -> Scenario:
    """Two tenants, a before b on the list, with so many windows."""
    procs = [{"name": "a", "ops": _one_page_each(first)}, {"name": "b", "ops": _one_page_each(second)}]
    memory = {"memory_pages": (first + second + 16) * _WINDOW_WITH_TABLE}
    return _scenario(name, story, steps, procs=procs, machine=memory)


def _scenario(name: str, story: str, steps: list[dict[str, Any]], **others: Any) -> Scenario:
    settings: Mapping[str, Any] = {"pages_to_scan": _BUDGET, **others.pop("settings", {})}
    return Scenario.from_data({"name": name, "story": story, "settings": settings, "steps": steps, **others})


def _alone(name: str, story: str, ops: list[dict[str, Any]]) -> Scenario:
    """The only process on khugepaged's list: its advice, which comes last, wakes the daemon at once."""
    steps = [{"type": "ops", "ops": [ops[-1]]}, _passes(2)]
    return _scenario(name, story, steps, ops=ops[:-1], machine={"keeper": False})


def _passes(count: int) -> dict[str, Any]:
    return {"type": "khugepaged", "wakeups": count}


SCENARIOS = (
    _alone(
        "S06.one16",
        "16 windows: 8 in each pass, 513 units for each, and a third pass that finds nothing to do.",
        _one_page_each(16),
    ),
    _alone(
        "S06.600vmas",
        "600 VMAs that are too small cost a unit each: 7 windows, then 8, then 1.",
        _small_vmas_first(),
    ),
    _two(
        "S06.AB",
        "Tenant A has 8 GiB, tenant B 16 MiB: B's first window is collapsed in pass 513.",
        4096,
        8,
        [_passes(514)],
    ),
    _two(
        "S06.busyA",
        "A's mmap_lock is taken on the first visit: B is served at once, A in the next lap.",
        2,
        2,
        [
            {"type": "ops", "proc": "a", "ops": [{"op": "lock_mm"}]},
            _passes(1),
            {"type": "ops", "proc": "a", "ops": [{"op": "unlock_mm"}]},
            _passes(1),
        ],
    ),
    _two(
        "S06.exit",
        "A exits while the cursor stands in it: the slot goes, and B is next.",
        16,
        2,
        [_passes(1), {"type": "exit", "proc": "a"}, _passes(1)],
    ),
    experiment(
        "512x young",
        "512x young",
        "512x young",
        "512x young",
        name="S06.nofree",
        story="No free huge page anywhere: two windows are tried in each pass, with 60 s between them.",
        machine={"memory_pages": 4 * 512 + 256, "keeper": False},
        pages_to_scan=_BUDGET,
        advised=False,
        then=[{"type": "ops", "ops": [_HUGEPAGE]}, _passes(1)],
    ),
    _scenario(
        "S06.naps",
        "At the defaults each pass takes 8 windows and then naps 10 s: 24 windows, 3 passes, 2 naps.",
        [{"type": "sleep", "milliseconds": 20_000}],
        ops=_one_page_each(24),
    ),
    _scenario(
        "S06.sleep0",
        "No nap between the passes: the thread never rests.",
        [{"type": "sleep", "milliseconds": 20}],
        ops=_one_page_each(24),
        settings={"scan_sleep_millisecs": 0},
    ),
    _scenario(
        "S06.knobs",
        "Eight times the budget and a nap of 1 s: 64 windows a second instead of 8 in ten.",
        [{"type": "sleep", "milliseconds": 2_000}],
        ops=_one_page_each(130),
        settings={"pages_to_scan": 32768, "scan_sleep_millisecs": 1000},
    ),
)
