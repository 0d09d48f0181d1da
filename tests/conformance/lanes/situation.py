"""The machine that the lanes were recorded on, in the model: a tenth of it, in the same state.

1 processor, no swap, zones DMA and DMA32. A hog keeps one page of every four, which one is drawn; an
eater has every block of 2 MiB that there was. So three quarters of the memory are free and no huge page is
to be had. Page tables come from outside the zones, as the slack of the recorded machine saw to. Page
cache comes on top and is not a tenth: what kswapd has to free for compaction, 1024 pages, is not either.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from thplab.machine import Machine, Process
from thplab.mm.include.mmzone import Memory
from thplab.mm.include.pgtable import entry_pfn, walk
from thplab.mm.readahead import read_page
from thplab.scenario.surroundings import start_keeper

__all__ = ["PAGE", "REGION", "WINDOW", "WINDOWS", "Situation", "free_huge_blocks"]

PAGE, WINDOW, WINDOWS = 4096, 2 << 20, 40
REGION, _EATEN, _HOG = 0x7F0000000000, 0x200000000000, 0x100000000000
#: Frames of zone DMA: all, and so few that beside a small DMA32 it can't be compacted either.
DMA_LARGE, DMA_SMALL = 3840, 1024
#: Frames of zone DMA32: a tenth, and all (the recorded one managed a few less in its last pageblock).
TENTH, WHOLE = 24064, 244224
_RESERVE_KBYTES = 45056
_CACHE_PAGES, _RUN = 4096, 64
#: Frames that the hog leaves, by size of DMA32: enough for the reserves of both zones, but no block.
_SPARED = {TENTH: 320, WHOLE: 2304}
_HOUR = 3_600_000


@dataclass
class Situation:
    """The machine and who is on it."""

    machine: Machine
    hog: Process
    eater: Process
    toucher: Process
    hog_pages: int
    dma32: int
    eaten: int = 0

    @classmethod
    def fragmented(cls, kernel: str, *, cache: bool, dma: int, dma32: int = TENTH) -> Situation:
        """``cache``: there is page cache to reclaim; ``dma``, ``dma32``: frames of the zones."""
        frames = dma + dma32 + (_CACHE_PAGES if cache else 0)
        memory = Memory(zones=(("DMA", dma), ("DMA32", frames - dma)), pcp=252, kernel_pages=1024)
        machine = Machine(kernel, memory_pages=frames, start_pfn=0x1000 - dma, memory=memory)
        machine.write_sysctl("compaction_proactiveness", 0)
        machine.set_knobs([("enabled", "madvise"), ("khugepaged/scan_sleep_millisecs", _HOUR)])
        start_keeper(machine, 0)
        machine.wake_khugepaged()
        machine.write_sysctl("min_free_kbytes", 128)
        zones = machine.kernel.node.zones
        pages = sum(zone.free_pages + zone.pcp.count for zone in zones) - _SPARED[dma32]
        people = [machine.process(name) for name in ("hog", "eater", "toucher")]
        self = cls(machine, people[0], people[1], people[2], pages - (_CACHE_PAGES if cache else 0), dma32)
        self._map_all()
        self._fill(cache=cache)
        self.give_back_three_of_four()
        self._settle()
        return self

    def _map_all(self) -> None:
        self.hog.mmap(_HOG, self.hog_pages * PAGE)
        self.hog.madvise(_HOG, self.hog_pages * PAGE, "nohugepage")
        self.eater.mmap(_EATEN, 64 * WINDOW)
        self.eater.madvise(_EATEN, 64 * WINDOW, "hugepage")
        self.toucher.mmap(REGION, WINDOWS * WINDOW)

    def _fill(self, *, cache: bool) -> None:
        """The hog takes everything; page cache comes in between, so that no pageblock is only cache."""
        step = self.hog_pages * _RUN // _CACHE_PAGES if cache else self.hog_pages
        for page in range(0, self.hog_pages, step):
            for _ in range(_RUN if cache else 0):
                read_page(self.machine.kernel)
            length = min(step, self.hog_pages - page)
            self.hog.madvise(_HOG + page * PAGE, length * PAGE, "populate_write")

    def give_back_three_of_four(self) -> None:
        """Of each aligned group of four frames one stays with the hog, which one is drawn."""
        rng = random.Random(34)
        groups = len(self.machine.kernel.mem_map.refcount) // 4
        kept = [group * 4 + rng.randrange(4) for group in range(groups)]
        gone = [page for page, frame in self.hog_frames() if frame != kept[frame // 4]]
        start = end = -1
        for page in [*gone, -1]:
            if page != end:
                if start >= 0:
                    self.hog.madvise(_HOG + start * PAGE, (end - start) * PAGE, "dontneed")
                start = page
            end = page + 1

    def _settle(self) -> None:
        """The reserve as it should be; what was left over from the filling is served and eaten."""
        self.machine.write_sysctl("min_free_kbytes", _RESERVE_KBYTES * self.dma32 // WHOLE)
        self.machine.set_knobs([("defrag", "never")])
        self.eat()
        for percent in (1, 0):
            self.machine.write_sysctl("compaction_proactiveness", percent)
        self.eat()
        self.machine.set_knobs([("defrag", "madvise")])
        self.machine.run_for(1000)

    def hog_frames(self) -> list[tuple[int, int]]:
        """(page, frame) of all that the hog has, frames counted from 0."""
        start_pfn = self.machine.kernel.mem_map.start_pfn
        entries = ((page, walk(self.hog.mm, _HOG + page * PAGE)[-1][2]) for page in range(self.hog_pages))
        return [(page, entry_pfn(entry) - start_pfn) for page, entry in entries if entry]

    def eat(self) -> None:
        """The eater touches one window after the other until one is not huge; that one it gives back."""
        fallbacks = self.machine.vmstat("thp_fault_fallback")
        while self.machine.vmstat("thp_fault_fallback") == fallbacks:
            address = _EATEN + self.eaten * WINDOW
            self.eater.write(address, 1)
            self.eaten += 1
        self.eater.munmap(address, WINDOW)

    def pin(self, every: int) -> None:
        """One extra reference on a page of the hog, in each ``every``-th pageblock."""
        seen: dict[int, int] = {}
        for page, frame in self.hog_frames():
            seen.setdefault(frame // 512, page)
        for block, page in seen.items():
            if block % every == 0:
                self.hog.pin(_HOG + page * PAGE)

    def refill(self, recorded_free: int) -> None:
        """The hog takes pages back until DMA32 has as many free as the recorded one had, in proportion."""
        zone = self.machine.kernel.node.zones[1]
        left = recorded_free * self.dma32 // WHOLE
        page = 0
        while zone.free_pages > left:
            length = max(1, (zone.free_pages - left) // 2)
            self.hog.madvise(_HOG + page * PAGE, length * PAGE, "populate_write")
            page += length


def free_huge_blocks(machine: Machine) -> int:
    """Free blocks of 2 MiB, those inside of larger blocks counted."""
    return sum(zone.nr_free[9] + 2 * zone.nr_free[10] for zone in machine.kernel.node.zones)
