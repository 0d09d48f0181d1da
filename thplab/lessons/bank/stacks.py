"""The questions of notebook 05 about stacks: who called whom, and for whom."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from thplab import points
from thplab.kernels import PROFILES
from thplab.lessons.kinds.classify import Classify
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Order
from thplab.lessons.runs.gdb import SOURCES, load_backtrace
from thplab.reading.facts import call_of
from thplab.recording import record_scenario
from thplab.scenario.build import experiment

_NR = 512
_FRAMES = 6
_NEVER = "kcompactd"


def frames(random: Random) -> Question:
    """The note's backtrace, cut into lines and shuffled."""
    names = [frame.name for frame in load_backtrace("note") if frame.name != "ret_from_fork"]
    kept = sorted(random.sample(range(len(names)), _FRAMES), reverse=True)
    known = [names[number] for number in kept]
    options = [*known, _NEVER]
    random.shuffle(options)
    return Question(
        "05.frames",
        "Lines of the note's backtrace, shuffled. Put the caller first: who began, who was called by it, "
        "and so on. "
        "One of them stands in no such backtrace.",
        Order(tuple(options), tuple(options.index(name) for name in known)),
        "gdb prints the same from the inside out.",
        (
            "A thread begins; it makes passes; a pass visits a process, and looks at its windows.",
            f"It begins with {known[0]}.",
        ),
        (
            Mistake(
                lambda given: options.index(_NEVER) in given,
                "kcompactd makes free blocks in a thread of its own; nobody on this stack calls it.",
                "M31",
            ),
            Mistake(
                lambda given: given == tuple(options.index(name) for name in reversed(known)),
                "That is gdb's order, from the inside out. Here the caller comes first.",
            ),
        ),
    )


#: Outermost function of the model -> for whom the work is done, in the order of the answers.
_FOR_WHOM = {
    points.THREAD.name: "khugepaged, in its own thread",
    points.DO_MADVISE.name: "a program that said MADV_COLLAPSE, in its own time",
    points.FAULT.name: "a program that touched memory, in a page fault",
}


def _card(random: Random, route: str) -> tuple[str, str]:
    """The inner frames of a stack at an allocation, as text, and for whom it is done.

    Those of the fault are of real kernels; the others are of runs, so that their numbers differ.
    """
    if route == points.FAULT.name:
        kernel = random.choice(SOURCES[1:])
        calls = [(frame.name, "") for frame in load_backtrace(kernel, "page fault")[1:]]
    else:
        kernel, young = random.choice(list(PROFILES)), random.randrange(100, 500)
        then = "khugepaged" if route == points.THREAD.name else "collapse"
        made = experiment(f"{young}x young, {_NR - young}x old", then=then)
        recording = record_scenario(made, kernel, "functions")
        stack = recording.stack(call_of(recording, points.ALLOCATE))
        calls = [label for frame in stack for label in frame.labels]
    whom = next(_FOR_WHOM[name] for name, _ in reversed(calls) if name in _FOR_WHOM)
    shown = [_short(*calls[0], "cc"), *(_short(*call, "referenced") for call in calls[1:3])]
    return f"Linux {kernel}: {' < '.join(shown)}", whom


def _short(name: str, args: str, kept: str) -> str:
    """A frame with the one argument that says something here."""
    found = re.search(rf"\b{kept}=[^,]+", args)
    return f"{name} ({found[0]})" if found else name


def cards(random: Random) -> Question:
    """Stacks that end in the same allocation: for whom?"""
    routes = [*_FOR_WHOM, *random.choices(list(_FOR_WHOM), k=2)]
    found: dict[str, str] = {}
    for route in routes:
        text, whom = _card(random, route)
        found[text] = whom
    items = random.sample(list(found), len(found))
    groups = tuple(_FOR_WHOM.values())
    kind = Classify(tuple(items), groups, tuple(groups.index(found[item]) for item in items))
    return Question(
        "05.cards",
        "Stacks at the moment at which a huge page is allocated, innermost frame first, the outer ones cut "
        "off. For whom "
        "is it done?",
        kind,
        "cc= tells whose rules hold: khugepaged_collapse_control is khugepaged's own; a fault has no such "
        "argument.",
        (
            "Two of the three roads go through collapse_huge_page. Which argument tells them apart?",
            "khugepaged counts the used entries; MADV_COLLAPSE does not ask for them: referenced=0.",
        ),
    )


QUESTIONS: dict[str, Callable[[Random], Question]] = {"05.frames": frames, "05.cards": cards}
