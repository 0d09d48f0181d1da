"""Intruders: what other tasks do while a window is being collapsed.

A step says where and what: ``"intruders": [{"at": "after_alloc", "proc": "a", "op": {"op": "munmap",
"pages": [[0, 256]]}}]``. Each kind of op declares the one lock that it needs. If that is free at the gap,
the op happens there; if not, it queues on the lock and happens when the lock is released, which may be
at a later gap or after the collapse.

    munmap, mprotect, mmap, fork, clear_refs, advise hugepage and nohugepage    mmap_lock for writing
    exit                the process counts as gone at once; the rest needs mmap_lock for writing
    write, read         what a fault needs, if they fault: the VMA's lock, or mmap_lock, for reading
    advise dontneed     the same
    advise ..., collapse    mmap_lock for reading
    pin                 nothing while the page tables lead to the page (GUP-fast), else mmap_lock for reading
    swapout             the anon_vma for reading, then each page's lock, which it only tries
    unpin, lock_page, unlock_page, isolate_page, putback_page, set    nothing

``"nth": 2`` waits for the second time that the gap is reached in the step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from thplab.mm.exit import begin_exit, exit_mm
from thplab.mm.include.lock import Lock, Waiter, wait_for, would_wait
from thplab.mm.include.mm_types import Mm, vma_lookup
from thplab.mm.include.pgtable import _PAGE_PRESENT, _PAGE_RW, walk
from thplab.mm.kthread import running
from thplab.mm.madvise.syscall import dontneed_lock
from thplab.mm.memory.fault import fault_lock
from thplab.scenario.actor import Actor
from thplab.scenario.errors import ScenarioError
from thplab.scenario.gaps import GAPS, LOCKLESS, WRITERS, probed
from thplab.scenario.ops import perform

if TYPE_CHECKING:
    from thplab.scenario.run import ScenarioRun

__all__ = ["intruding", "needed"]


class _Intruder:
    """One intruder of a step: ``spec`` as it stands there, and what became of it."""

    def __init__(self, run: ScenarioRun, spec: Mapping[str, Any]) -> None:
        self.run = run
        self.spec = spec
        self.name = spec.get("proc", run.scenario.processes[0].name)
        self.outcome = "never: the gap was not reached"
        self.error: str | None = None

    @property
    def actor(self) -> Actor:
        first, _, child = self.name.partition(".")
        actor = self.run.actors.get(first)
        if actor is not None and child:
            actor = actor.kids.get(child)
        if actor is None:
            raise ScenarioError(f"intruder: no process {self.name!r}; there are {', '.join(self.run.actors)}")
        return actor

    def arrive(self) -> None:
        """At the gap: act, or queue on the lock that is needed."""
        op, actor = self.spec["op"], self.actor
        if not actor.alive:
            self.outcome = "never: the process has exited"
            return
        if op["op"] == "exit":
            begin_exit(actor.process.mm)
        lock, write = needed(actor, op)
        if lock is None or not would_wait(lock, write=write):
            self.outcome = "at once"
            self.act()
            return
        how = "writing" if write else "reading"
        self.outcome = f"still waits for {lock.name} for {how}"
        done = f"after waiting for {lock.name} for {how}"
        wait_for(lock, Waiter(f"{op['op']} by {self.name}", partial(self.act, done), write=write))

    def act(self, outcome: str | None = None) -> None:
        """Do it; what a system call refuses is part of the outcome."""
        self.outcome = outcome or self.outcome
        actor, op = self.actor, self.spec["op"]
        with self.run.machine.daemons_held_back():
            try:
                if op["op"] == "exit":
                    with running(actor.process.mm.kernel, actor.process.mm.task):
                        exit_mm(actor.process.mm)
                elif actor.alive:
                    perform(actor, op, holds_lock=True)
                else:
                    self.outcome = "never: the process has exited"
            except ScenarioError as error:
                self.error = str(error)

    def report(self) -> dict[str, Any]:
        """What a step says about it."""
        seen = {"at": self.spec["at"], "proc": self.name, "op": self.spec["op"]["op"], "ran": self.outcome}
        return {**seen, "error": self.error} if self.error else seen


def needed(actor: Actor, op: Mapping[str, Any]) -> tuple[Lock | None, bool]:
    """The lock that an op needs, and whether for writing."""
    mm, kind = actor.process.mm, op["op"]
    if kind in WRITERS or op.get("advice") in ("hugepage", "nohugepage"):
        return mm.mmap_lock, True
    if kind in LOCKLESS:
        return None, False
    addresses = [actor.address(page) for page in actor.pages(op)]
    if kind in ("write", "read"):
        faulting = (at for at in addresses if _faults(mm, at, write=kind == "write"))
        return _the_busiest(fault_lock(mm, at) for at in faulting), False
    if kind == "pin":
        walks_by_itself = not any(_faults(mm, at, write=False) for at in addresses)
        return None if walks_by_itself else mm.mmap_lock, False
    vmas = {id(vma): vma for vma in (vma_lookup(mm, at) for at in addresses) if vma is not None}
    if kind == "swapout":
        return _the_busiest(vma.anon_vma.lock for vma in vmas.values() if vma.anon_vma is not None), False
    if op.get("advice") == "dontneed" and len(vmas) == 1:
        return dontneed_lock(*vmas.values()), False
    return mm.mmap_lock, False


def _the_busiest(locks: Iterable[Lock]) -> Lock | None:
    """Of several locks needed for reading in turn, one that would have to be waited for, if any would."""
    lock = None
    for lock in locks:
        if would_wait(lock, write=False):
            break
    return lock


def _faults(mm: Mm, address: int, *, write: bool) -> bool:
    """Would the processor fault here? (Looked up without a trace, unlike a real access.)"""
    entry = walk(mm, address)[-1][2]
    bits = _PAGE_PRESENT | (_PAGE_RW if write else 0)
    return entry & bits != bits


@contextmanager
def intruding(run: ScenarioRun, specs: Sequence[Mapping[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Let the intruders of a step act while the block runs; the list then holds a report of each."""
    reports: list[dict[str, Any]] = []
    everybody = [_Intruder(run, spec) for spec in specs]
    waiting, times = list(everybody), Counter[str]()

    def reached(gap: str) -> None:
        times[gap] += 1
        due = (gap, times[gap])
        for intruder in [each for each in waiting if (each.spec["at"], each.spec.get("nth", 1)) == due]:
            waiting.remove(intruder)
            intruder.arrive()

    with probed({name: partial(reached, name) for name in GAPS if any(s["at"] == name for s in specs)}):
        yield reports
    reports += [intruder.report() for intruder in everybody]
