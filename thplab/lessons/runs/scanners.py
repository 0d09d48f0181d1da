"""kcompactd on the comb, read from recordings: batches, both scanners, blocks before and after."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from thplab.experiments.comb import COMB_FRAMES, comb34
from thplab.machine import Machine
from thplab.reading.facts import counter
from thplab.reading.memory import frame_keys
from thplab.recording import Recording
from thplab.recording.recorder import Recorder
from thplab.scenario.fragment import REGION
from thplab.sweeps import ProactiveRow, Rows, SerialExecutor, proactiveness_sweep
from thplab.sweeps.proactive import PROACTIVENESS
from thplab.table import Table

_BLOCK, _ORDER = 512, 9
#: A wake-up by the write to the knob, and two looks by the timer.
_MILLISECONDS = 1_200


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames, counted from the zone's beginning: read by the migrate scanner, and by the free scanner.

    ``taken`` pages were moved to some of the ``targets`` free frames that were found (none were looked for
    if there were some left: then ``free`` is None).
    """

    migrate: tuple[int, int]
    taken: int
    free: tuple[int, int] | None
    targets: int
    moved: int


def comb_run(proactiveness: int = 20, *, pinned_blocks: Collection[int] = ()) -> Recording:
    """The comb; then somebody writes ``vm.compaction_proactiveness``, and kcompactd does what it does."""
    return _comb(proactiveness, tuple(sorted(pinned_blocks)))


@cache
def _comb(proactiveness: int, pins: tuple[int, ...]) -> Recording:
    machine, process = comb34(pinned_blocks=pins)
    story = "Three of four frames are free, and no block of 512."
    focus = (process.mm, REGION)
    recorder = Recorder(machine.kernel, "events", title="S03.comb34", story=story, focus=focus)
    with recorder:
        machine.write_sysctl("compaction_proactiveness", proactiveness)
        machine.run_for(_MILLISECONDS)
    return recorder.recording


def batches(recording: Recording) -> Iterator[Batch]:
    """What each run of the two scanners brought."""
    first = recording.state(0).path("mem_map.start_pfn")
    migrate: tuple[int, int] = (0, 0)
    taken, targets = 0, 0
    free: tuple[int, int] | None = None
    for line in recording.header["trace"]:
        fields = line["fields"]
        if line["event"] == "mm_compaction_isolate_migratepages":
            migrate, taken, free, targets = _range(fields, first), int(fields["nr_taken"]), None, 0
        elif line["event"] == "mm_compaction_isolate_freepages":
            free, targets = _range(fields, first), targets + int(fields["nr_taken"])
        elif line["event"] == "mm_compaction_migratepages":
            yield Batch(migrate, taken, free, targets, int(fields["nr_migrated"]))


def _range(fields: dict[str, str], first: int) -> tuple[int, int]:
    return int(fields["start_pfn"], 16) - first, int(fields["end_pfn"], 16) - first


def batches_table(recording: Recording) -> Table:
    """Batch by batch; block numbers count from 0."""
    rows = []
    for number, batch in enumerate(batches(recording), 1):
        low, high = batch.migrate
        free = "" if batch.free is None else f"{batch.free[0]} to {batch.free[1]}"
        rows.append(
            (number, f"{low} to {high}", low // _BLOCK, batch.taken, free, batch.targets, batch.moved)
        )
    low_side, high_side = "migrate scanner reads frames", "free scanner reads frames"
    heads = ("batch", low_side, "in block", "takes", high_side, "finds", "moved")
    return Table.of(
        heads, rows, "The first scanner goes up from frame 0, the second one down, block by block."
    )


def blocks_table(recording: Recording) -> Table:
    """For each block of 512 frames: how many are free, before and after."""
    rows = []
    before, after = (frame_keys(recording.state(n)) for n in (0, len(recording) - 1))
    for block in range(COMB_FRAMES // _BLOCK):
        here = slice(block * _BLOCK, (block + 1) * _BLOCK)
        rows.append((block, before[here].count("free"), after[here].count("free")))
    return Table.of(
        ("block", "free frames before", "after"), rows, f"A block with {_BLOCK} free frames is free."
    )


def proactive_rows(*values: int, pinned_blocks: Collection[int] = ()) -> Rows[ProactiveRow]:
    """Runs at these values of the knob (those of the sweep, if none is given), each made only once."""
    pins = tuple(sorted(pinned_blocks))
    return Rows(_row(value, pins) for value in values or PROACTIVENESS)


@cache
def _row(value: int, pins: tuple[int, ...]) -> ProactiveRow:
    (row,) = proactiveness_sweep((value,), pinned_blocks=pins, executor=SerialExecutor())
    return row


def huge_after(recording: Recording) -> int:
    """How many windows are mapped huge at the end."""
    return counter(recording, len(recording) - 1, "nr_anon_transparent_hugepages")


def _blocks(machine: Machine) -> int:
    zone = machine.kernel.zone
    return sum(zone.nr_free[order] << order - _ORDER for order in range(_ORDER, zone.max_order + 1))


def looks_table(seconds: int = 70) -> Table:
    """When kcompactd sets to work by itself: where it gets on, and where a page in each block is pinned."""
    rows = []
    for name, pinned in (
        ("the comb", ()),
        ("one page pinned in each block", tuple(range(COMB_FRAMES // _BLOCK))),
    ):
        machine, _ = comb34(pinned_blocks=pinned)
        first, begin = len(machine.trace), machine.kernel.clock.now
        machine.write_sysctl("compaction_proactiveness", 20)
        machine.run_for(seconds * 1000)
        starts = [
            event.time_ns - begin for event in machine.trace[first:] if event.name == "mm_compaction_begin"
        ]
        times = ", ".join(f"{ns / 1e9:g} s" for ns in starts)
        rows.append((name, times, machine.vmstat("pgmigrate_success"), _blocks(machine)))
    heads = ("", f"sets to work, in {seconds} s, after", "pages moved in all", "free 2 MiB blocks")
    return Table.of(
        heads, rows, "It looks at the score every half second, unless its last try was of no use."
    )
