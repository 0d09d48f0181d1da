"""A fragmented machine in small: three of every four pages free, and no room for one huge page.

One zone named Normal of 4096 user frames (8 pageblocks); of each aligned group of four frames one is
in use, which one is drawn. So 1024 frames are used and 3072 are free, in single pages and pairs.
Page tables come from outside the zone, there are no per-CPU lists, and the reserves are small.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from itertools import groupby

from thplab.machine import Machine, Process
from thplab.mm.include.mmzone import Memory
from thplab.mm.include.pgtable import entry_pfn, mm_find_pmd, pte_of

__all__ = [
    "COMB_FRAMES",
    "REGION",
    "comb34",
    "comb_machine",
    "fragment",
    "give_back",
    "occupy",
    "set_reserve",
    "used_frames",
]

COMB_FRAMES = 4096
#: Where the region begins that the used frames are mapped in.
REGION = 0x100000000000
#: For page tables, outside the zone.
_KERNEL_PAGES = 256
_START_PFN = 0x100000
#: The least reserve that the kernel gives itself.
_MIN_FREE_KBYTES = 128
#: With this seed the comb's last pageblock ends in a free frame (see comb34).
_SEED = 34


def comb34(
    kernel: str = "6.18", *, seed: int = _SEED, pinned_blocks: Collection[int] = (), textbook: bool = True
) -> tuple[Machine, Process]:
    """The comb, and the process that owns its used frames; every page of it reads its number + 1.

    ``pinned_blocks``: in these pageblocks one used frame cannot be moved. ``textbook``: the scanners may
    work until they meet; otherwise as in the kernel, where the last batch finds no target because the
    free scanner spares the block that the migrate scanner comes to next. With a seed that leaves the
    last frame of the zone used, the free scanner's last look at that block finds nothing, doubles its
    stride and so misses targets; the default seed leaves it free.
    """
    machine = comb_machine(kernel, textbook=textbook)
    process = fragment(machine, used_frames(seed))
    for block in pinned_blocks:
        _pin_one(process, block)
    set_reserve(machine)
    return machine, process


def comb_machine(kernel: str, *, textbook: bool = True) -> Machine:
    """The comb's machine with all frames free, and no reserve yet."""
    memory = Memory(
        zones=(("Normal", COMB_FRAMES),),
        watermarks=False,
        pcp=0,
        kernel_pages=_KERNEL_PAGES,
        scanners_may_touch=textbook,
    )
    machine = Machine(kernel, memory_pages=COMB_FRAMES, start_pfn=_START_PFN, memory=memory)
    machine.write_sysctl("compaction_proactiveness", 0)
    return machine


def set_reserve(machine: Machine) -> None:
    """What the scenario sets after the boot rules: the smallest reserve that the kernel knows."""
    machine.write_sysctl("min_free_kbytes", _MIN_FREE_KBYTES)


def used_frames(seed: int = _SEED) -> frozenset[int]:
    """Which frames of the comb are in use (counted from 0): one drawn from each group of four."""
    rng = random.Random(seed)
    return frozenset(group * 4 + rng.randrange(4) for group in range(COMB_FRAMES // 4))


def fragment(machine: Machine, kept: Collection[int]) -> Process:
    """Let a process use every free frame, then give back all but those ``kept`` (frames counted from 0)."""
    process = occupy(machine)
    give_back(process, kept)
    return process


def occupy(machine: Machine) -> Process:
    """A process that uses every free frame.

    It maps with MADV_NOHUGEPAGE, so that it gets base pages and khugepaged leaves it alone.
    """
    process = machine.process("hog")
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


def _pin_one(process: Process, block: int) -> None:
    """Take an extra reference on a used frame of a pageblock, the lowest address that has none yet.

    The frame can't be moved any more.
    """
    refcount = process.mm.kernel.mem_map.refcount
    for address, frame in _mapped_frames(process):
        if frame >> 9 == block and refcount[frame] == 1:
            process.pin(address)
            return
    raise ValueError(f"pageblock {block} has no used frame; the comb has blocks 0 to 7")
