"""The picture of compaction in numbers: the twin of stage/js/scenes/compaction.js."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

from thplab.mm.include.page import PG_buddy, PG_tail
from thplab.reading.moment import ReadMoment
from thplab.reading.scenes.told import told_before
from thplab.recording.cells import ObjectInfo
from thplab.recording.recording import Sentence
from thplab.recording.state import State

_BEGINS = "compaction_begins"
_NOT_BEGUN = ("compaction_skipped", "compaction_not_needed")
_MOVES = ("batch", "batch_stuck", "batch_no_place", "block_spoilt")
_SPOILT = ("block_spoilt", "block_passed")
_WHOLE = ("block_whole", "block_whole_score", "block_whole_elsewhere")
#: How a run ends, in a word or two.
_ENDS = {
    "compaction_captured": "block taken", "compaction_succeeds": "block found",
    "compaction_succeeds_score": "score low enough", "compaction_complete": "readers met",
    "compaction_partial": "readers met", "compaction_yields": "makes way",
    "compaction_contended": "no place left", "compaction_skipped": "no use",
    "compaction_not_needed": "not needed",
}  # fmt: skip
_MANY = 16


def compaction_lines(at: ReadMoment) -> list[str]:
    """How far the run is that was begun last, or was not worth beginning; nothing before the first."""
    told = _run(at)
    if not told:
        return []
    last, state = told[-1], at.state
    zone = next(z for z in state.objects("Zone") if state.get(z, "name") == last.values["zone"])
    places = _readers(state, zone, last)
    moved = sum(int(each.values.get("moved", 0)) for each in told)
    migrate, free = places or (-1, -1)
    at_frame = [_place(state, zone, frame) for frame in (migrate, free)]
    readers = f"migrate scanner at {at_frame[0]}; free scanner at {at_frame[1]}"
    where = readers if places else "the scanners have no places"
    end = f"ended, {_ENDS[last.kind]}" if last.kind in _ENDS else "at work"
    blocks, whole = _blocks(state, zone)
    spoilt = [block for block, kind in _left(told).items() if kind in _SPOILT]
    lines = [
        f"zone {last.values['zone']}, {end}: {where}; {moved} pages moved",
        _aim(last.values),
        f"blocks all free: {_listed(whole)}; spoilt: {_listed(spoilt)}",
    ]
    return [*lines, f"free frames in the blocks: {_listed(blocks)}"] if len(blocks) <= _MANY else lines


def _run(at: ReadMoment) -> list[Sentence]:
    """What was told of the run, in order."""
    found: list[Sentence] = []
    for each in told_before(at):
        begins = each.kind.startswith(_BEGINS) or each.kind in _NOT_BEGUN
        if begins or each.kind in (*_MOVES, *_SPOILT, *_WHOLE, *_ENDS):
            found.insert(0, each)
        if begins:
            return found
    return []


def _readers(state: State, zone: ObjectInfo, last: Sentence) -> tuple[int, int] | None:
    """The two frames: those of this moment, or those that were told."""
    control = None if last.kind in _ENDS else state.path("compact_control")
    if control is not None and state.get(control, "zone") is zone:
        start = state.get(zone, "zone_start_pfn")
        return state.get(control, "migrate_pfn") - start, state.get(control, "free_pfn") - start
    if "migrate_frame" not in last.values:
        return None
    return int(last.values["migrate_frame"]), int(last.values["free_frame"])


def _place(state: State, zone: ObjectInfo, frame: int) -> str:
    """Where a scanner reads next: at a border that is the next block."""
    size, pages = 1 << state.path("mem_map.pageblock_order"), state.get(zone, "spanned_pages")
    block = (frame + state.get(zone, "zone_start_pfn") % size) // size
    return f"frame {frame}, {f'block {block}' if frame < pages else 'the end of the zone'}"


def _left(told: list[Sentence]) -> dict[int, str]:
    """Each block that was told of, and what was told last."""
    return {int(each.values["block"]): each.kind for each in told if "block" in each.values}


def _aim(values: Mapping[str, Any]) -> str:
    if values["aim"] == "score":
        node = f"the node's {values['node_score']}, starts above {values['high']}"
        return f"score {values['score']}, stops at {values['low']} or less; {node}"
    if values["aim"] == "all":
        return "wanted: all of the zone in order"
    return f"wanted: {values['wanted']} free frames in a row, {values['waits']} waits"


def _blocks(state: State, zone: ObjectInfo) -> tuple[list[int], list[int]]:
    """The free frames in each pageblock, and the numbers of those that lie in one free block."""
    size = 1 << state.path("mem_map.pageblock_order")
    start, pages = (state.get(zone, name) for name in ("zone_start_pfn", "spanned_pages"))
    first, skew = start - state.path("mem_map.start_pfn"), start % size
    flags, orders, references = (
        state.items(state.path(f"mem_map.{name}"))[first : first + pages]
        for name in ("flags", "order", "refcount")
    )
    free, whole = [0] * -(-(pages + skew) // size), list[int]()
    frame = 0
    while frame < pages:
        length = _free_from(frame, flags, orders, references)
        for each in range(frame, min(frame + length, pages)):
            free[(each + skew) // size] += 1
            if length - (each - frame) >= size and not (each + skew) % size:
                whole.append((each + skew) // size)
        frame += max(length, 1)
    return free, whole


def _free_from(frame: int, flags: array[int], orders: array[int], references: array[int]) -> int:
    """So many frames are free from this one on, as far as it says itself."""
    if flags[frame] & PG_buddy:
        return int(1 << orders[frame])
    return int(not references[frame] and not flags[frame] & PG_tail)


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"
