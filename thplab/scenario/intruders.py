"""Intruders: what other tasks do while a window is being collapsed.

A step says where and what: ``"intruders": [{"at": "after_alloc", "proc": "a", "op": {"op": "munmap",
"pages": [[0, 256]]}}]``. Each kind of op declares the locks that it needs. If they are free at the gap,
the op happens there; if not, it queues on the first that is not, and asks again when that is released, which
may be at a later gap or after the collapse.
docs/scenario-format.md lists the ops and their locks.

``"nth": 2`` waits for the second time that the gap is reached in the step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from thplab.mm.exit import begin_exit
from thplab.mm.include.lock import Lock, Waiter, WouldSleep, wait_for
from thplab.scenario.actor import Actor
from thplab.scenario.errors import ScenarioError, Unsupported
from thplab.scenario.gaps import GAPS, probed
from thplab.scenario.locks import first_to_wait_for
from thplab.scenario.spec import INTRUDER_OP, INTRUDER_OPS, perform
from thplab.scenario.values import PROC, Key, list_of, number, object_of, word

if TYPE_CHECKING:
    from thplab.scenario.run import ScenarioRun

INTRUDER_KEYS = {
    "at": Key(word(GAPS), "the gap of the collapse", needed=True),
    "nth": Key(number(1, 1 << 20), "act when the step reaches the gap for the nth time", 1),
    "proc": Key(PROC, "the process", "the first one"),
    "op": Key(replace(INTRUDER_OP, name="intruder"), "what it does", needed=True),
}
#: What other tasks do while a step runs, as a value of a key.
INTRUDERS = list_of(object_of(INTRUDER_KEYS))


class _Intruder:
    """One intruder of a step: ``spec`` as it stands there, and what became of it."""

    def __init__(self, run: ScenarioRun, spec: Mapping[str, Any]) -> None:
        self.run = run
        self.spec = spec
        self.name = spec.get("proc", run.scenario.processes[0].name)
        self.outcome = "never: the gap was not reached"
        self.error: str | None = None
        self.waited: list[str] = []

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
        self._act_or_wait()

    def _act_or_wait(self, woken_by: Lock | None = None) -> None:
        """With all locks free: act. Else queue for the first; another may be taken when that is free."""
        actor, op = self.actor, self.spec["op"]
        missing = first_to_wait_for(actor, INTRUDER_OPS[op["op"]].lock, op, woken_by)
        if missing is None:
            self.outcome = f"after waiting for {', '.join(self.waited)}" if self.waited else "at once"
            self.act()
            return
        lock, write = missing
        self.waited.append(f"{lock.name} for {'writing' if write else 'reading'}")
        self.outcome = f"still waits for {self.waited[-1]}"
        wake = partial(actor.turns.wake, partial(self._act_or_wait, lock))
        wait_for(lock, Waiter(self.name, op["op"], wake, write=write))

    def act(self) -> None:
        """Do it; what a system call refuses is part of the outcome."""
        actor, op = self.actor, self.spec["op"]
        with self.run.machine.daemons_held_back():
            try:
                if op["op"] == "exit":
                    INTRUDER_OPS["exit"].act(actor, op)
                elif actor.alive:
                    perform(actor, op, holds_lock=True)
                else:
                    self.outcome = "never: the process has exited"
            except ScenarioError as error:
                self.error = str(error)
            except WouldSleep as error:
                raise Unsupported(
                    f"intruder {op['op']!r} at {self.spec['at']}: it would sleep for a lock in the middle of "
                    f"what it does, which is not modelled ({error})"
                ) from error

    def report(self) -> dict[str, Any]:
        """What a step says about it."""
        seen = {"at": self.spec["at"], "proc": self.name, "op": self.spec["op"]["op"], "ran": self.outcome}
        return {**seen, "error": self.error} if self.error else seen


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
