"""The questions of notebook 08 about a collapse that is not disturbed: order, locks, frames, bytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

from thplab import points
from thplab.lessons.bank.isolate_code import ISOLATE
from thplab.lessons.kinds.classify import Classify
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Number, Order
from thplab.lessons.kinds.vote import Vote
from thplab.lessons.runs.collapse_phases import phase_locks, reached
from thplab.phases import GET_MEMORY
from thplab.reading.facts import counter, free_frames, span, trace_field
from thplab.recording import Recording, record_scenario
from thplab.scenario.build import experiment

_WINDOW, _PAGE_KIB = 512, 4

#: Lines that no collapse has -> why not, and the misconception.
_NEVER = {
    "free each base page as soon as it is isolated": (
        "If a page were freed here and the next one turned out to be pinned, what would be put back?",
        "M4",
    ),
    "copy the contents while the table is still in use": (
        "Another processor may still write the old page through its TLB: the copy would lose it.",
        "M28",
    ),
    "set the PMD leaf, then fill the huge page behind it": (
        "From that moment on the program would read memory in which its data is not there yet.",
        "",
    ),
}


@cache
def _recorded(name: str) -> Recording:
    return record_scenario(name, depth="functions")


def parsons(random: Random) -> Question:
    """The phases in order, with three lines that never happen."""
    recording = _recorded("S08.clean512")
    known = [phase.what for phase, *_ in reached(recording) if phase.number]
    options = [*known, *_NEVER]
    random.shuffle(options)
    mistakes = [Mistake(_has(options.index(line)), why, tag) for line, (why, tag) in _NEVER.items()]
    return Question(
        "08.parsons",
        "Put the collapse into its order. Three of these lines never happen: leave them out.",
        Order(tuple(options), tuple(options.index(step) for step in known)),
        "That is the order in which the functions are entered in the run.",
        (
            "What may take long comes before the locks; what can't be undone comes as late as possible.",
            "Memory; look, look; fence; isolate; copy; free; publish.",
        ),
        tuple(mistakes),
    )


def _has(line: int) -> Callable[[tuple[int, ...]], bool]:
    """The answer uses this line."""
    return lambda given: line in given


_MODES = {
    (): "nothing",
    ("mmap R",): "mmap_lock for reading",
    ("mmap W",): "mmap_lock for writing",
    ("mmap W", "anon_vma W"): "mmap_lock for writing, and the anon_vma's lock",
}


@cache
def _held() -> dict[str, str]:
    """What is held in each phase of a collapse that reads swapped pages in, grouped as in _MODES."""
    recording = _recorded("S07.swap64")
    groups: dict[str, str] = {}
    for phase, first, last in reached(recording):
        held = phase_locks(recording, first, last)
        groups[phase.what] = _MODES[
            tuple(each for each in held if each in ("mmap R", "mmap W", "anon_vma W"))
        ]
    return {what: groups[what] for mode in _MODES.values() for what in groups if groups[what] == mode}


def locks(random: Random) -> Question:
    """The lock table, to fill in."""
    kind = Classify.shuffled(random, _held())
    alloc = kind.items.index(GET_MEMORY.what)
    return Question(
        "08.locks",
        "Fill in the lock table: what does khugepaged hold of the program's locks in each phase? "
        "(The locks of page tables, and of the VMA, are left out.)",
        kind,
        "Nothing while it may take long; for reading to look; for writing to change; the anon_vma only "
        "until every page is isolated.",
        (
            "When may another thread of the program call mmap or fault? And when must it not?",
            "Step S07.swap64 on the stage from phase to phase and look at Locks held.",
        ),
        (
            Mistake(
                lambda given: given[alloc] in (2, 3),
                "Memory may have to be compacted first. Under mmap_lock for writing every mmap of the "
                "program, and every fault that needs the lock, would wait for that.",
                "M29",
            ),
            Mistake(
                lambda given: len(set(given)) == 1, "One lock for all of it? They change six times.", "M28"
            ),
        ),
    )


@cache
def _window(used: int) -> Recording:
    """A window of which so many pages are in use."""
    holes = _WINDOW - used
    text = f"{used}x young, {holes}x none" if holes else f"{used}x young"
    return record_scenario(experiment(text, name=f"{used} of {_WINDOW}"), depth="functions")


def frames(random: Random) -> Question:
    """By how much do the free frames change in a phase, or in all of them?"""
    used = random.choice((100, 256, 300, 500))
    recording = _window(used)
    name, function = random.choice((
        ("while the huge page is allocated", points.ALLOCATE),
        ("in isolate", points.ISOLATE),
        ("while the base pages are freed, after the copy", points.FREE),
        ("over the whole collapse", points.COLLAPSE),
    ))  # fmt: skip
    first, last = span(recording, function)
    right = free_frames(recording, last) - free_frames(recording, first)
    return Question(
        "08.frames",
        f"{used} pages of a window are in use, the others were never touched. By how much does the "
        f"number of free frames grow {name}? (Fewer free frames: a negative number.)",
        Number(right, "frames"),
        f"The huge page takes {_WINDOW} at first; isolate takes and frees nothing; the {used} old pages "
        "are freed after the copy.",
        (
            "Memory for the new page is taken first, and the old pages go last.",
            "Three numbers: minus a whole window, nothing, plus the pages that were in use.",
        ),
        (
            Mistake(
                lambda n: function is points.ISOLATE and n > 0,
                "If a page were freed here and the next is pinned, what would be put back?",
                "M4",
            ),
            Mistake(lambda n: n == -right, "The other way round: is memory taken, or given back?"),
            Mistake(lambda n: abs(n) == _WINDOW - abs(right), "You counted the empty entries.", "M6"),
        ),
        vote=lambda: Vote(
            recording, first, last, hides=("score",), others=(-_WINDOW, 0, used, used - _WINDOW)
        ),
    )


def moved(random: Random) -> Question:
    """How much is copied, and how much is cleared?"""
    used = random.randrange(40, 480, 20)
    recording = _window(used)
    holes = int(trace_field(recording, "mm_collapse_huge_page_isolate", "none_or_zero"))
    copied = random.random() < 0.5
    right = (_WINDOW - holes if copied else holes) * _PAGE_KIB
    return Question(
        "08.moved",
        f"{used} pages of a window are in use, the others were never touched. The window is collapsed. How "
        f"many KiB are {'copied' if copied else 'cleared'}?",
        Number(right, "KiB"),
        f"{_WINDOW - holes} pages are copied, {holes} are cleared: the program gets memory that it never "
        "touched, and it must read as zero.",
        (
            "Each of the 512 places of the huge page is either copied or cleared.",
            f"{_WINDOW} - {used} places are holes; a page has {_PAGE_KIB} KiB.",
        ),
        (
            Mistake.gives(right // _PAGE_KIB, "Those are pages. In KiB?"),
            Mistake.gives(
                _WINDOW * _PAGE_KIB - right, "The other ones: copied are pages in use, cleared are holes."
            ),
            Mistake.gives(0, "A huge page has no holes: what was never touched must read as zero."),
        ),
        vote=lambda: Vote(recording, *span(recording, points.COPY)),
    )


def tables(random: Random) -> Question:
    """How much page-table memory does the huge page save?"""
    recording = _recorded("S08.clean512")
    before, after = (counter(recording, n, "nr_page_table_pages") for n in (0, len(recording) - 1))
    return Question(
        "08.tables",
        "The window is mapped by one PMD leaf now; nobody walks its old PTE table any more. How many "
        "pages of page tables has the process given back?",
        Number(before - after, "pages"),
        "The table is deposited: kept, so that a later split can never fail for lack of memory.",
        (
            "What would a split of the huge page need?",
            "Step the phase publish and look for the word deposit; look at nr_page_table_pages.",
        ),
        (
            Mistake(
                lambda n: n > 0,
                "The table is out of use, but not freed. Look at the deposit in publish.",
                "M15",
            ),
        ),
    )


def isolate(random: Random) -> Question:
    """Write isolate."""
    return Question(
        "08.isolate",
        "Write isolate. It gets the window's 512 pages. True: all of them are yours, each locked and off "
        "the LRU list. If one can't be had: everything is as before, and False.",
        ISOLATE,
        "The model's isolate gives up in the same cases, and nothing leaked in any of them.",
        (
            "Keep a list of the pages that you have; at the first refusal go through it backwards.",
            "The page that refuses may be locked by you already: unlock it, too.",
        ),
    )


QUESTIONS: dict[str, Callable[[Random], Question]] = {
    "08.parsons": parsons,
    "08.locks": locks,
    "08.frames": frames,
    "08.moved": moved,
    "08.tables": tables,
    "08.isolate": isolate,
}
