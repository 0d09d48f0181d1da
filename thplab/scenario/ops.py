"""What a scenario's processes do: each op becomes the system calls and faults that it stands for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from thplab.machine import Machine, Process
from thplab.mm.errors import KernelError
from thplab.scenario.data import Scenario, ScenarioError, Unsupported

__all__ = ["Actor", "token"]

_ADVICE = ("hugepage", "nohugepage", "dontneed")
_PROTECTIONS = ("rw", "r", "none")


def token(page: int, gen: int) -> int:
    """What a page contains after ``write`` with this generation (u32, never 0)."""
    return (page * 64 + gen % 63 + 1) & 0xFFFFFFFF


class Actor:
    """One process of a scenario while it runs: its ranges, what it wrote, what it pinned.

    ``log`` collects results that the recordings log, e.g. the errno of a refused madvise.
    """

    def __init__(self, scenario: Scenario, machine: Machine, name: str) -> None:
        """Start the process."""
        self.scenario = scenario
        self.machine = machine
        self.name = name
        self.process: Process = machine.process(name)
        self.mapped: list[tuple[int, int]] = []
        self.expected: dict[int, int] = {}
        self.pins: dict[int, list[int]] = {}

    def address(self, page: int) -> int:
        """Virtual address of page number ``page`` of the region."""
        return self.scenario.machine.region + page * self.machine.kernel.geometry.PAGE_SIZE

    def do(self, op: Mapping[str, Any]) -> None:
        """Carry out one op. Raises ScenarioError (not an op), Unsupported (the model can't)."""
        name = op["op"]
        if name in _OPS:
            _OPS[name](self, op)
        elif name in _OTHER_OPS:
            raise Unsupported(f"op {name!r} is not modelled")
        else:
            raise ScenarioError(f"unknown op {name!r}; allowed: {', '.join(sorted([*_OPS, *_OTHER_OPS]))}")

    def ranges(self, op: Mapping[str, Any]) -> list[tuple[int, int]]:
        """The page ranges of an op; without ``pages`` all ranges as they were mapped."""
        pages = op.get("pages")
        return [(first, end) for first, end in pages] if pages is not None else list(self.mapped)

    def pages(self, op: Mapping[str, Any]) -> Iterator[int]:
        """The page numbers of an op, in order, or drawn by the seed ``shuffle``."""
        numbers = [page for first, end in self.ranges(op) for page in range(first, end)]
        if "shuffle" in op:
            random.Random(op["shuffle"]).shuffle(numbers)
        return iter(numbers)

    def bytes_of(self, first: int, end: int) -> tuple[int, int]:
        """Start address and length in bytes of a page range."""
        return self.address(first), (end - first) * self.machine.kernel.geometry.PAGE_SIZE

    def verify(self) -> list[int]:
        """Pages that do not read back what was written, or zero where nothing was."""
        bad = []
        for page, expected in sorted(self.expected.items()):
            try:
                if self.process.read(self.address(page)) != expected:
                    bad.append(page)
            except KernelError:
                continue  # unmapped or made inaccessible on purpose
        return bad


def _mmap(actor: Actor, op: Mapping[str, Any]) -> None:
    if op.get("kind", "anon") != "anon" or op.get("locked"):
        raise Unsupported(f"mmap of kind {op.get('kind', 'locked')!r} is not modelled")
    if op.get("prot", "rw") not in _PROTECTIONS:
        raise ScenarioError(f"mmap: prot {op['prot']!r}; allowed: {', '.join(_PROTECTIONS)}")
    first, count = op["start"], op["pages"]
    actor.process.mmap(*actor.bytes_of(first, first + count), op.get("prot", "rw"))
    actor.mapped.append((first, first + count))
    for page in range(first, first + count):
        actor.expected.pop(page, None)


def _munmap(actor: Actor, op: Mapping[str, Any]) -> None:
    for first, end in actor.ranges(op):
        actor.process.munmap(*actor.bytes_of(first, end))
        _forget(actor, first, end)


def _forget(actor: Actor, first: int, end: int, *, value: int | None = None) -> None:
    for page in range(first, end):
        if actor.expected.pop(page, None) is not None and value is not None:
            actor.expected[page] = value


def _write(actor: Actor, op: Mapping[str, Any]) -> None:
    for page in actor.pages(op):
        written = token(page, op.get("gen", 0))
        actor.process.write(actor.address(page), written)
        actor.expected[page] = written


def _read(actor: Actor, op: Mapping[str, Any]) -> None:
    for page in actor.pages(op):
        actor.process.read(actor.address(page))
        actor.expected.setdefault(page, 0)


def _advise(actor: Actor, op: Mapping[str, Any]) -> None:
    advice = op["advice"]
    if advice not in _ADVICE:
        raise Unsupported(f"advice {advice!r} is not modelled")
    for first, end in actor.ranges(op):
        try:
            actor.process.madvise(*actor.bytes_of(first, end), advice)
        except KernelError as error:
            if error.errno is None:
                raise
        if advice == "dontneed":
            _forget(actor, first, end, value=0)


def _pin(actor: Actor, op: Mapping[str, Any]) -> None:
    for page in actor.pages(op):
        actor.pins.setdefault(page, []).append(actor.process.pin(actor.address(page)))


def _unpin(actor: Actor, op: Mapping[str, Any]) -> None:
    chosen = list(actor.pages(op)) if "pages" in op else list(actor.pins)
    for page in chosen:
        if not actor.pins.get(page):
            raise ScenarioError(f"unpin: page {page} is not pinned")
        while actor.pins[page]:
            actor.process.unpin(actor.pins[page].pop())


def _clear_refs(actor: Actor, op: Mapping[str, Any]) -> None:
    actor.process.clear_refs()


_OPS: dict[str, Callable[[Actor, Mapping[str, Any]], None]] = {
    "mmap": _mmap,
    "munmap": _munmap,
    "write": _write,
    "read": _read,
    "advise": _advise,
    "pin": _pin,
    "unpin": _unpin,
    "clear_refs": _clear_refs,
}

#: Ops of the format that need more than the model has.
_OTHER_OPS = (
    "write_same", "mprotect", "mlock", "fork", "kid", "kid_exit", "uffd_wp", "cgroup", "cgroup_limit", "set",
    "prctl_thp_disable", "ksm_wait",
)  # fmt: skip
