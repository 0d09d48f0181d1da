"""Whose work is it? Several machines may live in one process, and only one of them is recorded.

A struct that is being made hangs nowhere yet, and a lock does not say whose it is; but the functions of
the model are given the kernel, the process or the mapping that they work for.
"""

from __future__ import annotations

from types import FrameType
from typing import Any

from thplab.machine import Machine, Process
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mm_types import Mm, Vma


def kernel_at_work(frame: FrameType | None) -> Kernel | None:
    """The kernel for which ``frame`` works: its own arguments say so, else those of its caller.

    None if nobody on the stack works for one.
    """
    while frame is not None:
        code, values = frame.f_code, frame.f_locals
        for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
            if (kernel := _kernel_of(values.get(name))) is not None:
                return kernel
        frame = frame.f_back
    return None


def _kernel_of(value: Any) -> Kernel | None:
    """The kernel that a value leads to; a struct in the making leads nowhere yet."""
    if isinstance(value, (Vma, Process)):
        value = getattr(value, "mm", None)
    if isinstance(value, (Mm, Machine)):
        value = getattr(value, "kernel", None)
    return value if isinstance(value, Kernel) else None
