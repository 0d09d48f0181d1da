"""The named scenarios that lessons, tests and the command line share."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from thplab.scenario.data import Scenario

__all__ = ["NAMED", "scenario"]

#: The window in the note's backtrace.
NOTE_ADDRESS = 140576452247552

_NOTE_MACHINE = {"start_pfn": 0x366200, "memory_pages": 4608, "region": NOTE_ADDRESS, "keeper": False}
_ADVISE = {"type": "ops", "ops": [{"op": "advise", "advice": "hugepage"}]}


def _note_like(name: str, story: str, written: list[list[int]], **settings: Any) -> dict[str, Any]:
    """16 MiB mapped at the note's address; of the first window ``written`` pages are touched.

    The advice registers the process. Nobody was registered before, so khugepaged wakes at once.
    """
    return {
        "name": name,
        "story": story,
        "machine": _NOTE_MACHINE,
        "settings": {"pages_to_scan": 4096, **settings},
        "procs": [
            {
                "name": "app",
                "ops": [
                    {"op": "mmap", "start": 0, "pages": 4096},
                    {"op": "write", "pages": written, "shuffle": 6},
                ],
            }
        ],
        "action": _ADVISE,
    }


_DATA: tuple[dict[str, Any], ...] = (
    _note_like("note", "The collapse that the note caught in gdb: 512 pages, all in use.", [[0, 512]]),
    _note_like(
        "S07.none_411", "100 pages, 412 holes, 411 allowed: one hole too many.", [[0, 100]], max_ptes_none=411
    ),
    _note_like("S07.none_412", "The same window with 412 allowed.", [[0, 100]], max_ptes_none=412),
    _note_like("S07.none_tail", "412 holes first, then 100 pages.", [[412, 512]], max_ptes_none=411),
    _note_like("S07.one", "One page in use is enough at the default.", [[0, 1]]),
)

NAMED: dict[str, Scenario] = {data["name"]: Scenario.from_data(data) for data in _DATA}


def scenario(name: str) -> Scenario:
    """The scenario called ``name``. Raises ValueError, with near matches, if there is none."""
    if name in NAMED:
        return NAMED[name]
    near = get_close_matches(name, NAMED, n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(NAMED)}"
    raise ValueError(f"no scenario {name!r}{hint}")
