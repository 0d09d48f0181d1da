"""Three routes to a huge page, side by side at three moments: before, at work, after."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from thplab.experiments.routes import WINDOW, SmallRoute, route
from thplab.lessons.runs.route_words import BEFORE, WORK, foot, sentences, waits
from thplab.reading.route import RouteFacts, read_route
from thplab.reading.scene import DAEMONS
from thplab.recording import Recorder, Recording
from thplab.stage.routes import MOMENTS, Cut, Route, Routes

PROGRAM = "A"
#: Of each route what it is called, and when it comes.
_TITLES = {
    "kcompactd": ("kcompactd", "beforehand"),
    "fault": ("page fault", "at the first touch"),
    "khugepaged": ("khugepaged", "later"),
}


def three_routes(kernel: str = "6.18") -> Routes:
    """The widget: three small machines, three moments; keys and slider as on the stage."""
    return side_by_side({name: facts_of(name, kernel) for name in _TITLES})


def side_by_side(facts: Mapping[str, RouteFacts]) -> Routes:
    """The widget for these runs, by the names of their routes: all that it says is read from them."""
    titled = [(_TITLES[name][0], each) for name, each in facts.items()]
    return Routes([_route(name, each) for name, each in facts.items()], sentences(titled))


@cache
def routes(kernel: str = "6.18") -> tuple[Route, ...]:
    """The three, in the order of time."""
    return tuple(_route(name, facts_of(name, kernel)) for name in _TITLES)


@cache
def facts_of(name: str, kernel: str = "6.18") -> RouteFacts:
    """What a route's recording says."""
    return read_route(recorded(name, kernel), PROGRAM)


@cache
def recorded(name: str, kernel: str = "6.18") -> Recording:
    """A route's recording."""
    return record(route(name, kernel))


def record(small: SmallRoute) -> Recording:
    """Send a machine on its route, and record that."""
    recorder = Recorder(small.machine.kernel, "lines", title=small.name, focus=(small.process.mm, WINDOW))
    with recorder:
        small.act()
    return recorder.recording


def _route(name: str, facts: RouteFacts) -> Route:
    title, when = _TITLES[name]
    cuts = (
        Cut(
            facts.cuts[at],
            facts.worker if at == WORK else DAEMONS.get(facts.cuts[at].task, facts.cuts[at].task),
            waits(facts, at),
            foot(facts, at),
            at,
            gained=bool(facts.gained) and at > BEFORE,
        )
        for at in range(len(MOMENTS))
    )
    return Route(name, title, when, facts.program, facts.others, tuple(cuts))
