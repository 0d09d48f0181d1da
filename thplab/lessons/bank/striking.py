"""The questions of notebook 08 about races: what becomes of a collapse that somebody disturbs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

from thplab import phases, points
from thplab.lessons.kinds.classify import Classify
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Choice, Number
from thplab.lessons.kinds.vote import Vote
from thplab.lessons.runs.races import RACES, Race, race, race_name
from thplab.reading.facts import call_of, counter, free_frames, rss_pages, span, window_frames
from thplab.recording import Recording, record_scenario
from thplab.scenario import scenario
from thplab.scenario.build import experiment
from thplab.scenario.gaps import GAPS

_HUGE = "the collapse succeeds"
_WORDS = {
    "not_suitable_page_count": "it fails: a page has a reference too many",
    "not_suitable_address_range": "it fails: the window no longer lies in one VMA",
    "pte_non_present": "it fails: an entry is not present any more",
    "exceed_shared_pte": "it fails: too many pages are shared",
    "no_process_for_page": "it fails: the process is going away",
    "pmd_none": "it fails: the page table is gone",
    "pmd_null": "it fails: the page table is gone",
}


def _said(seen: Race) -> str:
    if seen.status == "succeeded":
        return f"{_HUGE}; the other one has to wait" if seen.waited else f"{_HUGE}, and nobody waits"
    return _WORDS[seen.status]


#: Gaps to draw from, and those at which no page needs to be in swap.
_GAPS = (
    "after_alloc", "after_alloc", "recheck", "before_swapin", "write_locked", "write_locked", "before_fence",
    "after_fence", "before_copy",
)  # fmt: skip
_PLAIN = ("after_alloc", "recheck", "write_locked", "before_fence", "before_copy")


def outcome(random: Random) -> Question:
    """What becomes of the collapse?"""
    seen = race(random.choice(list(RACES)), random.choice(_GAPS))
    right = _said(seen)
    options = {f"{_HUGE}; the other one has to wait", f"{_HUGE}, and nobody waits", *_WORDS.values()} - {
        right
    }
    wrong = random.sample(sorted(options), 3)
    kind = Choice.shuffled(random, right, *wrong)
    story = scenario(race_name(seen.kind, seen.gap)).story
    return Question(
        "08.outcome",
        f"{story} Held by khugepaged at that moment: {GAPS[seen.gap].held}. What becomes of the collapse?",
        kind,
        f"The other one acted {seen.ran}"
        + (f"; phase {seen.caught} noticed ({seen.status})." if seen.caught else "."),
        (
            "Which lock does the other one need, and does somebody hold it?",
            "If it acts before the PMD is cleared, a later look must notice. After that it has to wait.",
        ),
        (
            Mistake(
                lambda i: seen.waited and seen.caught is None and kind.options[i] != right,
                "It cannot act yet: the lock that it needs is held until the collapse is over.",
                "M28",
            ),
            Mistake(
                lambda i: seen.caught is not None and kind.options[i].startswith(_HUGE),
                "It acts in between, and the collapse looks everything up again: which look notices?",
                "M28",
            ),
        ),
    )


_CAUGHT = {
    phases.READING: "by the look under the read lock",
    phases.SWAP_IN: "while swapped pages are read in",
    phases.WRITING: "by the look under the write lock",
    phases.ISOLATE: "in isolate",
    None: "never: the collapse succeeds",
}


def caught(random: Random) -> Question:
    """Which phase notices?"""
    seen = [race(kind, random.choice(_PLAIN)) for kind in RACES]
    groups = {
        scenario(race_name(each.kind, each.gap)).story.rstrip("."): _CAUGHT[each.caught] for each in seen
    }
    ordered = {story: group for word in _CAUGHT.values() for story, group in groups.items() if group == word}
    return Question(
        "08.caught",
        "Eight races. Which part of the collapse notices each of them?",
        Classify.shuffled(random, ordered),
        "What changes the address space is noticed by a look under the next lock; what changes a single "
        "page only in isolate; and who comes after the fence waits.",
        (
            "An unmapped page is a matter of the VMA, a pinned one of the page itself.",
            "Who looks at single pages? Only the scan, and isolate.",
        ),
    )


@cache
def _pinned(number: int) -> Recording:
    intruder = {"at": "before_fence", "proc": "a", "op": {"op": "pin", "pages": [[number, number + 1]]}}
    step = {"type": "khugepaged", "intruders": [intruder]}
    return record_scenario(experiment("512x young", name=f"pin {number}", then=[step]), depth="functions")


def wasted(random: Random) -> Question:
    """How many pages are put back?"""
    number = random.choice((7, 100, 300, 511))
    recording = _pinned(number)
    right = counter(recording, call_of(recording, points.RELEASE), "nr_isolated_anon")
    return Question(
        "08.wasted",
        f"Just before the PMD is cleared another task pins the page at index {number}. How many pages does "
        "isolate have to put back?",
        Number(right, "pages"),
        f"Those at indices 0 to {number - 1}: isolate goes through the table in order and stops at {number}.",
        (
            "Isolate begins at index 0 and gives up at the first page that can't be had.",
            "Indices begin with 0.",
        ),
        (
            Mistake.gives(number + 1, "The pinned page itself was never isolated."),
            Mistake.gives(0, "Some had been isolated already when the pinned one was met.", "M4"),
            Mistake.gives(
                511 if number != 511 else 512, "Isolate never came to those behind the pinned page."
            ),
        ),
        vote=lambda: Vote(recording, *span(recording, points.ISOLATE)),
    )


#: What may be different after a collapse that failed -> how to read it.
_TRACES: dict[str, Callable[[Recording, int], object]] = {
    "the number of free frames": free_frames,
    "which frames are behind the window": window_frames,
    "how many pages the process uses": rss_pages,
    "the counter thp_collapse_alloc": lambda recording, n: counter(recording, n, "thp_collapse_alloc"),
}


def left(random: Random) -> Question:
    """What is left of a collapse that was rolled back?"""
    recording = _pinned(random.choice((7, 100, 300, 511)))
    before, after = call_of(recording, points.COLLAPSE), len(recording) - 1
    changed = [name for name, read in _TRACES.items() if read(recording, before) != read(recording, after)]
    kind = Choice.shuffled(random, *changed, *(name for name in _TRACES if name not in changed))
    return Question(
        "08.left",
        "A collapse failed in isolate, because a page was pinned. Which of these is different afterwards?",
        kind,
        "Only a counter tells that there was a huge page for a moment: it counts allocations, not collapses.",
        (
            "What was done, and what undoes it?",
            "The huge page was allocated and freed. Which counter counts the first of the two?",
        ),
        (
            Mistake(
                lambda i: "frames" in kind.options[i],
                "The huge page was given back, and the old pages were never freed.",
                "M4",
            ),
        ),
    )


QUESTIONS: dict[str, Callable[[Random], Question]] = {
    "08.outcome": outcome,
    "08.caught": caught,
    "08.wasted": wasted,
    "08.left": left,
}
