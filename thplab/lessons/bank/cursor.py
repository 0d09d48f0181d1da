"""The questions of notebook 06 about order: where the cursor goes, what a pass does, when a lap ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from random import Random

from thplab import points
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Choice, Order
from thplab.lessons.kinds.vote import Vote
from thplab.lessons.runs.passes import no_memory, passes, two_tenants
from thplab.reading.facts import call_of, event_of, span
from thplab.recording import Recording, record_scenario
from thplab.scenario import Scenario, scenario
from thplab.scenario.build import experiment

_Place = tuple[str, int]

_SAME, _NEXT = "the same window again", "the next window of the same process"
_OTHER, _ANEW = "the first window of the next process", "the first window of the same process"


def _went_on(last: _Place, then: _Place) -> str:
    """The move from one window to another, in words."""
    if then[0] != last[0]:
        return _OTHER
    return _SAME if then == last else _NEXT if then[1] == last[1] + 1 else _ANEW


def _verdict(recording: Recording) -> int:
    return event_of(recording, "mm_khugepaged_scan_pmd")


def _slept(recording: Recording) -> int:
    return span(recording, points.ALLOC_SLEEP)[1]


def _napped(recording: Recording) -> int:
    return call_of(recording, points.DO_SCAN, 2)


def _exited(recording: Recording) -> int:
    return span(recording, points.EXIT_MM)[1]


def _turned_away(recording: Recording) -> int:
    return span(recording, points.SCAN_MM)[1]


@dataclass(frozen=True)
class _Situation:
    """A run, the moment at which something has happened, and how many windows were looked at by then."""

    words: str
    data: Callable[[], Scenario]
    at: Callable[[Recording], int]
    looked_at: int

    def goes_on(self) -> str:
        """What khugepaged looks at next, in words."""
        scans = [scan[:2] for each in passes(self.data()) for scan in each.scans]
        return _went_on(scans[self.looked_at - 1] if self.looked_at else ("a", 0), scans[self.looked_at])

    def vote(self) -> Vote:
        """From this moment to the next window."""
        recording = record_scenario(self.data(), depth="functions")
        return Vote(
            recording, self.at(recording), call_of(recording, points.SCAN, self.looked_at + 1), evidence=()
        )


def _refused() -> Scenario:
    return experiment("512x old", "512x young", name="refused", pages_to_scan=1024)


_SITUATIONS = (
    _Situation("scan_pmd has refused a window, and the budget is not spent", _refused, _verdict, 1),
    _Situation(
        "the allocation for a window has failed; khugepaged has slept alloc_sleep",
        partial(no_memory, 61), _slept, 1,
    ),
    _Situation(
        "the budget is spent in the middle of a process; khugepaged has napped",
        partial(two_tenants, 16, 1, 2), _napped, 8,
    ),
    _Situation("the process under the cursor has exited", partial(scenario, "S06.exit"), _exited, 8),
    _Situation(
        "khugepaged comes to a process whose mmap_lock is taken", partial(scenario, "S06.busyA"),
        _turned_away, 0,
    ),
)  # fmt: skip


def cursor(random: Random) -> Question:
    """Which window is looked at next?"""
    situation = random.choice(_SITUATIONS)
    right = situation.goes_on()
    kind = Choice.shuffled(random, right, *(each for each in (_SAME, _NEXT, _OTHER, _ANEW) if each != right))
    return Question(
        "06.cursor",
        f"This has happened: {situation.words}. Two processes are on the list. Which window is looked at "
        "next?",
        kind,
        "The cursor moves on before anything is known about the window; a process that can't be entered is "
        "passed over.",
        (
            "khugepaged never waits for anybody, and never turns round.",
            "When is the address of the cursor raised: before scan_pmd is called, or after it?",
        ),
        (
            Mistake(
                lambda i: kind.options[i] == _SAME,
                "The cursor has moved on already; this window comes again after a whole lap of the list.",
            ),
            Mistake(
                lambda i: kind.options[i] == _ANEW,
                "A process begins anew only in the next lap, after all others.",
            ),
            Mistake(
                lambda i: kind.options[i] == _OTHER,
                "khugepaged leaves a process at its end, or if it can't be entered: not here.",
            ),
        ),
        vote=situation.vote,
    )


_BEGIN, _VISIT = (
    "begin a pass: nothing of the budget is spent",
    "take the process at the cursor, try its lock",
)
_READ, _ASK = "read the entries of its next window", "ask for a free block of order 9, and get none"
_SLEEP, _AGAIN = "sleep alloc_sleep_millisecs", "ask for a block for the window after that, and get none"
_NAP, _NEVER = "end the pass, nap scan_sleep_millisecs", "ask for a block for the same window once more"

#: step -> function of the model, and which of its calls
_STEPS = {
    _BEGIN: (points.DO_SCAN, 1),
    _VISIT: (points.SCAN_MM, 1),
    _READ: (points.SCAN, 1),
    _ASK: (points.ALLOCATE, 1),
    _SLEEP: (points.ALLOC_SLEEP, 1),
    _AGAIN: (points.ALLOCATE, 2),
    _NAP: (points.WAIT_WORK, 2),
}


def order(random: Random) -> Question:
    """One pass in which no huge page is available."""
    recording = record_scenario(no_memory(61), depth="functions")
    known = sorted(_STEPS, key=lambda step: call_of(recording, *_STEPS[step]))
    options = [*known, _NEVER]
    random.shuffle(options)
    return Question(
        "06.order",
        "No free huge page is available anywhere. Put the events of one pass in order; "
        "one of them never happens.",
        Order(tuple(options), tuple(options.index(step) for step in known)),
        "That is the order in which the functions are entered in the run.",
        (
            "After the first failure khugepaged hopes that time helps; after the second it gives up.",
            "Begin with the pass, then the process, then its window.",
        ),
        (
            Mistake(
                lambda given: options.index(_NEVER) in given,
                "The cursor has moved on already; this window comes again after a whole lap of the list.",
            ),
            Mistake(
                lambda given: _before(given, options.index(_NAP), options.index(_SLEEP)),
                "The first failure does not end the pass: alloc_sleep is slept inside it.",
            ),
        ),
    )


def _before(given: tuple[int, ...], first: int, then: int) -> bool:
    return first in given and then in given[given.index(first) :]


def full_scans(random: Random) -> Question:
    """When does full_scans grow?"""
    runs = passes(two_tenants(10, 10, 6))
    procs = [proc for each in runs for proc, _, _ in each.scans]
    moves = list(pairwise(procs))
    counts = {
        "a window is collapsed": sum(each.collapsed for each in runs),
        "the budget of a pass is spent": len(runs),
        "the end of a process is reached": sum(a != b for a, b in moves),
        "the end of the list is reached": moves.count(("b", "a")),
    }
    seen = sum(each.full_scans for each in runs)
    right = next(words for words, count in counts.items() if count == seen)
    kind = Choice.shuffled(random, right, *(words for words in counts if words != right))
    told = "; ".join(f"{words}: {count}" for words, count in counts.items())
    return Question(
        "06.full_scans",
        f"Two processes with 10 windows each, 6 passes at the defaults: the file full_scans grows by {seen}. "
        "It grows whenever ...",
        kind,
        f"In this run, how often: {told}.",
        (
            "A full scan is a lap. What is a lap round?",
            "20 windows are a lap here, and a pass does 8 of them.",
        ),
        (
            Mistake(
                lambda i: "pass" in kind.options[i],
                f"There were {len(runs)} passes: a pass and a lap are two things.",
            ),
        ),
    )


QUESTIONS: dict[str, Callable[[Random], Question]] = {
    "06.cursor": cursor,
    "06.order": order,
    "06.full_scans": full_scans,
}
