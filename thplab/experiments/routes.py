"""Three routes on one small machine: 16 entries a table, 4 blocks of 16 frames.

One errand, a huge page for the first window of A: kcompactd makes a block whole beforehand, a page fault
takes one at the first touch, khugepaged gathers small pages into one later.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass

from thplab.machine import Machine, Process
from thplab.mm.include.mmzone import Memory
from thplab.scenario.fragment import give_back

ENTRIES, FRAMES = 16, 64
_PAGE, _START_PFN, _HOG_AT, _SEED = 4096, 0x1000, 1 << 24, 5
#: Where the window of A lies.
WINDOW = 64 * ENTRIES * _PAGE
_SIZE = ENTRIES * _PAGE
#: One frame of every four is another process's.
_COMB = frozenset(range(1, FRAMES, 4))
_FREE_BLOCK = {"fault": 1, "khugepaged": 2}
#: Frames in the first two blocks, one for each of eight pages that A has written.
_SCATTERED = tuple(range(2, 2 * ENTRIES, 4))


@dataclass(frozen=True, slots=True)
class SmallRoute:
    """A machine that is ready, its process A, and ``act``, which sends it on its route."""

    name: str
    machine: Machine
    process: Process
    act: Callable[[], object]


def route(name: str, kernel: str = "6.18") -> SmallRoute:
    """``kcompactd``, ``fault`` or ``khugepaged``. Raises KeyError for another one."""
    return _ROUTES[name](_machine(kernel))


def _machine(kernel: str) -> Machine:
    memory = Memory(
        zones=(("Normal", FRAMES),), watermarks=False, pcp=0, kernel_pages=FRAMES, scanners_may_touch=True
    )
    machine = Machine(kernel, memory_pages=FRAMES, start_pfn=_START_PFN, entries=ENTRIES, memory=memory)
    machine.write_sysctl("compaction_proactiveness", 0)
    machine.set_knobs([("enabled", "madvise"), ("khugepaged/scan_sleep_millisecs", 3_600_000)])
    return machine


def _others(machine: Machine) -> Process:
    """Another process, in every frame of the zone."""
    hog = machine.process("B")
    hog.mmap(_HOG_AT, FRAMES * _PAGE)
    hog.madvise(_HOG_AT, FRAMES * _PAGE, "nohugepage")
    for page in range(FRAMES):
        hog.write(_HOG_AT + page * _PAGE, page + 1)
    return hog


def _program(machine: Machine) -> Process:
    program = machine.process("A")
    program.mmap(WINDOW, _SIZE)
    return program


def _comb_without(name: str) -> Collection[int]:
    first = _FREE_BLOCK[name] * ENTRIES
    return _COMB - set(range(first, first + ENTRIES))


def _kcompactd(machine: Machine) -> SmallRoute:
    give_back(_others(machine), _COMB)
    program = _program(machine)
    return SmallRoute(
        "kcompactd", machine, program, lambda: machine.write_sysctl("compaction_proactiveness", 20)
    )


def _fault(machine: Machine) -> SmallRoute:
    give_back(_others(machine), _comb_without("fault"))
    program = _program(machine)
    program.madvise(WINDOW, _SIZE, "hugepage")
    return SmallRoute("fault", machine, program, lambda: program.write(WINDOW, 1))


def _khugepaged(machine: Machine) -> SmallRoute:
    hog, program = _others(machine), _program(machine)
    give_back(hog, frozenset(range(FRAMES)) - set(_SCATTERED))
    pages = list(range(len(_SCATTERED)))
    random.Random(_SEED).shuffle(pages)
    for page in pages:
        program.write(WINDOW + page * _PAGE, page + 1)
    give_back(hog, _comb_without("khugepaged"))
    return SmallRoute("khugepaged", machine, program, lambda: program.madvise(WINDOW, _SIZE, "hugepage"))


_ROUTES = {"kcompactd": _kcompactd, "fault": _fault, "khugepaged": _khugepaged}
