"""How much a scenario may cost: counted in what the model does, so that the limit is the same everywhere.

A *step* is a lock that is taken, an event that is counted or traced, a page table that is looked up, a page
that the scenario names. The model's functions are counted from outside, as gaps.py finds its places: while
:func:`limited` lasts, their names lead to wrappers. Memory is an estimate of what is kept.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from thplab.limits import Limits
from thplab.machine import Machine
from thplab.mm.include.lock import down_read, down_write
from thplab.mm.include.pgtable import mm_find_pmd
from thplab.mm.kthread import kthread_resume
from thplab.mm.trace import trace
from thplab.mm.vmstat import count_vm_event
from thplab.points import Function
from thplab.scenario.gaps import bindings

__all__ = ["NotFinished", "limited", "now", "spend"]

#: Bytes that are kept for each of these.
FRAME, SLOT, NOTE, EVENT, WINDOW = 24, 8, 160, 1200, 800

_COUNTED: dict[Function, int] = {
    down_read: 0,
    down_write: 0,
    mm_find_pmd: 0,
    kthread_resume: 0,
    count_vm_event: 0,
    trace: EVENT,
}
_BINDINGS = {function: bindings(function) for function in _COUNTED}


class NotFinished(Exception):
    """A scenario was given up at one of its limits; says how far it came."""


@dataclass
class _Work:
    limits: Limits
    steps: int = 0
    bytes: int = 0
    where: str = "its processes are set up"
    machine: Machine | None = field(default=None, repr=False)

    def spend(self, steps: int, kept: int) -> None:
        self.steps += steps
        self.bytes += kept
        if self.steps > self.limits.steps:
            self._give_up("steps", f"{self.limits.steps} steps of the model")
        if self.bytes > self.limits.memory << 20:
            self._give_up("memory", f"{self.limits.memory} MiB")

    def _give_up(self, option: str, what: str) -> None:
        passed = ""
        if self.machine is not None:
            kernel = self.machine.kernel
            passed = f"; {kernel.clock.now // 1_000_000} ms and {kernel.khugepaged.passes} passes of "
            passed += "khugepaged are over"
        raise NotFinished(
            f"not finished: more than {what} are needed while {self.where}{passed}; "
            f"allow more with --{option}, in Python with Limits({option}=...)"
        )


_WORK: ContextVar[_Work | None] = ContextVar("work", default=None)


def spend(steps: int = 0, kept: int = 0) -> None:
    """Count steps, and bytes that are kept. Raises NotFinished at a limit; without one nothing happens."""
    work = _WORK.get()
    if work is not None:
        work.spend(steps, kept)


def now(where: str, machine: Machine | None = None) -> None:
    """What is done from now on, to be named if it is not finished; ``machine``: on which."""
    work = _WORK.get()
    if work is not None:
        work.where, work.machine = where, machine or work.machine


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """Raise NotFinished in this block when what it does exceeds ``limits``."""
    work = _Work(limits)
    before = [
        (module, name, getattr(module, name)) for function in _COUNTED for module, name in _BINDINGS[function]
    ]
    token = _WORK.set(work)
    try:
        for function, kept in _COUNTED.items():
            wrapper = _counting(function, work.spend, kept)
            for module, name in _BINDINGS[function]:
                setattr(module, name, wrapper)
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)
        _WORK.reset(token)


def _counting(function: Function, count: Callable[[int, int], None], kept: int) -> Function:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        count(1, kept)
        return function(*args, **kwargs)

    return wrapper
