"""Three routes to a huge page, side by side at three moments: before, at work, after."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from thplab.experiments.routes import ENTRIES, WINDOW, route
from thplab.reading.small_machine import FREE, MOVED, OTHERS, ZERO, SmallMachine, small_machine
from thplab.recording import Recorder, Recording
from thplab.stage.routes import Cut, Route, Routes

PROGRAM = "A"


class _Words(NamedTuple):
    """What is said of a route: its title, when it comes, and of each moment who waits and what comes of it.

    ``cut``: is it in the midst of its work?
    """

    title: str
    when: str
    waits: tuple[str, str, str]
    foot: Callable[[int, SmallMachine], tuple[str, str]]
    cut: Callable[[SmallMachine], bool]


def _kcompactd_foot(at: int, machine: SmallMachine) -> tuple[str, str]:
    if at == 0:
        return f"{machine.free} frames are free", "but no block of 16 is whole"
    if at == 1:
        return "empties a block", f"{machine.frames.count(MOVED)} pages of B are moved so far"
    return "nothing is huge", "but a block is whole: a fault can take it"


def _fault_foot(at: int, machine: SmallMachine) -> tuple[str, str]:
    if at == 0:
        return "a block is whole", "and A has touched nothing yet"
    if at == 1:
        return "fills the block with zeros", "nothing is copied"
    return "huge at once", "A waited, once"


def _khugepaged_foot(at: int, machine: SmallMachine) -> tuple[str, str]:
    if at == 0:
        return f"{sum(page >= 0 for page in machine.maps)} small pages", "scattered over two blocks"
    if at == 1:
        return "copies page after page", f"{_copied(machine)} are copied so far"
    return "huge, later", "A had no need to wait"


def _copied(machine: SmallMachine) -> int:
    """Pages of the program that are in memory twice."""
    shades = sum(sign.isdigit() for sign in machine.frames)
    return shades - sum(page >= 0 for page in machine.maps)


_ROUTES = {
    "kcompactd": _Words(
        "kcompactd", "beforehand", ("nobody", "nobody", "nobody"), _kcompactd_foot,
        lambda machine: machine.frames.count(MOVED) == 2 and set(machine.frames) == {FREE, OTHERS, MOVED},
    ),
    "fault": _Words(
        "page fault", "at the first touch", ("nobody", "A", "nobody"), _fault_foot,
        lambda machine: machine.frames.count(ZERO) == ENTRIES and not machine.huge,
    ),
    "khugepaged": _Words(
        "khugepaged", "later", ("nobody", "A, if it touches this", "nobody"), _khugepaged_foot,
        lambda machine: machine.fenced and _copied(machine) == 4,
    ),
}  # fmt: skip
_SENTENCES = (
    ("Three ways lead to a huge page for A", ": here they are before the work, on one small machine each."),
    (
        "Who waits?",
        " A does, in its own fault; not for kcompactd, and for khugepaged only if it touches this window.",
    ),
    (
        "The fault and khugepaged leave a huge page",
        ", and kcompactd only a whole block: it makes the other two possible.",
    ),
)


def three_routes(kernel: str = "6.18") -> Routes:
    """The widget: three small machines, three moments; keys and slider as on the stage."""
    return Routes(routes(kernel), _SENTENCES)


@cache
def routes(kernel: str = "6.18") -> tuple[Route, ...]:
    """The three, in the order of time."""
    return tuple(_route(name, words, kernel) for name, words in _ROUTES.items())


@cache
def recorded(name: str, kernel: str = "6.18") -> Recording:
    """A route's recording."""
    small = route(name, kernel)
    recorder = Recorder(small.machine.kernel, "lines", title=name, focus=(small.process.mm, WINDOW))
    with recorder:
        small.act()
    return recorder.recording


def _route(name: str, words: _Words, kernel: str) -> Route:
    recording = recorded(name, kernel)
    machines = [
        small_machine(recording, n, PROGRAM) for n in (0, _midst(recording, words), len(recording) - 1)
    ]
    cuts = (
        Cut(machine, words.waits[at], words.foot(at, machine), working=at == 1)
        for at, machine in enumerate(machines)
    )
    return Route(name, words.title, words.when, tuple(cuts))


def _midst(recording: Recording, words: _Words) -> int:
    """The first moment at which the route is in the midst of its work."""
    return next(n for n in range(len(recording)) if words.cut(small_machine(recording, n, PROGRAM)))
