"""Two backtraces side by side, and a collapse phase by phase, read from a recording."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from thplab import points
from thplab.lessons.runs.collapse_phases import reached
from thplab.lessons.runs.gdb import ROUTES, GdbFrame, load_backtrace, parse_backtrace
from thplab.reading.facts import call_of, counter, free_frames, locks_held, span
from thplab.recording import Recording, backtrace
from thplab.table import Table


def model_backtrace(recording: Recording) -> list[GdbFrame]:
    """The model's own stack at the moment at which gdb stopped the note's kernel."""
    return parse_backtrace(backtrace(recording, call_of(recording, points.RMAPPABLE)))


def beside(theirs: Sequence[GdbFrame], ours: Sequence[GdbFrame]) -> Table:
    """Frame by frame: the same function? and the arguments that both show, are they equal?"""
    rows: list[tuple[str, ...]] = []
    for a, b in zip_longest(theirs, ours):
        if a is None or b is None:
            number = str((a or b or theirs[0]).number)
            rows.append((number, a.name if a else "", b.name if b else "not modelled", "", ""))
            continue
        both = [name for name in a.args if name in b.args and not _is_pointer(a.args[name], name)]
        same = [f"{name}={a.args[name]}" for name in both if a.args[name] == b.args[name]]
        differ = [f"{name}: {a.args[name]} / {b.args[name]}" for name in both if a.args[name] != b.args[name]]
        name = b.name if a.name == b.name else f"{b.name} (!)"
        rows.append((str(a.number), a.name, name, ", ".join(same), ", ".join(differ)))
    heads = ("#", "gdb", "the model", "equal in both", "different")
    if any(row[-1] for row in rows):
        return Table.of(heads, rows)
    return Table.of(heads[:-1], [row[:-1] for row in rows], "No argument that both print is different.")


def _is_pointer(value: str, name: str) -> bool:
    """True for what can't be equal on two machines: where an object lies. A page's place can."""
    return name != "page" and value.startswith(("0x", "<"))


def stack_table(frames: Sequence[GdbFrame]) -> Table:
    """A backtrace as a table: who, where in the source, and whether it was inlined."""
    rows = [
        (f.number, f.name, f"{f.file.partition('linux-')[2].partition('/')[2] or f.file}:{f.line}",
         "into the line below" if f.inlined else "")
        for f in frames
    ]  # fmt: skip
    return Table.of(("#", "function", "source", "inlined"), rows)


def phases(recording: Recording) -> Table:
    """The first collapse of a recording: per phase what changed, and what was locked when it began."""
    rows = []
    for phase, begin, end in reached(recording):
        free = free_frames(recording, end) - free_frames(recording, begin)
        isolated = counter(recording, end, "nr_isolated_anon") - counter(recording, begin, "nr_isolated_anon")
        locks = ", ".join(locks_held(recording, begin)) or "none"
        rows.append((f"{phase}: {phase.what}", f"{begin} to {end}", f"{free:+d}", f"{isolated:+d}", locks))
    heads = ("phase", "moments", "free frames", "isolated pages", "locks held at its start")
    return Table.of(heads, rows)


def two_roads(source: str = "6.1") -> Table:
    """The names on the two stacks of a real kernel, on both roads to a huge page."""
    stacks = [[frame.name for frame in load_backtrace(source, route)] for route in ROUTES]
    rows = list(zip_longest(*stacks, fillvalue=""))
    return Table.of(("khugepaged, later", "page fault, now"), rows, f"Two stops of Linux {source}.")


def free_table(recording: Recording) -> Table:
    """Free frames and isolated pages around the two steps that are easily confused."""
    begin, end = span(recording, points.ISOLATE)
    moments = {"isolate begins": begin, "isolate ends": end}
    moments["copy and free end"] = span(recording, points.COPY)[1]
    rows = [
        (name, moment, free_frames(recording, moment), counter(recording, moment, "nr_isolated_anon"))
        for name, moment in moments.items()
    ]
    return Table.of(("", "moment", "free frames", "isolated pages"), rows)
