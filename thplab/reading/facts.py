"""Facts of a run, read from its recording: what tables show and answers are compared with."""

from __future__ import annotations

from bisect import bisect_right

from thplab.mm.include.pgtable import entry_pfn, pte_present
from thplab.points import Named, name_of
from thplab.reading.moment import Reader
from thplab.recording import Recording
from thplab.recording.tracer import NO_FRAME


def call_of(recording: Recording, function: Named, occurrence: int = 1) -> int:
    """The moment at which ``function`` of the model is entered, the first time or a later one.

    LookupError if the run never gets there.
    """
    found: int | None = -1
    for _ in range(occurrence):
        found = recording.find_call(function, found if found is not None else -1)
        if found is None:
            raise LookupError(f"{name_of(function)} is not entered {occurrence} times in {recording!r}")
    return found if found is not None else -1


def span(recording: Recording, function: Named, occurrence: int = 1) -> tuple[int, int]:
    """The moments of the call and of the return of ``function``."""
    begin = call_of(recording, function, occurrence)
    frame = recording.moment(begin).frame
    moment: int | None = begin
    while moment is not None:
        moment = recording.find("return", moment)
        if moment is not None and recording.moment(moment).frame == frame != NO_FRAME:
            return begin, moment
    raise LookupError(f"{name_of(function)} does not return in {recording!r}")


def event_of(recording: Recording, event: str, occurrence: int = 1) -> int:
    """The moment of the first (or a later) trace line of an event. LookupError if there is none."""
    found = [number for number, line in enumerate(recording.header["trace"]) if line["event"] == event]
    if len(found) < occurrence:
        raise LookupError(f"{event} is not traced {occurrence} times in {recording!r}")
    return bisect_right(recording.sections["m_trace_end"], found[occurrence - 1])


def counter(recording: Recording, moment: int, name: str) -> int:
    """A counter of /proc/vmstat at a moment. LookupError for one that the model does not keep."""
    names = recording.header["vmstat"]
    if name not in names:
        raise LookupError(f"no counter {name!r}; there are {', '.join(names)}")
    state = recording.state(moment)
    return int(state.items(state.path("vmstat"))[names.index(name)])


def free_frames(recording: Recording, moment: int) -> int:
    """How many page frames are free at a moment: the sum over the buddy allocator's lists."""
    state = recording.state(moment)
    zones = state.path("node.zones")
    lists = [state.items(state.get(zone, "nr_free")) for zone in zones]
    return sum(count << order for blocks in lists for order, count in enumerate(blocks))


def locks_held(recording: Recording, moment: int) -> tuple[str, ...]:
    """The locks that somebody holds at a moment, each with how: ``mmap_lock of app for reading``."""
    state = recording.state(moment)
    held = []
    for lock in state.objects("Lock"):
        writer, readers = state.get(lock, "writer"), state.get(lock, "readers")
        if writer is not None or readers:
            held.append(f"{lock.label} for {'writing' if writer is not None else 'reading'}")
    return tuple(held)


def rss_pages(recording: Recording, moment: int) -> int:
    """How many base pages the process in focus uses at a moment (its RSS)."""
    state = recording.state(moment)
    mm = next(obj for obj in state.objects("Mm") if obj.id == recording.header["focus"]["mm"])
    return int(state.get(mm, "rss"))


def trace_field(recording: Recording, event: str, field: str, occurrence: int = 1) -> str:
    """A field of the first (or a later) trace line of an event. LookupError if there is none."""
    lines = [line for line in recording.header["trace"] if line["event"] == event]
    if len(lines) < occurrence or field not in lines[occurrence - 1]["fields"]:
        raise LookupError(f"no field {field!r} in trace line {occurrence} of {event}")
    return str(lines[occurrence - 1]["fields"][field])


def window_frames(recording: Recording, moment: int) -> tuple[int, ...]:
    """The page frame numbers behind the window in focus, one for each entry that maps one."""
    window = Reader(recording).read(moment).window
    if window is None or window.pmd is None:
        return ()
    if window.state == "leaf":
        first = entry_pfn(window.pmd.entry)
        return tuple(range(first, first + len(window.keys)))
    table = recording.state(moment).table(window.page) if window.page >= 0 else ()
    return tuple(entry_pfn(pte) for pte in table if pte_present(pte))
