"""The phases of a collapse, read from a recording: what is locked in each, what it took and gave back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from thplab.reading.facts import (
    call_of,
    counter,
    free_frames,
    locks_held,
    rss_pages,
    span,
    trace_field,
    window_frames,
)
from thplab.recording import Recording
from thplab.table import Table

__all__ = [
    "PHASES",
    "Phase",
    "bytes_table",
    "frames_table",
    "lock_table",
    "lock_words",
    "phase_locks",
    "reached",
    "rollback_table",
]

_PAGE_KIB = 4


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: ``subgoal`` is the step of the course that it belongs to.

    It lasts from the call of ``begins`` to the return of ``ends``; if that is never called, as in a phase
    that fails, to the return of ``begins``.
    """

    number: int
    subgoal: str
    what: str
    begins: str
    ends: str


#: The end of a phase that lasts until the next one begins.
_UNTIL_NEXT = ""

PHASES = (
    Phase(0, "look, decide", "read the entries of the table", "scan_pmd", "_verdict_of_a_whole_scan"),
    Phase(1, "get memory", "a free block of order 9, charged", "alloc_charge_folio", "alloc_charge_folio"),
    Phase(
        2, "lock & re-check", "look again, for reading", "hugepage_vma_revalidate", "hugepage_vma_revalidate"
    ),
    Phase(
        3, "lock & re-check", "read swapped pages in", "__collapse_huge_page_swapin",
        "__collapse_huge_page_swapin",
    ),
    Phase(4, "lock & re-check", "look again, for writing", "_collapse_locked", "check_pmd_still_valid"),
    Phase(5, "move", "fence: clear the PMD, flush the TLBs", "pmdp_collapse_flush", "pmdp_collapse_flush"),
    Phase(
        6, "move", "isolate the base pages", "__collapse_huge_page_isolate", "__collapse_huge_page_isolate"
    ),
    Phase(7, "move", "copy, and clear holes", "__collapse_huge_page_copy", _UNTIL_NEXT),
    Phase(
        8, "move", "free the base pages", "__collapse_huge_page_copy_succeeded",
        "__collapse_huge_page_copy_succeeded",
    ),
    Phase(9, "publish", "set the PMD leaf", "_publish_huge_pmd", "_publish_huge_pmd"),
)  # fmt: skip

#: Beginning of a lock's name -> what the table calls it, in the order in which they are taken.
_LOCK_WORDS = {
    "mmap_lock": "mmap",
    "vma lock": "VMA",
    "anon_vma": "anon_vma",
    "page table lock": "page table",
}


def lock_words(held: Iterable[str]) -> tuple[str, ...]:
    """Locks without their owners: R is for reading, W for writing; a page table's lock has neither."""
    said = []
    for beginning, word in _LOCK_WORDS.items():
        modes = sorted({lock.rpartition(" ")[2][0].upper() for lock in held if lock.startswith(beginning)})
        said += [word] if modes and beginning == "page table lock" else [f"{word} {mode}" for mode in modes]
    return tuple(said)


def reached(recording: Recording) -> Iterator[tuple[Phase, int, int]]:
    """The phases that the first collapse of a recording came to, each with its first and last moment."""
    collapse = call_of(recording, "collapse_huge_page")
    scan = max(n for n in _calls(recording, "scan_pmd") if n < collapse)
    _, end = span(recording, "collapse_huge_page")
    for phase in PHASES:
        first = scan if phase.begins == "scan_pmd" else recording.find_call(phase.begins, collapse)
        if first is None or first > end:
            continue
        yield phase, first, _last(recording, phase, first, end)


def _last(recording: Recording, phase: Phase, first: int, end: int) -> int:
    if phase.ends == _UNTIL_NEXT:
        return call_of(recording, PHASES[phase.number + 1].begins)
    last = recording.find("return", first, name=phase.ends)
    if last is None or last > end:
        last = recording.find("return", first, name=phase.begins)
    return end if last is None else last


def _calls(recording: Recording, function: str) -> Iterator[int]:
    found = recording.find_call(function)
    while found is not None:
        yield found
        found = recording.find_call(function, found)


def phase_locks(recording: Recording, first: int, last: int) -> tuple[str, ...]:
    """All locks that are held at some time between two moments."""
    held = [*locks_held(recording, first)]
    moment: int | None = first
    while moment is not None and moment <= last:
        if recording.moment(moment).function in ("down_read", "down_write"):
            held += locks_held(recording, moment)
        moment = recording.find("return", moment)
    return lock_words(held)


def lock_table(recording: Recording) -> Table:
    """The first collapse of a recording, phase by phase."""
    rows = []
    start = None
    for phase, first, last in reached(recording):
        start = free_frames(recording, first) if start is None else start
        free = free_frames(recording, last) - start
        isolated = counter(recording, last, "nr_isolated_anon")
        locks = ", ".join(phase_locks(recording, first, last)) or "none"
        rows.append((phase.number, phase.subgoal, phase.what, locks, f"{free:+d}", isolated))
    heads = (
        "phase",
        "subgoal",
        "what happens",
        "locks held in it",
        "free frames since the start",
        "isolated pages",
    )
    return Table.of(
        heads, rows, "R: for reading, W: for writing. The last two columns are at the end of the phase."
    )


def rollback_table(recording: Recording) -> Table:
    """What a collapse changed for a while and what of that is left: before, in isolate, at the end."""
    before = call_of(recording, "collapse_huge_page")
    _, ended = span(recording, "__collapse_huge_page_isolate")
    gave_up = recording.find_call("release_pte_pages", before)
    deepest = ended if gave_up is None else gave_up
    after = len(recording) - 1
    moments = (before, deepest, after)
    frames = window_frames(recording, before)
    there = ["the same" if window_frames(recording, n) == frames else "others" for n in moments]
    rows = [
        ("base pages behind the window", *there),
        ("free frames", *(free_frames(recording, n) for n in moments)),
        ("pages the process uses", *(rss_pages(recording, n) for n in moments)),
        ("isolated pages", *(counter(recording, n, "nr_isolated_anon") for n in moments)),
        ("thp_collapse_alloc", *(counter(recording, n, "thp_collapse_alloc") for n in moments)),
    ]
    status = trace_field(recording, "mm_collapse_huge_page", "status")
    return Table.of(
        ("", "before", "the most that was isolated", "at the end"),
        rows,
        f"The collapse ended with: {status}.",
    )


def frames_table(recording: Recording) -> Table:
    """Where the contents of the window lie: before, and at the end."""
    rows = []
    for name, moment in (("before", 0), ("at the end", len(recording) - 1)):
        frames = window_frames(recording, moment)
        pieces = sum(b != a + 1 for a, b in pairwise(frames)) + bool(frames)
        first = ", ".join(f"{frame:#x}" for frame in frames[:3])
        rows.append((name, len(frames), pieces, f"{first} ..."))
    caption = "A piece is a run of frames that lie side by side in physical memory."
    return Table.of(("", "frames", "pieces", "the first ones"), rows, caption)


def bytes_table(recording: Recording) -> Table:
    """Pages copied and cleared by the first collapse, and by how much the process grew."""
    holes = int(trace_field(recording, "mm_collapse_huge_page_isolate", "none_or_zero"))
    before, after = call_of(recording, "collapse_huge_page"), len(recording) - 1
    full = len(window_frames(recording, after))
    grew = rss_pages(recording, after) - rss_pages(recording, before)
    rows = [
        (name, pages, f"{pages * _PAGE_KIB} KiB")
        for name, pages in (("copied", full - holes), ("cleared", holes), ("the process grew by", grew))
    ]
    return Table.of(("", "pages", ""), rows)
