"""Access patterns: which addresses a program touches in which order, and what its TLB makes of it.

process = Machine().process("app")
process.mmap(0x7fda81800000, 4 << 20)
print(run_pattern(process, Tlb(64, 4), sequential(0x7fda81800000, 4 << 20)))
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from thplab.machine import Process
from thplab.mm.kthread import running
from thplab.mm.tlb import Tlb, tlb_access
from thplab.words import counted

_PAGE = 4096


def strided(start: int, length: int, stride: int, *, laps: int = 1) -> Iterator[int]:
    """Every ``stride`` bytes from ``start`` on, ``laps`` times over."""
    for _ in range(laps):
        yield from range(start, start + length, stride)


def sequential(start: int, length: int, *, laps: int = 1) -> Iterator[int]:
    """Each base page once, in address order, ``laps`` times over."""
    return strided(start, length, _PAGE, laps=laps)


def random_order(start: int, length: int, count: int, *, seed: int) -> Iterator[int]:
    """``count`` pages drawn with ``seed``, each page as likely as another, each time anew."""
    draw = random.Random(seed)
    for _ in range(count):
        yield start + draw.randrange(length // _PAGE) * _PAGE


def sparse(start: int, length: int, count: int, *, every: int, seed: int) -> Iterator[int]:
    """``count`` touches of one page in each ``every`` bytes; which page of the chunk is drawn once."""
    draw = random.Random(seed)
    places = [
        start + chunk + draw.randrange(every // _PAGE) * _PAGE
        for chunk in range(0, length // every * every, every)
    ]
    for _ in range(count):
        yield draw.choice(places)


@dataclass(frozen=True, slots=True)
class AccessReport:
    """What a pattern cost: ``references`` are entries of page tables read; ``rss`` is in pages."""

    accesses: int
    hits: int
    walks: int
    references: int
    faults: int
    rss: int

    @property
    def hit_rate(self) -> float:
        """Share of the accesses that needed no walk."""
        return self.hits / self.accesses if self.accesses else 0.0

    def __str__(self) -> str:
        """One line."""
        return (
            f"{counted(self.accesses, 'access', 'accesses')}: {counted(self.hits, 'TLB hit')} "
            f"({self.hit_rate:.1%}), {counted(self.walks, 'walk')} "
            f"that read {counted(self.references, 'entry', 'entries')}, {counted(self.faults, 'fault')}; "
            f"{counted(self.rss, 'page')} resident"
        )


def run_pattern(process: Process, tlb: Tlb, addresses: Iterable[int], *, write: bool = False) -> AccessReport:
    """Touch the addresses in turn; what that cost, without what the TLB had counted before.

    The daemon gets no turn in between: it may run after the next system call. Raises KernelError (EFAULT)
    outside the mappings.
    """
    before = _counts(tlb)
    with running(process.mm.kernel, process.mm.task):
        for address in addresses:
            tlb_access(tlb, process.mm, address, write=write)
    accesses, hits, walks, references, faults = (b - a for a, b in zip(before, _counts(tlb), strict=True))
    return AccessReport(accesses, hits, walks, references, faults, process.mm.rss)


def _counts(tlb: Tlb) -> tuple[int, ...]:
    return tlb.accesses, tlb.hits, tlb.walks, tlb.references, tlb.faults
