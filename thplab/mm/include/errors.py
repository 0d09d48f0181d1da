"""Errors of the model: a system call's errno in words, and what would be a bug in a kernel."""

from __future__ import annotations

import errno


class KernelError(OSError):
    """A refused request: carries the kernel's errno and says what was wrong and what is allowed.

    ``KernelError(EINVAL, "max_ptes_none", "512", "an integer from 0 to 511")``
    """

    def __init__(self, number: int, what: str, got: object = None, allowed: str = "") -> None:
        """``number``: an errno; ``what``: the knob or call; ``got``: the value; ``allowed``: words."""
        text = what if got is None else f"{what}: {got!r} is not accepted"
        super().__init__(number, f"{text}; allowed: {allowed}" if allowed else text)

    def __str__(self) -> str:
        """``EINVAL: max_ptes_none: '512' is not accepted; allowed: ...``"""
        return f"{errno.errorcode.get(self.errno or 0, '?')}: {self.strerror}"


class KernelBug(AssertionError):
    """The model broke one of its own rules (a kernel would BUG() or hang here)."""
