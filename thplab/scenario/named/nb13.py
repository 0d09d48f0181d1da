"""Lesson 13, across versions: scenarios that end differently under different kernels."""

from __future__ import annotations

from thplab.scenario.build import experiment

__all__ = ["SCENARIOS"]

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
)
