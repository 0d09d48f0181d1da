"""A run towards a huge page, cut at three moments: who worked, who waited, what was moved, what is huge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from thplab import points
from thplab.kernels import ScanResult
from thplab.points import name_of
from thplab.reading.lanes import Lanes
from thplab.reading.scene import DAEMONS
from thplab.reading.small_machine import MOVED, NEW, ZERO, SmallMachine, small_machine
from thplab.recording import Recording
from thplab.recording.story.questions import OF_ALL, OF_ENTRY

_QUESTIONS = {result.value: each.words for each in (*OF_ENTRY, *OF_ALL) for result in each.results}
_RESULTS = {result.value for result in ScanResult} - {ScanResult.SUCCEED.value}


@dataclass(frozen=True, slots=True)
class Count:
    """Up to a moment: pages of others that were moved, the window's own pages copied, frames cleared."""

    moved: int
    copied: int
    cleared: int


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """What a recording says of its route.

    ``cuts``: before, at work, after, each with what was done ``so_far``; ``total``: in the whole run.
    ``worker``: who runs most until nothing changes any more, with ``in_fault``: in a fault of its own?
    ``waited``: who waited for a lock, and for which one; ``refused``: the question that a scan of the
    window ended at, in words. ``others``: who else has pages.
    """

    program: str
    others: str
    cuts: tuple[SmallMachine, SmallMachine, SmallMachine]
    so_far: tuple[Count, Count, Count]
    total: Count
    worker: str
    in_fault: bool
    waited: tuple[tuple[str, str], ...] = ()
    refused: str = ""

    @property
    def entries(self) -> int:
        """Entries in a window, frames in a block."""
        return len(self.cuts[0].maps)

    @property
    def own(self) -> bool:
        """Does the program do the work itself?"""
        return self.worker == self.program

    @property
    def gained(self) -> int:
        """Blocks that are whole at the end, and were not."""
        return len(set(self.cuts[-1].whole) - set(self.cuts[0].whole))

    def mapped(self, at: int) -> int:
        """Entries of the window that have a page at a cut."""
        return _mapped(self.cuts[at])


def read_route(recording: Recording, program: str) -> RouteFacts:
    """The facts; the cut "at work" is where half of what goes elsewhere, or is cleared, has been."""
    ends = recording.sections["m_changes_end"]
    moments = [0, *(n for n in range(1, len(recording)) if ends[n] != ends[n - 1]), len(recording) - 1]
    machines = {n: small_machine(recording, n, program) for n in dict.fromkeys(moments)}
    first = machines[0]
    counts = {n: _count(machine, first) for n, machine in machines.items()}
    total = Count(
        *(max(getattr(each, name) for each in counts.values()) for name in ("moved", "copied", "cleared"))
    )
    tasks = _tasks(recording)
    worker = _busiest(tasks[: _last_change(machines) or len(tasks)])
    midst = _midst(machines, counts, total) if any((total.moved, total.copied, total.cleared)) else None
    if midst is None:
        busy = [n for n, task in enumerate(tasks) if task == worker]
        midst = busy[len(busy) // 2] if busy else 0
        machines[midst] = small_machine(recording, midst, program)
        counts[midst] = _count(machines[midst], first)
    cut = (0, midst, len(recording) - 1)
    before, work, after = (machines[n] for n in cut)
    then, now, last = (counts[n] for n in cut)
    names = {str(recording.state(0).get(mm, "name")) for mm in recording.state(0).objects("Mm")}
    stack = {frame.function for frame in recording.stack(midst)}
    return RouteFacts(
        program=program,
        others=" and ".join(sorted(names - {program})),
        cuts=(before, work, after),
        so_far=(then, now, last),
        total=total,
        worker=DAEMONS.get(worker, worker),
        in_fault=name_of(points.FAULT) in stack and tasks[midst] == program,
        waited=tuple(
            (DAEMONS.get(who, who), lock) for who, lock, _ in Lanes(recording).waited(len(recording) - 1)
        ),
        refused="" if after.huge else _refused(recording),
    )


def _mapped(machine: SmallMachine) -> int:
    return sum(page >= 0 for page in machine.maps)


def _count(machine: SmallMachine, first: SmallMachine) -> Count:
    """Pages of the window that are in memory twice are copied; one that was there once is not."""
    shades = sum(sign.isdigit() for sign in machine.frames)
    copied = max(0, shades - _mapped(machine)) if _mapped(first) and not machine.huge else 0
    return Count(machine.frames.count(MOVED), copied, machine.frames.count(ZERO))


def _midst(machines: dict[int, SmallMachine], counts: dict[int, Count], total: Count) -> int:
    """Where half of the pages have gone elsewhere; if none has to, where half are cleared.

    Of the moments with so many the first at which no page more than need be is on its way.
    """
    goes = total.moved + total.copied
    done = {n: each.moved + each.copied if goes else each.cleared for n, each in counts.items()}
    half = next(count for count in done.values() if 2 * count >= (goes or total.cleared))
    return min((n for n in done if done[n] == half), key=lambda n: (machines[n].frames.count(NEW), n))


def _last_change(machines: dict[int, SmallMachine]) -> int:
    """The moment from which on the picture is what it is at the end; 0: it never changes."""
    seen = {n: (each.frames, each.maps, each.huge, each.fenced) for n, each in sorted(machines.items())}
    end = list(seen.values())[-1]
    return next((n for n, each in reversed(seen.items()) if each != end), -1) + 1


def _tasks(recording: Recording) -> list[str]:
    """At each moment who runs, "" for nobody."""
    tasks = recording.header["tasks"]
    names = [task["comm"] if task["pid"] else "" for task in tasks]
    return [names[task] for task in recording.sections["m_task"]]


def _busiest(tasks: Sequence[str]) -> str:
    counts = Counter(filter(None, tasks))
    return counts.most_common(1)[0][0] if counts else ""


def _refused(recording: Recording) -> str:
    """The question that the last scan with a "no" ended at; the result's name if it has none."""
    told = (recording.told_as(place) for place in range(len(recording.sections["t_moment"])))
    results = [each.kind for each in told if each.kind in _RESULTS]
    return _QUESTIONS.get(results[-1], results[-1].replace("_", " ")) if results else ""
