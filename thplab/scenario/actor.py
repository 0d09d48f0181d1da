"""One process of a scenario while it runs: where it mapped, what it wrote, what it pinned."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from thplab.machine import Machine, Process
from thplab.mm.include.errors import KernelError
from thplab.scenario.errors import ScenarioError
from thplab.scenario.turns import Turns
from thplab.scenario.work import NOTE, spend

#: What a child is called if nothing else is said.
DEFAULT_KID = "k"


def token(page: int, gen: int) -> int:
    """What a page contains after ``write`` with this generation (u32, never 0)."""
    return (page * 64 + gen % 63 + 1) & 0xFFFFFFFF


class Actor:
    """A process and what the scenario knows of it.

    ``region``: address of page 0; ``mapped``: every range as it was mapped;
    ``expected``: page -> what it must read, or zero if it is among ``given_back``;
    ``shared``: the same of shared memory, which children have in common; ``shared_ranges``: where that is;
    ``spared``: pages that MADV_PAGEOUT leaves in memory; ``pins``: page -> frames held;
    ``kids``: id -> child; ``log``: results as the recordings log them; ``turns``: of all processes.
    """

    def __init__(
        self,
        machine: Machine,
        process: Process,
        region: int,
        spared: frozenset[int] = frozenset(),
        turns: Turns | None = None,
    ) -> None:
        """An actor that has done nothing yet."""
        self.machine = machine
        self.process = process
        self.region = region
        self.spared = spared
        self.turns = turns or Turns(machine)
        self.mapped: list[tuple[int, int]] = []
        self.expected: dict[int, int] = {}
        self.shared: dict[int, int] = {}
        self.shared_ranges: list[tuple[int, int]] = []
        self.given_back: set[int] = set()
        self.pins: dict[int, list[int]] = {}
        self.kids: dict[str, Actor] = {}
        self.log: list[dict[str, Any]] = []

    @property
    def name(self) -> str:
        """The process's name; a child's is ``parent.id``."""
        return self.process.mm.name

    @property
    def alive(self) -> bool:
        """False once the process has exited."""
        return bool(self.process.mm.mm_users)

    @property
    def mmap_lock_is_taken(self) -> bool:
        """True while somebody holds the mmap_lock for writing: the process itself would wait for it."""
        return self.process.mm.mmap_lock.writer is not None

    def refuse_to_wait(self, what: str) -> None:
        """ScenarioError if the process would have to wait for its mmap_lock, which nobody releases."""
        if self.mmap_lock_is_taken:
            raise ScenarioError(f"{what}: process {self.name} would wait for its mmap_lock; unlock_mm first")

    def address(self, page: int) -> int:
        """Virtual address of page number ``page`` of the region."""
        return self.region + page * self.machine.kernel.geometry.PAGE_SIZE

    def place(self, first: int, end: int) -> tuple[int, int]:
        """Start address and length in bytes of a page range."""
        return self.address(first), (end - first) * self.machine.kernel.geometry.PAGE_SIZE

    def ranges(self, op: Mapping[str, Any]) -> list[tuple[int, int]]:
        """The page ranges of an op; without ``pages`` all ranges as they were mapped."""
        pages = op.get("pages", self.mapped)
        spend(len(pages))
        return [(first, end) for first, end in pages]

    def pages(self, op: Mapping[str, Any]) -> Iterator[int]:
        """The page numbers of an op, in order, or drawn by the seed ``shuffle``."""
        ranges = self.ranges(op)
        spend(sum(end - first for first, end in ranges))
        numbers = [page for first, end in ranges for page in range(first, end)]
        if "shuffle" in op:
            random.Random(op["shuffle"]).shuffle(numbers)
        return iter(numbers)

    def note_mapping(self, first: int, end: int, *, shared: bool) -> None:
        """A new mapping: nothing of what was there before is left."""
        self.mapped.append((first, end))
        self.forget(first, end)
        cut = [(a, min(b, first)) for a, b in self.shared_ranges]
        cut += [(max(a, end), b) for a, b in self.shared_ranges] + [(first, end)] * shared
        self.shared_ranges = [(a, b) for a, b in cut if a < b]
        for page in [page for page in self.shared if first <= page < end]:
            del self.shared[page]

    def memory_of(self, page: int) -> dict[int, int]:
        """Where it is noted what ``page`` must read: ``shared`` or ``expected``."""
        return self.shared if any(a <= page < b for a, b in self.shared_ranges) else self.expected

    def forget(self, first: int, end: int, *, value: int | None = None) -> None:
        """What the pages held is gone: they read ``value`` from now on, or can't be read at all."""
        spend(len(self.expected) // 32)
        for page in [page for page in self.expected if first <= page < end]:
            if value is None:
                del self.expected[page]
            else:
                self.expected[page] = value

    def gave_back(self, first: int, end: int) -> None:
        """What the pages held may be gone at any time: then they read zero."""
        spend((len(self.expected) + len(self.shared)) // 32)
        noted = (page for memory in (self.expected, self.shared) for page in memory)
        self.given_back.update(page for page in noted if first <= page < end)

    def wrote(self, page: int, value: int) -> None:
        """The page holds this from now on."""
        spend(len(self.shared_ranges), NOTE)
        self.memory_of(page)[page] = value
        self.given_back.discard(page)

    def fork(self, id_: str) -> None:
        """Start a child that has seen what this process has seen."""
        with self.turns:
            spend(len(self.expected) // 32, NOTE * len(self.expected))
            process = self.process.fork(f"{self.name}.{id_}")
            child = Actor(self.machine, process, self.region, turns=self.turns)
            child.mapped, child.expected = list(self.mapped), dict(self.expected)
            child.shared, child.shared_ranges = self.shared, list(self.shared_ranges)
            child.given_back = set(self.given_back)
            self.kids[id_] = child

    def kid(self, op: Mapping[str, Any]) -> Actor:
        """The living child that an op names."""
        kid = self.kids.get(op.get("id", DEFAULT_KID))
        if kid is None or not kid.alive:
            living = ", ".join(id_ for id_, each in self.kids.items() if each.alive) or "none has been forked"
            raise ScenarioError(f"{op['op']}: no child {op.get('id', DEFAULT_KID)!r}; there are: {living}")
        return kid

    def windows(self) -> int:
        """How many windows a photograph of the process shows."""
        ends = [end for _, end in self.mapped]
        return -(-max(ends, default=0) // self.machine.kernel.geometry.HPAGE_PMD_NR)

    def verify(self) -> dict[str, Any]:
        """Which pages do not read back what was written, or zero where nothing was."""
        bad: list[int] = []
        if self.mmap_lock_is_taken:
            return {"checked": 0, "bad": bad, "ok": True}
        everything = {**self.expected, **self.shared}
        spend(len(everything))
        for page, expected in sorted(everything.items()):
            try:
                found = self.process.read(self.address(page))
            except KernelError:
                continue  # made inaccessible on purpose
            if found != expected and not (page in self.given_back and not found):
                bad.append(page)
        kids = {f"kid_{id_}": kid.verify() for id_, kid in self.kids.items() if kid.alive}
        ok = not bad and all(kid["ok"] for kid in kids.values())
        return {"checked": len(everything), "bad": bad, "ok": ok, **kids}
