"""The questions of notebook 07 about one window: what is said to it, and at which entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from random import Random

from thplab import points
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Number
from thplab.lessons.kinds.stopping import Stop
from thplab.lessons.kinds.vote import Vote
from thplab.lessons.runs.looking import Look, look, look_at
from thplab.reading.facts import span
from thplab.recording import record_scenario
from thplab.scenario.build import experiment
from thplab.scenario.windows import window
from thplab.stage.stops import SCENE

_NR = 512
#: What khugepaged's limits are unless a question says otherwise.
_DEFAULTS = {"max_ptes_none": 511, "max_ptes_swap": 64, "max_ptes_shared": 256}
_KIND_OF = {"max_ptes_none": "none", "max_ptes_swap": "swap", "max_ptes_shared": "shared"}


def in_runs(pages: Sequence[str]) -> str:
    """The words for a window: ``100x young, 412x none``."""
    return ", ".join(f"{len(list(run))}x {kind}" for kind, run in groupby(pages))


def _look(text: str, knobs: dict[str, int]) -> Look:
    return look_at(experiment(text, **knobs))  # type: ignore[arg-type] # mypy takes them for other arguments


def _read(text: str, knobs: Mapping[str, int], *, evidence: bool = True) -> Vote:
    """From the beginning of the scan to its verdict; ``evidence``: may the window be seen before?"""
    made = experiment(text, **knobs)  # type: ignore[arg-type] # mypy takes them for other arguments
    recording = record_scenario(made, depth="functions")
    begin, end = span(recording, points.SCAN)
    return Vote(recording, begin, end, evidence=(SCENE,) if evidence else ())


def _near_a_limit(random: Random) -> tuple[str, dict[str, int]]:
    """As many bad entries as are allowed, or one more; all together, somewhere in the window."""
    knob = random.choice(list(_KIND_OF))
    limit = random.choice((100, 200, 300)) if knob == "max_ptes_none" else _DEFAULTS[knob]
    count = limit + random.randrange(2)
    before = random.randrange(1, _NR - count)
    text = f"{before}x young, {count}x {_KIND_OF[knob]}, {_NR - before - count}x young"
    return text, {knob: limit}


def _two_faults(random: Random) -> tuple[str, dict[str, int]]:
    """A page that nobody may move, and too many holes: before it or after it."""
    limit = random.choice((100, 200, 300))
    place, holes = random.randrange(5, 90), limit + random.randrange(5, 50)
    if random.randrange(2):
        return f"{place}x young, 1x pinned, {holes}x none, {_NR - place - holes - 1}x young", {
            "max_ptes_none": limit
        }
    rest = _NR - place - holes - 1
    return f"{place}x young, {holes}x none, {rest}x young, 1x pinned", {"max_ptes_none": limit}


def _weak(random: Random) -> tuple[str, dict[str, int]]:
    """Little of it is in use: is that enough?"""
    swapped, young = random.choice(((0, 0), (0, 1), (20, 255), (20, 256)))
    parts = {"swap": swapped, "young": young, "old": _NR - swapped - young}
    return ", ".join(f"{count}x {kind}" for kind, count in parts.items() if count), {}


def stop(random: Random) -> Question:
    """What does the scan say, and where does it stop?"""
    text, knobs = random.choice((_near_a_limit, _two_faults, _weak))(random)
    right = _look(text, knobs)
    words = ", ".join(f"{knob} {value}" for knob, value in {**_DEFAULTS, **knobs}.items())
    return Question(
        "07.stop",
        f"A window: {text}. The limits: {words}. What does khugepaged say, and which entry decides?",
        Stop.of(right),
        _counted(right),
        (
            (
                "Walk from entry 0 and keep count of each kind of bad entry. The first that goes over its "
                "limit decides."
            ),
            (
                f"The scan counted {right.referenced} in use, {right.none_or_zero} empty, {right.unmapped} "
                f"swapped."
            ),
        ),
        _later_veto(text, knobs, right),
    )


def _counted(seen: Look) -> str:
    where = "All entries were read" if seen.stopped is None else f"The scan went to entry {seen.stopped}"
    return (
        f"{where}: {seen.referenced} referenced, {seen.none_or_zero} empty, {seen.unmapped} swapped out, "
        f"says the trace line."
    )


def _later_veto(text: str, knobs: dict[str, int], seen: Look) -> tuple[Mistake, ...]:
    """The verdict that would have come if the entry that decided had been harmless."""
    if seen.stopped is None:
        return ()
    pages = window(text)
    pages[seen.stopped] = "young"
    later = _look(in_runs(pages), knobs)
    return (
        Mistake.gives(
            (later.status, later.stopped),
            "The scan never got that far: it stops at the first entry that breaks a rule, not at the worst.",
            "M30",
        ),
    )


def mirrored(random: Random) -> Question:
    """The same entries in the reverse order."""
    text, knobs = _two_faults(random)
    first, back = _look(text, knobs), in_runs(window(text)[::-1])
    right = _look(back, knobs)
    return Question(
        "07.mirrored",
        f"With max_ptes_none {knobs['max_ptes_none']} the window {text} gets {first.status} at entry "
        f"{first.stopped}. Now the same entries stand in the reverse order. What is said?",
        Stop.of(right),
        f"{_counted(right)} The reason is the first one in address order, not the worst.",
        ("Read the words of the window from behind.", f"From behind it is {back}."),
        (
            Mistake(
                lambda given: given[0] == first.status != right.status,
                "The scan stops at the first fault in address order. Which one comes first now?",
                "M30",
                ((first.status, first.stopped), (first.status, right.stopped)),
            ),
        ),
        vote=lambda: replace(_read(back, knobs), others=((right.status, first.stopped),)),
    )


def tail(random: Random) -> Question:
    """The holes first: at which entry does the scan give up?"""
    young = random.choice((60, 100, 140))
    holes = _NR - young
    limit = holes - random.randrange(1, 20)
    text = f"{holes}x none, {young}x young"
    right = look(text, max_ptes_none=limit)
    turned = look(f"{young}x young, {holes}x none", max_ptes_none=limit)
    return Question(
        "07.tail",
        f"max_ptes_none is {limit}. In {young}x young, {holes}x none the scan stops at entry "
        f"{turned.stopped}. "
        f"Where does it stop in {text}?",
        Stop.of(right),
        f"{_counted(right)} No page was looked at; so the trace line has referenced={right.referenced}.",
        (
            "It counts empty entries. Which of them is one too many?",
            "The first entry has index 0: the n-th hole from the beginning stands at n - 1.",
        ),
        (
            Mistake.gives(
                (right.status, turned.stopped), "That is where it stopped when the pages came first.", "M30"
            ),
            Mistake.gives(
                (right.status, limit + 1),
                "Limit + 1 holes are one too many; the last of them has index limit.",
            ),
            Mistake.gives(
                (right.status, limit - 1),
                "So many holes are allowed: it is the one after them that is too many.",
            ),
        ),
        vote=lambda: _read(text, {"max_ptes_none": limit}),
    )


def _least(succeeds: Callable[[int], bool], low: int, high: int) -> int:
    """The least number that succeeds, found by trying."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if succeeds(middle) else (middle + 1, high)
    return low


def limit(random: Random) -> Question:
    """The least max_ptes_none under which a window is collapsed."""
    cuts = sorted(random.sample(range(20, 490), 3))
    lengths = [b - a for a, b in zip([0, *cuts], [*cuts, _NR], strict=True)]
    kinds = ("young", "none", "old", "zero")
    text = ", ".join(f"{n}x {kind}" for n, kind in zip(lengths, kinds, strict=True))
    right = _least(lambda n: look(text, max_ptes_none=n).status == "succeeded", 0, _NR - 1)
    return Question(
        "07.limit",
        f"A window: {text}. What is the least max_ptes_none with which khugepaged collapses it?",
        Number(right, "entries"),
        f"With {right} it is collapsed, with {right - 1} it is not.",
        ("The knob counts entries that are empty. Which entries are?", "The zero page counts as empty, too."),
        (
            Mistake.gives(
                _NR - right,
                "You counted the resident ones; the knob counts the empty ones that are allowed.",
                "M6",
            ),
            Mistake.gives(lengths[1], "An entry that maps the shared zero page counts as empty, too."),
            Mistake.gives(
                right + 1, "As many as the limit are allowed; it is the next one that is too many."
            ),
            Mistake.gives(right - 1, "As many as the limit are allowed; here one more is empty."),
            Mistake.gives(_NR - 1, "That is the default, and enough. Is it the least?", "M5"),
        ),
    )


def in_use(random: Random) -> Question:
    """How many entries must be young, if some are swapped out?"""
    swapped = random.randrange(2, 60)

    def window_with(young: int) -> str:
        return f"{swapped}x swap, {young}x young, {_NR - swapped - young}x old"

    right = _least(lambda n: look(window_with(n)).status == "succeeded", 200, 328)
    alone = _least(lambda n: look(f"{n}x young, {_NR - n}x old").status == "succeeded", 1, 8)
    return Question(
        "07.in_use",
        f"{swapped} entries of a window are swapped out, the others are present, most of them not used "
        "lately. How many must have been used lately, at the least, so that khugepaged collapses it?",
        Number(right, "entries"),
        f"Without a swapped entry {alone} is enough; to read something in from disk half of the window "
        f"must be in use.",
        (
            (
                "Bringing swapped pages in costs more than copying. So the rule is stricter than for other "
                "windows."
            ),
            f"Half of {_NR}.",
        ),
        (
            Mistake.gives(
                alone, f"Without swapped entries {alone} is enough. Here something must be read in.", "M27"
            ),
            Mistake.gives(right + 1, "Half is enough; it need not be more than half."),
            Mistake.gives((_NR - swapped) // 2, "Half of the whole table, not of what is present."),
            Mistake.gives(_DEFAULTS["max_ptes_swap"], "That is how many may be swapped out: another limit."),
        ),
        vote=lambda: _read(window_with(right), {}, evidence=False),
    )


QUESTIONS: dict[str, Callable[[Random], Question]] = {
    "07.stop": stop,
    "07.mirrored": mirrored,
    "07.tail": tail,
    "07.limit": limit,
    "07.in_use": in_use,
}
