"""Scenarios on the machine of the note: its memory, its address, and nobody registered before."""

from __future__ import annotations

from typing import Any

from thplab.scenario.data import Scenario

__all__ = ["NOTE_ADDRESS", "note_like"]

#: The window in the note's backtrace.
NOTE_ADDRESS = 140576452247552

_MACHINE: dict[str, Any] = {
    "start_pfn": 0x366200,
    "memory_pages": 4608,
    "region": NOTE_ADDRESS,
    "keeper": False,
}


def note_like(name: str, story: str, written: list[list[int]], **settings: int) -> Scenario:
    """16 MiB mapped at the note's address; of the first window ``written`` pages are touched.

    The advice registers the process. Nobody was registered before, so khugepaged wakes at once.
    """
    ops = [
        {"op": "mmap", "start": 0, "pages": 4096},
        {"op": "write", "pages": written, "shuffle": 6},
    ]
    return Scenario.from_data(
        {
            "name": name,
            "story": story,
            "machine": _MACHINE,
            "settings": {"pages_to_scan": 4096} | settings,
            "procs": [{"name": "app", "ops": ops}],
            "action": {"type": "ops", "ops": [{"op": "advise", "advice": "hugepage"}]},
        }
    )
