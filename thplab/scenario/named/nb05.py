"""Lesson 5, khugepaged end to end: the collapse that the note caught in gdb."""

from __future__ import annotations

from thplab.scenario.build import experiment
from thplab.scenario.named.note import note_like

__all__ = ["SCENARIOS"]

SCENARIOS = (
    note_like("note", "The collapse that the note caught in gdb: 512 pages, all in use.", [[0, 512]]),
    experiment(
        "511x young, 1x old",
        name="S05.one_old",
        story="One of 512 pages was not used lately: referenced is 511, and nothing else changes.",
    ),
    experiment(
        "511x young, 1x none",
        name="S05.one_none",
        story="One of 512 pages was never touched: 511 are referenced, one is none.",
    ),
    experiment(
        "512x young",
        name="S05.unregistered",
        story="The thread runs, but nobody registered the process: memory without advice.",
        advised=False,
    ),
)
