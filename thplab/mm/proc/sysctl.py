"""The knobs under /proc/sys/vm that concern free memory and compaction.

mm/page_alloc.c, mm/compaction.c and fs/drop_caches.c, 6.18. Read and written by path, with the text that the
kernel reads and prints.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass

from thplab.mm.compaction.compact import compact_node
from thplab.mm.compaction.kcompactd import proactiveness_written
from thplab.mm.include.errors import KernelError
from thplab.mm.include.kernel import Kernel
from thplab.mm.page_alloc.pcp import drain_all_pages
from thplab.mm.page_alloc.watermark import setup_per_zone_wmarks
from thplab.mm.readahead import drop_pagecache
from thplab.mm.shrinker import drop_slab

ROOT = "/proc/sys/vm/"
_INT_MAX = (1 << 31) - 1


def _new_reserve(kernel: Kernel) -> None:
    """The marks follow from the reserve, so all zones get new ones.

    Locks expected: none. Takes zone->lock in the kernel.
    """
    drain_all_pages(kernel)
    setup_per_zone_wmarks(kernel)


def _compact_all(kernel: Kernel) -> None:
    """The writer compacts all zones by itself, with the per-CPU lists emptied. Locks expected: none."""
    # Pages on these lists merge with nothing: compaction would move others around them.
    drain_all_pages(kernel)
    compact_node(kernel, proactive=False)


def _drop_caches(kernel: Kernel) -> None:
    """1 drops clean pages of files, 2 lets the shrinkers work, 3 does both (4 only keeps the log silent).

    Frees pages.
    Locks expected: none.
    """
    if kernel.sysctl.drop_caches & 1:
        drop_pagecache(kernel)
    if kernel.sysctl.drop_caches & 2:
        drop_slab(kernel)


@dataclass(frozen=True, slots=True)
class SysctlFile:
    """One file (struct ctl_table): the field of Sysctl, if any, the legal numbers, what a write does."""

    field: str | None  # None: the file only triggers something
    lowest: int  # extra1 in the kernel
    highest: int  # extra2
    after: Callable[[Kernel], None] | None = None  # called once the number is stored
    readable: bool = True  # mode 0644, else 0200


#: path below /proc/sys/vm/ -> what the file is
SYSCTLS: dict[str, SysctlFile] = {
    "compact_memory": SysctlFile(None, 1, 1, _compact_all, readable=False),
    "compaction_proactiveness": SysctlFile("compaction_proactiveness", 0, 100, proactiveness_written),
    "drop_caches": SysctlFile("drop_caches", 1, 4, _drop_caches, readable=False),
    "extfrag_threshold": SysctlFile("extfrag_threshold", 0, 1000),
    "min_free_kbytes": SysctlFile("min_free_kbytes", 0, _INT_MAX, _new_reserve),
    "watermark_boost_factor": SysctlFile("watermark_boost_factor", 0, _INT_MAX),
    "watermark_scale_factor": SysctlFile("watermark_scale_factor", 1, 3000, setup_per_zone_wmarks),
}


def _file(path: str) -> tuple[str, SysctlFile]:
    """The name below ROOT, and the file. Raises KernelError (ENOENT)."""
    name = path.removeprefix(ROOT)
    if name not in SYSCTLS:
        raise KernelError(errno.ENOENT, f"no file {path!r} under {ROOT}", None, ", ".join(SYSCTLS))
    return name, SYSCTLS[name]


def sysctl_read(kernel: Kernel, path: str) -> str:
    """The text of a file, with newline. Raises KernelError: ENOENT (no such file), EACCES (write-only)."""
    name, file = _file(path)
    if file.field is None or not file.readable:
        raise KernelError(errno.EACCES, f"{name} can only be written")
    return f"{getattr(kernel.sysctl, file.field)}\n"


def sysctl_write(kernel: Kernel, path: str, text: str) -> None:
    """Write a number, and do what the kernel does then. Raises KernelError: ENOENT, EINVAL.

    Nothing is changed if the number is refused.
    Locks expected: none.
    """
    name, file = _file(path)
    word = text.strip()
    # No sign and no word is legal in any of these files.
    # The kernel reads it into 22 characters (TMPBUFLEN), and refuses what fills them.
    number = int(word) if word.isascii() and word.isdecimal() and len(word) < 21 else -1
    if not file.lowest <= number <= file.highest:
        allowed = f"an integer from {file.lowest} to {file.highest}"
        raise KernelError(errno.EINVAL, name, text, "1" if file.highest == 1 else allowed)
    # Stored first: what follows reads the new value.
    if file.field is not None:
        setattr(kernel.sysctl, file.field, number)
    if file.after is not None:
        file.after(kernel)
