"""Lesson 8, collapse_huge_page: phases, locks, rollback."""

from __future__ import annotations

from thplab.scenario.build import experiment

__all__ = ["SCENARIOS"]

SCENARIOS = (
    experiment("512x young", name="S08.clean512", story="The plain case: 512 pages are copied and freed."),
    experiment(
        "100x young, 412x none",
        name="S08.100of512",
        story="100 pages are copied (400 KiB), 412 are cleared (1648 KiB): the process grows.",
    ),
    experiment(
        "512x huge",
        name="S08.compound",
        story="All 512 entries map parts of one huge page that was split: a new one is made and copied.",
        then=[
            {
                "type": "ops",
                "ops": [
                    {"op": "advise", "advice": "nohugepage", "pages": [[0, 1]]},
                    {"op": "advise", "advice": "nohugepage"},
                    {"op": "advise", "advice": "hugepage"},
                ],
            },
            {"type": "khugepaged"},
        ],
    ),
    experiment(
        "512x young",
        name="S08.memcgfull",
        story="The cgroup has no room for 2 MiB more: the huge page is given back before anything moved.",
        first=[{"op": "cgroup"}],
        last=[{"op": "cgroup_limit", "extra_pages": 500, "swappiness": 0}],
    ),
)
