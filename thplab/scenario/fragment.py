"""Memory that is not free when a scenario's first step begins: in small pieces, or all in use."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from thplab.machine import Machine, Process
from thplab.mm.include.mmzone import SLICE, Memory
from thplab.mm.include.pgtable import entry_pfn, mm_find_pmd, pte_of

if TYPE_CHECKING:
    from thplab.scenario.data import MachineSpec

__all__ = [
    "HOG", "REGION", "STARTS", "fill_memory", "fragment", "give_back", "memory_of", "occupy", "one_of_four",
    "pin_one", "set_reserve",
]  # fmt: skip

#: Where the region begins that the used frames are mapped in, and the process that has them.
REGION, HOG = 0x100000000000, "hog"
#: The least reserve that the kernel gives itself.
_MIN_FREE_KBYTES = 128
_SEED = 34
#: For page tables, outside the zone: so many, and one for so many pages.
_KERNEL_PAGES, _PAGES_PER_TABLE = 256, 128

#: The state of memory when the first step begins.
STARTS = {
    "free": "a piece of a larger machine, all of it free; no reserves, no kswapd, no kcompactd",
    "fragmented": "of every four aligned frames another process uses one, so no huge page is free",
    "full": "another process uses all frames but free_pages single ones",
}


def memory_of(spec: MachineSpec, pages: int) -> Memory:
    """How the memory of a scenario's machine is set up."""
    if spec.memory == "free":
        return SLICE
    tables = _KERNEL_PAGES + pages // _PAGES_PER_TABLE
    return Memory(zones=(("Normal", pages),), watermarks=False, pcp=0, kernel_pages=tables)


def fill_memory(machine: Machine, spec: MachineSpec) -> None:
    """Let another process use memory as the start says; nothing to do where all is free."""
    if spec.memory == "free":
        return
    hog = occupy(machine)
    frames = sorted(frame for _, frame in _mapped_frames(hog))
    if spec.memory == "fragmented":
        given_back = set(frames) - one_of_four(machine.kernel.zone.spanned_pages, _SEED)
    else:
        count = min(spec.free_pages, len(frames))
        given_back = {frames[number * len(frames) // count] for number in range(count)}
    give_back(hog, set(frames) - given_back)
    blocks = sorted({frame >> 9 for _, frame in _mapped_frames(hog)})
    for block in blocks[: spec.unmovable_blocks]:
        pin_one(hog, block)
    set_reserve(machine)


def one_of_four(frames: int, seed: int) -> frozenset[int]:
    """One frame, drawn by the seed, from each aligned group of four (counted from 0)."""
    rng = random.Random(seed)
    return frozenset(group * 4 + rng.randrange(4) for group in range(frames // 4))


def set_reserve(machine: Machine) -> None:
    """What the scenario sets after the boot rules: the smallest reserve that the kernel knows."""
    machine.write_sysctl("min_free_kbytes", _MIN_FREE_KBYTES)


def fragment(machine: Machine, kept: Collection[int]) -> Process:
    """Let a process use every free frame, then give back all but those ``kept`` (frames counted from 0)."""
    process = occupy(machine)
    give_back(process, kept)
    return process


def occupy(machine: Machine) -> Process:
    """A process that uses every free frame.

    It maps with MADV_NOHUGEPAGE, so that it gets base pages and khugepaged leaves it alone.
    """
    process = machine.process(HOG)
    free, size = machine.kernel.zone.free_pages, machine.kernel.geometry.PAGE_SIZE
    process.mmap(REGION, free * size)
    process.madvise(REGION, free * size, "nohugepage")
    for page in range(free):
        process.write(REGION + page * size, page + 1)
    return process


def give_back(process: Process, kept: Collection[int]) -> None:
    """MADV_DONTNEED for every page whose frame is not one of those ``kept``; neighbours go together."""
    size = process.mm.kernel.geometry.PAGE_SIZE
    given = [address for address, frame in _mapped_frames(process) if frame not in kept]
    for _, run in groupby(enumerate(given), lambda pair: pair[1] - pair[0] * size):
        addresses = [address for _, address in run]
        process.madvise(addresses[0], len(addresses) * size, "dontneed")


def _mapped_frames(process: Process) -> Iterator[tuple[int, int]]:
    """(address, frame counted from 0) of each page that a PTE maps."""
    mm, kernel = process.mm, process.mm.kernel
    for vma in mm.vmas:
        for address in range(vma.vm_start, vma.vm_end, kernel.geometry.PAGE_SIZE):
            ref = mm_find_pmd(mm, address)
            entry = pte_of(kernel, ref, address) if ref is not None else 0
            if entry:
                yield address, entry_pfn(entry) - kernel.mem_map.start_pfn


def pin_one(process: Process, block: int) -> None:
    """Take an extra reference on a used frame of a pageblock, the lowest address that has none yet.

    The frame can't be moved any more.
    """
    refcount = process.mm.kernel.mem_map.refcount
    for address, frame in _mapped_frames(process):
        if frame >> 9 == block and refcount[frame] == 1:
            process.pin(address)
            return
    raise ValueError(f"pageblock {block} has no used frame")
