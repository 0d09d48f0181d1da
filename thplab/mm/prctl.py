"""prctl(PR_SET_THP_DISABLE): no huge pages for this process (kernel/sys.c, 6.18)."""

from __future__ import annotations

import errno

from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import MMF_DISABLE_THP_COMPLETELY, MMF_DISABLE_THP_EXCEPT_ADVISED, Mm

PR_THP_DISABLE_EXCEPT_ADVISED = 1 << 1


def prctl_set_thp_disable(mm: Mm, *, disable: bool, flags: int) -> None:
    """Switch huge pages off for a process, or on again (``disable`` False).

    ``flags`` (unsigned long): 0, or PR_THP_DISABLE_EXCEPT_ADVISED (since 6.18: memory under
    MADV_HUGEPAGE, and MADV_COLLAPSE, are exempt). What is huge stays huge. Raises KernelError (EINVAL).
    Locks expected: none. Takes mmap_lock for writing.
    """
    # To switch it on again takes no flags, in any kernel.
    legal = PR_THP_DISABLE_EXCEPT_ADVISED if mm.kernel.profile.prctl_has_except_advised and disable else 0
    if flags not in (0, legal):
        raise KernelError(
            errno.EINVAL, "prctl PR_SET_THP_DISABLE: flags", flags, f"0 or {legal}" if legal else "0"
        )
    down_write(mm.mmap_lock, mm.task.comm)
    # One of the two at most is set: a second call replaces the first.
    mm.flags &= ~(MMF_DISABLE_THP_COMPLETELY | MMF_DISABLE_THP_EXCEPT_ADVISED)
    if disable:
        mm.flags |= MMF_DISABLE_THP_EXCEPT_ADVISED if flags else MMF_DISABLE_THP_COMPLETELY
    up_write(mm.mmap_lock)
