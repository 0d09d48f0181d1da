"""A fragmented machine in small: three of every four pages free, and no room for one huge page.

One zone named Normal of 4096 user frames (8 pageblocks); of each aligned group of four frames one is
in use, which one is drawn. So 1024 frames are used and 3072 are free, in single pages and pairs.
Page tables come from outside the zone, there are no per-CPU lists, and the reserves are small.
"""

from __future__ import annotations

from collections.abc import Collection

from thplab.machine import Machine, Process
from thplab.mm.include.mmzone import Memory
from thplab.scenario.fragment import fragment, one_of_four, pin_one, set_reserve

COMB_FRAMES = 4096
#: For page tables, outside the zone.
_KERNEL_PAGES = 256
_START_PFN = 0x100000
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
        pin_one(process, block)
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


def used_frames(seed: int = _SEED) -> frozenset[int]:
    """Which frames of the comb are in use (counted from 0): one drawn from each group of four."""
    return one_of_four(COMB_FRAMES, seed)
