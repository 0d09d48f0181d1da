"""A turn: a system call and what the scenario notes of it, with no other task in between.

A system call that releases a lock wakes who waits for it. In a real machine that task runs when it gets a
processor; here it runs when the turn is over, so that it finds noted what it finds in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from thplab.machine import Machine


class Turns:
    """``with turns:`` is a turn of the process that runs. Turns may lie in one another."""

    def __init__(self, machine: Machine) -> None:
        """Nobody's turn yet."""
        self._machine = machine
        self._under_way = 0
        self._woken: deque[Callable[[], None]] = deque()

    def __enter__(self) -> None:
        """Daemons that the system call wakes run afterwards."""
        self._machine.hold_daemons_back()
        self._under_way += 1

    def __exit__(self, *_: object) -> None:
        """First the tasks that were woken, then the daemons."""
        self._under_way -= 1
        try:
            while self._woken and not self._under_way:
                self._woken.popleft()()
        finally:
            self._machine.let_daemons_run()

    def wake(self, act: Callable[[], None]) -> None:
        """Let a task act: now, or after the turn that is under way."""
        if self._under_way:
            self._woken.append(act)
        else:
            act()
