"""Where a huge page comes from: eight lanes on the same broken machine.

Each lane starts from the comb (comb.py), on which no block of 512 free frames is left, and asks for one
in its own way. In lanes D, E, F and H the process under test owns 512 of the 1024 used frames: the base
pages of one window, which a huge page is to replace.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from thplab.experiments.comb import COMB_FRAMES, comb_machine, used_frames
from thplab.machine import Machine, Process
from thplab.mm.include.trace_events import TraceEvent
from thplab.mm.proc.task_mmu import huge_pages
from thplab.scenario.fragment import give_back, occupy, set_reserve
from thplab.scenario.surroundings import start_keeper

#: Where the window of the process under test lies, and how large it is.
WINDOW, SIZE, PAGES = 0x7F0000000000, 2 << 20, 512
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane: ``who`` asks, with which knobs, and ``act`` does it.

    ``owns``: the window consists of base pages already; ``defers``: they came from a fault with
    defrag=defer that fell back.
    """

    letter: str
    who: str
    knobs: tuple[tuple[str, object], ...]
    act: Callable[[Machine, Process], None]
    owns: bool = False
    defers: bool = False


@dataclass(frozen=True, slots=True)
class LaneResult:
    """What came of a lane.

    ``result``: huge, small, failed or blocks; ``moved``: pages that compaction moved, ``collapsed``:
    pages that a collapse copied; ``worked``: who compacted (comm), ``waited``: the one who had to wait
    for that, or nobody; ``counters``: what changed in /proc/vmstat.
    """

    letter: str
    who: str
    result: str
    moved: int
    collapsed: int
    worked: str
    waited: str
    free_blocks: int
    huge_pages: int
    counters: dict[str, int]
    events: tuple[TraceEvent, ...]


def _touch(machine: Machine, process: Process) -> None:
    """Write the whole window, page by page."""
    for page in range(PAGES):
        process.write(WINDOW + page * _PAGE, page + 1)


def _daemon(machine: Machine, process: Process) -> None:
    machine.write_sysfs("khugepaged/scan_sleep_millisecs", 10_000)
    machine.wake_khugepaged() if machine.kernel.knobs.khugepaged_defrag else machine.run_for(10_000)


def _proactive(machine: Machine, process: Process) -> None:
    machine.write_sysctl("compaction_proactiveness", 20)


def _collapse(machine: Machine, process: Process) -> None:
    process.madvise(WINDOW, SIZE, "collapse")


_OFF: tuple[tuple[str, object], ...] = (("khugepaged/defrag", 0),)

LANES: dict[str, Lane] = {
    lane.letter: lane
    for lane in (
        Lane("A", "fault, defrag=never", (("defrag", "never"),), _touch),
        Lane("B", "fault, defrag=always", (("defrag", "always"),), _touch),
        Lane("C", "fault, defrag=defer", (("defrag", "defer"),), _touch),
        Lane("D", "fault, defrag=defer, then khugepaged", (), _daemon, owns=True, defers=True),
        Lane("E", "khugepaged, own defrag=0", _OFF, _daemon, owns=True),
        Lane("F", "khugepaged, own defrag=1", (), _daemon, owns=True),
        Lane("G", "kcompactd, proactive", (), _proactive),
        Lane("H", "MADV_COLLAPSE", _OFF, _collapse, owns=True),
    )
}

#: The comm of who is put in the table in other words.
_DAEMONS = ("kcompactd0", "khugepaged")


def run_lane(
    letter: str,
    kernel: str = "6.18",
    around: Callable[[Machine], AbstractContextManager[object]] = lambda machine: nullcontext(),
) -> LaneResult:
    """Set a lane up and run it; ``around(machine)`` is entered for the part that counts (a recorder).

    Raises ValueError for a letter that is none.
    """
    if letter not in LANES:
        raise ValueError(f"no lane {letter!r}; there are {', '.join(LANES)}")
    lane = LANES[letter]
    machine, process = _set_up(lane, kernel)
    before, first = list(machine.kernel.vmstat), len(machine.trace)
    with around(machine):
        lane.act(machine, process)
    return _result(lane, machine, process, before, tuple(machine.trace[first:]))


def _set_up(lane: Lane, kernel: str) -> tuple[Machine, Process]:
    """The comb with the process under test; khugepaged sleeps for an hour and knows the process."""
    machine = comb_machine(kernel)
    machine.set_knobs([("enabled", "madvise"), ("khugepaged/scan_sleep_millisecs", 3_600_000)])
    start_keeper(machine, 0)
    machine.wake_khugepaged()
    hog, kept = occupy(machine), used_frames()
    process = machine.process("P")
    process.mmap(WINDOW, SIZE)
    if lane.owns:
        own = sorted(kept)[:: COMB_FRAMES // 4 // PAGES]
        machine.set_knobs([("defrag", "defer" if lane.defers else "never")])
        give_back(hog, frozenset(range(COMB_FRAMES)) - frozenset(own))
        if lane.defers:
            process.madvise(WINDOW, SIZE, "hugepage")
        _touch(machine, process)
        kept -= frozenset(own)
    give_back(hog, kept)
    process.madvise(WINDOW, SIZE, "hugepage")
    machine.run_for(1_000)
    machine.set_knobs(lane.knobs)
    set_reserve(machine)
    return machine, process


def _result(
    lane: Lane, machine: Machine, process: Process, before: list[int], events: tuple[TraceEvent, ...]
) -> LaneResult:
    from thplab.mm.include.vm_event_item import EVENTS

    deltas = (new - old for new, old in zip(machine.kernel.vmstat, before, strict=True))
    counters = {name: delta for name, delta in zip(EVENTS, deltas, strict=True) if delta}
    huge = sum(huge_pages(vma)[0] for vma in process.mm.vmas)
    zone = machine.kernel.zone
    blocks = zone.nr_free[9] + 2 * zone.nr_free[10]
    isolated = [e for e in events if e.name == "mm_collapse_huge_page_isolate"]
    collapsed = sum(
        PAGES - int(e.value("none_or_zero")) for e in isolated if e.value("status") == "succeeded"
    )
    workers = {e.comm for e in events if e.name == "mm_compaction_begin"}
    worked = ", ".join(sorted(workers)) or "nobody"
    failed = counters.get("thp_collapse_alloc_failed", 0)
    result = "huge" if huge else "failed" if failed else "blocks" if blocks else "small"
    return LaneResult(
        letter=lane.letter,
        who=lane.who,
        result=result,
        moved=counters.get("pgmigrate_success", 0),
        collapsed=collapsed,
        worked=worked,
        waited="nobody" if not workers or workers <= {"kcompactd0"} else worked,
        free_blocks=blocks,
        huge_pages=huge,
        counters=counters,
        events=events,
    )
