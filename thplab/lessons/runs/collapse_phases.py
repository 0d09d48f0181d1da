"""The phases of a collapse, read from a recording: what is locked in each, what it took and gave back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from thplab import points
from thplab.mm.include.lock import PAGE_TABLE_LOCK
from thplab.phases import PHASES, SCAN, Phase
from thplab.points import Point
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
from thplab.recording.story.locks import LOCK_KINDS, kind_of
from thplab.table import Table

_PAGE_KIB = 4
_TAKING = (points.DOWN_READ.name, points.DOWN_WRITE.name)


def lock_words(held: Iterable[str]) -> tuple[str, ...]:
    """Locks of a process without their owners: R is for reading, W for writing; a page table has neither."""
    said = []
    for kind in LOCK_KINDS[1:]:
        modes = sorted({lock.rpartition(" ")[2][0].upper() for lock in held if kind_of(lock) is kind})
        short = kind.short
        said += [short] if modes and kind.name == PAGE_TABLE_LOCK else [f"{short} {mode}" for mode in modes]
    return tuple(said)


def reached(recording: Recording) -> Iterator[tuple[Phase, int, int]]:
    """The phases that the first collapse of a recording came to, each with its first and last moment."""
    collapse, end = span(recording, points.COLLAPSE)
    scan = max(n for n in _calls(recording, points.SCAN) if n < collapse)
    begun = {
        phase: scan if phase is SCAN else recording.find_call(phase.begins, collapse) for phase in PHASES
    }
    came = [(phase, first) for phase, first in begun.items() if first is not None and first <= end]
    for (phase, first), (_, then) in zip(came, [*came[1:], (None, end)], strict=True):
        yield phase, first, _last(recording, phase, first, end) if phase.ends is not None else then


def _last(recording: Recording, phase: Phase, first: int, end: int) -> int:
    ends = (recording.find("return", first, name=point) for point in (phase.ends, phase.begins) if point)
    return next((last for last in ends if last is not None and last <= end), end)


def _calls(recording: Recording, function: Point) -> Iterator[int]:
    found = recording.find_call(function)
    while found is not None:
        yield found
        found = recording.find_call(function, found)


def phase_locks(recording: Recording, first: int, last: int) -> tuple[str, ...]:
    """All locks that are held at some time between two moments."""
    held = [*locks_held(recording, first)]
    moment: int | None = first
    while moment is not None and moment <= last:
        if recording.moment(moment).function in _TAKING:
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
        rows.append((phase, phase.what, locks, f"{free:+d}", isolated))
    heads = ("phase", "what happens", "locks held in it", "free frames since the start", "isolated pages")
    return Table.of(
        heads, rows, "R: for reading, W: for writing. The last two columns are at the end of the phase."
    )


def rollback_table(recording: Recording) -> Table:
    """What a collapse changed for a while and what of that is left: before, in isolate, at the end."""
    before = call_of(recording, points.COLLAPSE)
    _, ended = span(recording, points.ISOLATE)
    gave_up = recording.find_call(points.RELEASE, before)
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
    before, after = call_of(recording, points.COLLAPSE), len(recording) - 1
    full = len(window_frames(recording, after))
    grew = rss_pages(recording, after) - rss_pages(recording, before)
    rows = [
        (name, pages, f"{pages * _PAGE_KIB} KiB")
        for name, pages in (("copied", full - holes), ("cleared", holes), ("the process grew by", grew))
    ]
    return Table.of(("", "pages", ""), rows)
