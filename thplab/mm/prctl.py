"""prctl(PR_SET_THP_DISABLE): no huge pages for this process (kernel/sys.c, 6.18)."""

from __future__ import annotations

import errno

from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import MMF_DISABLE_THP_COMPLETELY, MMF_DISABLE_THP_EXCEPT_ADVISED, Mm

__all__ = ["PR_THP_DISABLE_EXCEPT_ADVISED", "prctl_set_thp_disable"]

PR_THP_DISABLE_EXCEPT_ADVISED = 1 << 1


def prctl_set_thp_disable(mm: Mm, *, disable: bool, flags: int) -> None:
    """Switch huge pages off for a process, or on again (``disable`` False).

    ``flags``: 0, or PR_THP_DISABLE_EXCEPT_ADVISED (since 6.18: memory under MADV_HUGEPAGE, and
    MADV_COLLAPSE, are exempt). What is huge stays huge. Raises KernelError (EINVAL). Takes
    mmap_lock for writing.
    """
    legal = PR_THP_DISABLE_EXCEPT_ADVISED if mm.kernel.profile.prctl_has_except_advised and disable else 0
    if flags not in (0, legal):
        raise KernelError(
            errno.EINVAL, "prctl PR_SET_THP_DISABLE: flags", flags, f"0 or {legal}" if legal else "0"
        )
    down_write(mm.mmap_lock, mm.task.comm)
    mm.flags &= ~(MMF_DISABLE_THP_COMPLETELY | MMF_DISABLE_THP_EXCEPT_ADVISED)
    if disable:
        mm.flags |= MMF_DISABLE_THP_EXCEPT_ADVISED if flags else MMF_DISABLE_THP_COMPLETELY
    up_write(mm.mmap_lock)
