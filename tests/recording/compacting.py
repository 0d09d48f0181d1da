"""Recordings of compaction: by kcompactd for the score, by a fault for its own block; small tables, too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from thplab.experiments.comb import comb34
from thplab.experiments.lanes import WINDOW, run_lane
from thplab.machine import Machine, Process
from thplab.mm.include.mmzone import Memory
from thplab.recording import Recorder, Recording
from thplab.scenario.fragment import REGION, one_of_four

_SECOND = 1_000  # milliseconds
_PAGE = 1 << 12


def proactive(
    proactiveness: int, kernel: str = "6.18", depth: str = "functions", pinned: Collection[int] = ()
) -> Recording:
    """kcompactd on the comb of eight blocks, in each of which every fourth frame is in use."""
    machine, process = comb34(kernel, pinned_blocks=pinned)
    recorder = Recorder(machine.kernel, depth, title="comb", focus=(process.mm, REGION))
    with recorder:
        machine.write_sysctl("compaction_proactiveness", proactiveness)
        machine.run_for(_SECOND)
    return recorder.recording


def lane(letter: str, kernel: str = "6.18", depth: str = "functions") -> Recording:
    """A lane of lesson 10: B a fault, F khugepaged, G kcompactd, H MADV_COLLAPSE."""
    recorders = list[Recorder]()

    @contextmanager
    def record(machine: Machine) -> Iterator[None]:
        own = next(mm for mm in machine.kernel.mms if mm.name == "P")
        recorders.append(Recorder(machine.kernel, depth, title=f"lane {letter}", focus=(own, WINDOW)))
        with recorders[0]:
            yield

    run_lane(letter, kernel, record)
    return recorders[0].recording


def small(entries: int, kernel: str = "6.18", blocks: int = 8, pins: Collection[int] = ()) -> Recording:
    """A comb with small tables; a fault wants a block. ``pins``: used pages that are pinned, by number."""
    frames, window = entries * blocks, entries * _PAGE
    memory = Memory(zones=(("Normal", frames),), watermarks=False, pcp=0, kernel_pages=256)
    machine = Machine(kernel, memory_pages=frames, start_pfn=0x1000, entries=entries, memory=memory)
    hog = machine.process("hog")
    _fill(hog, 64 * window, frames, one_of_four(frames, 34))
    for number in pins:
        hog.pin(64 * window + sorted(one_of_four(frames, 34))[number] * _PAGE)
    app = machine.process("app")
    app.mmap(window, window)
    machine.set_knobs([("enabled", "always"), ("defrag", "always")])
    recorder = Recorder(machine.kernel, "functions", title="small comb", focus=(app.mm, window))
    with recorder:
        app.write(window, 1)
    return recorder.recording


def _fill(process: Process, start: int, frames: int, kept: Collection[int]) -> None:
    """Use all frames in their order, then give back all but those ``kept``."""
    process.mmap(start, frames * _PAGE)
    process.madvise(start, frames * _PAGE, "nohugepage")
    for page in range(frames):
        process.write(start + page * _PAGE, page + 1)
    for page in set(range(frames)) - set(kept):
        process.madvise(start + page * _PAGE, _PAGE, "dontneed")


#: By what they show, for tests of the picture: each is made for a kernel.
COMPACTING: dict[str, Callable[[str], Recording]] = {
    "score": lambda kernel: proactive(20, kernel, "events"),
    "pins": lambda kernel: proactive(100, kernel, "events", pinned=(0, 1)),
    "fault": lambda kernel: lane("B", kernel),
    "khugepaged": lambda kernel: lane("F", kernel, "events"),
    "small8": lambda kernel: small(8, kernel, blocks=16),
    "small16": lambda kernel: small(16, kernel, pins=(0,)),
    "condensed": lambda kernel: small(16, kernel, blocks=80),
}
