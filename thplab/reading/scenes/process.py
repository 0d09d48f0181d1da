"""The picture of a visit to a process in numbers: the twin of stage/js/scenes/process.js."""

from __future__ import annotations

from thplab.reading.moment import ReadMoment
from thplab.reading.scenes.spending import spending, visited

_MOST_WINDOWS = 1 << 18


def process_lines(at: ReadMoment) -> list[str]:
    """Where the cursor is in the process, and what the pass has spent there."""
    name = visited(at)
    if not name:
        return []
    spent = spending(at, name)
    results = (
        f"{spent.huge} windows collapsed, {spent.windows - spent.huge} refused, "
        f"{spent.units['vma']} mappings passed over"
    )
    return [f"process {name}: {_cursor(at, name)}", f"in this pass {spent.spent} units: {results}"]


def _cursor(at: ReadMoment, name: str) -> str:
    slot = at.state.path("khugepaged.scan_mm_slot")
    if slot is None or at.state.get(at.state.get(slot, "mm"), "name") != name:
        return "the cursor is elsewhere"
    address = at.state.path("khugepaged.scan_address")
    return f"the cursor is at {_window(at, address)}" if address else "the cursor is at its beginning"


def _window(at: ReadMoment, address: int) -> str:
    """By its number from the first one on, else by its address, as sentences name it."""
    geometry, focus = at.header["geometry"], at.header["focus"]
    size = geometry["entries"] << geometry["page_shift"]
    start = int(focus["address"]) if focus else 0
    first = address - address % size
    number = (first - start) // size
    if start and 0 <= number < _MOST_WINDOWS and not start % size:
        return f"window {number}"
    return f"the window at {first:#x}"
