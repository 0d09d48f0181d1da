"""What stands around a scenario's processes: the keeper, the marker, and their own other VMAs.

The recordings of real kernels were made by programs that have a heap, libraries and stacks besides
the region in which the scenario happens. Khugepaged pays a unit of its budget for each such VMA, so they
are there in the model where the budget is what a scenario is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from thplab.machine import Machine, Process

_MARKER_WINDOWS = 64


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How many other VMAs there are: of the keeper, and of each process below and above its region.

    ``below`` and ``above``: process -> VMAs; ``usual`` counts for those not named.
    """

    keeper: int = 128
    usual: tuple[int, int] = (0, 130)
    below: Mapping[str, int] = field(default_factory=dict)
    above: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_photographs(cls, before: Mapping[str, Any]) -> Surroundings:
        """Read the counts out of recorded photographs, one of each process.

        The keeper, which is not in them, is a program of the same kind with one VMA less.
        """
        below = {name: photo["vmas_below"] for name, photo in before.items() if "vmas_below" in photo}
        above = {name: photo["vmas_above"] for name, photo in before.items() if "vmas_above" in photo}
        if not below or not above:
            return cls()
        usual = (next(iter(below.values())), next(iter(above.values())))
        return cls(sum(usual) - 1, usual, below, above)

    def furnish(self, process: Process, region: int, end: int) -> None:
        """Give a process of the scenario its other VMAs."""
        name = process.mm.name
        _small_vmas(process, region // 2, self.below.get(name, self.usual[0]))
        _small_vmas(process, end, self.above.get(name, self.usual[1]))


def _small_vmas(process: Process, address: int, count: int) -> None:
    """``count`` VMAs of one page each from ``address`` on, with gaps between them."""
    page = process.mm.kernel.geometry.PAGE_SIZE
    for number in range(count):
        process.mmap(address + (2 * number + 1) * page, page)


def _region(machine: Machine) -> tuple[int, int]:
    """Where the auxiliary processes have their windows, in the middle of user space; a window's size."""
    geometry = machine.kernel.geometry
    size = geometry.HPAGE_PMD_SIZE
    return geometry.TASK_SIZE // 2 // size * size, size


def start_keeper(machine: Machine, vmas: int) -> None:
    """A process that stays registered with nothing to scan: its one window was unmapped again."""
    keeper = machine.process("keeper")
    region, size = _region(machine)
    keeper.mmap(region, size)
    keeper.write(region, 1)
    keeper.madvise(region, size, "hugepage")
    keeper.munmap(region, size)
    _small_vmas(keeper, region + size, vmas)


def start_marker(machine: Machine, vmas: tuple[int, int]) -> None:
    """A process with windows that are looked at and never collapsed.

    The one page of the first is old, the others have no page table.
    """
    marker = machine.process("marker")
    region, size = _region(machine)
    marker.mmap(region, _MARKER_WINDOWS * size)
    marker.write(region, 1)
    marker.madvise(region, _MARKER_WINDOWS * size, "hugepage")
    marker.clear_refs()
    _small_vmas(marker, region // 2, vmas[0])
    _small_vmas(marker, region + _MARKER_WINDOWS * size, vmas[1])
