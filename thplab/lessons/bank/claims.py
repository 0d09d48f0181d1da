"""The questions of notebook 05 about the note's claims: calls, order, what is freed where."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

from thplab import phases, points
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Choice, Number, Order
from thplab.lessons.kinds.vote import Vote
from thplab.lessons.runs.chain import VARIANTS, run_variant, windows_scanned
from thplab.lessons.runs.collapse_phases import reached
from thplab.reading.facts import event_of, free_frames, locks_held, span
from thplab.recording import Recording, record_scenario


@cache
def _note() -> Recording:
    return record_scenario("note", depth="functions")


def locks(random: Random) -> Question:
    """What is locked while the huge page is allocated?"""
    recording = _note()
    begin, end = span(recording, points.FOLIO_ALLOC)
    held = {*locks_held(recording, begin), *locks_held(recording, end)}
    none = "none"
    words = {none: not held, "mmap_lock, for reading": False, "mmap_lock, for writing": False,
             "the lock of the PTE table": False}  # fmt: skip
    for lock in held:
        words["mmap_lock, for reading"] |= "mmap_lock" in lock and "reading" in lock
        words["mmap_lock, for writing"] |= "mmap_lock" in lock and "writing" in lock
        words["the lock of the PTE table"] |= "page table" in lock
    right = next(word for word, true in words.items() if true)
    kind = Choice.shuffled(random, right, *(word for word in words if word != right))
    return Question(
        "05.locks",
        "Frames #0 to #2: the huge page is being allocated. Which lock of the program's address space does "
        "khugepaged hold at that moment?",
        kind,
        "collapse_huge_page gives mmap_lock back before it asks for memory: that may take long, and "
        "every mmap of the program would wait, and whoever queues behind it.",
        (
            "Getting 512 free frames in a row may mean compaction. Who would wait meanwhile?",
            "Step on the stage from collapse_huge_page to alloc_charge_folio and look at Locks held.",
        ),
        (
            Mistake(
                lambda i: "reading" in kind.options[i],
                "The scan was made under it, but collapse_huge_page began by giving it back.",
            ),
            Mistake(
                lambda i: "writing" in kind.options[i],
                "That comes later, for the move itself. Under it now, every mmap of the program, and every "
                "fault that needs the lock, would have to wait for the allocation.",
            ),
        ),
        vote=lambda: Vote(recording, begin, end, evidence=(), views=("scene", "locks")),
    )


def chain(random: Random) -> Question:
    """What does khugepaged need before it looks at a process?"""
    names = list(VARIANTS)
    random.shuffle(names)
    scanned = [name for name in names if windows_scanned(run_variant(name))]
    return Question(
        "05.chain",
        "Four programs, each alone, and then one pass of khugepaged. Whose window does it look at? "
        "(enabled is madvise "
        "unless something else is said.)",
        Choice(tuple(names), names.index(scanned[0])),
        "The thread must run, and the process must be registered: by MADV_HUGEPAGE on memory that was "
        "written to.",
        (
            "Two things are needed: somebody who scans, and a process on the list.",
            "Memory that was never written has no anon_vma: advice alone does not register it.",
        ),
        (
            Mistake(
                lambda i: "never" in names[i] and "enabled" in names[i],
                "The process is registered, but there is no thread any more.",
            ),
            Mistake(
                lambda i: names[i] == "write only",
                "The thread runs, but nothing told it about this process: under madvise a plain write "
                "registers nobody.",
            ),
            Mistake(
                lambda i: "nothing was ever written" in names[i],
                "Without a write the memory has no anon_vma, and the advice registers nobody.",
            ),
        ),
        vote=lambda: _scan_of(run_variant(scanned[0])),
    )


def _scan_of(recording: Recording) -> Vote:
    """From the beginning of a run to its first verdict on a window."""
    return Vote(recording, 1, event_of(recording, "mm_khugepaged_scan_pmd"), evidence=())


def isolate_frees(random: Random) -> Question:
    """By how much do the free frames grow in isolate?"""
    recording = _note()
    begin, end = span(recording, points.ISOLATE)
    right = free_frames(recording, end) - free_frames(recording, begin)
    _, later = span(recording, points.COPY)
    freed = free_frames(recording, later) - free_frames(recording, end)
    return Question(
        "05.isolate",
        "The note writes that isolate means \u201cfree base page\u201d. By how much does the number of "
        "free frames grow while "
        "__collapse_huge_page_isolate runs over the note's window?",
        Number(right, "frames"),
        f"Isolate takes pages off the LRU and locks them; that can be undone. The copy step frees {freed}.",
        (
            "If a page were freed here and the next one turned out to be pinned, what would roll back?",
            "Look at the counters at the call and at the return of __collapse_huge_page_isolate.",
        ),
        (
            Mistake(
                lambda n: n in (freed, 1),
                "If a page were freed here and the next one turned out to be pinned, what would roll back?",
                values=(freed, 1),
            ),
            Mistake(
                lambda n: n < 0,
                "The huge page was taken from the free lists before, in the allocation.",
                values=(-freed,),
            ),
        ),
        vote=lambda: Vote(recording, begin, end, hides=("score",)),
    )


_NEVER = "glue the 512 frames together where they lie"

#: What was put first, before what, and why it can't be.
_TOO_EARLY = (
    (phases.FREE, phases.COPY, "If a page were freed before its contents are safe, what would be copied?"),
    (
        phases.COPY,
        phases.FENCE,
        "Another processor may still write the old page through its TLB: the copy would miss it.",
    ),
    (
        phases.FENCE,
        phases.GET_MEMORY,
        "The allocation may take long. With the PMD clear, every access would wait for it.",
    ),
    (phases.PUBLISH, phases.COPY, "The huge PMD would show memory that has not been filled yet."),
    (
        phases.ISOLATE,
        phases.FENCE,
        "Whoever can still reach the page may take a reference while it is being isolated.",
    ),
)


def order(random: Random) -> Question:
    """The phases of a collapse, in their order."""
    recording = _note()
    known = [phase.what for phase, *_ in reached(recording)]
    options = [*known, _NEVER]
    random.shuffle(options)
    return Question(
        "05.order",
        "Put the collapse of the note into its order. One of these never happens.",
        Order(tuple(options), tuple(options.index(step) for step in known)),
        "That is the order in which the functions are entered in the run.",
        (
            "What can't be undone comes as late as possible; what may take long comes before the locks.",
            "Begin with the scan, then memory, then look again, then the fence.",
        ),
        (
            Mistake(
                lambda given: options.index(_NEVER) in given,
                "Nothing is glued: the data is copied to frames that lie together already.",
            ),
            *(
                _early(options.index(first.what), options.index(then.what), why)
                for first, then, why in _TOO_EARLY
            ),
        ),
    )


def _early(first: int, then: int, cause: str) -> Mistake:
    """``first`` stands before ``then`` in the answer."""
    return Mistake(lambda given: first in given and then in given[given.index(first) :], cause)


QUESTIONS: dict[str, Callable[[Random], Question]] = {
    "05.locks": locks,
    "05.chain": chain,
    "05.isolate": isolate_frees,
    "05.order": order,
}
