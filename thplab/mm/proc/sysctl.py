"""The knobs under /proc/sys/vm that concern free memory and compaction.

mm/page_alloc.c, mm/compaction.c and fs/drop_caches.c, 6.18. Read and written by path, with the text that the
kernel reads and prints.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thplab.mm.compaction.compact import compact_node
from thplab.mm.compaction.kcompactd import proactiveness_written
from thplab.mm.include.errors import KernelError
from thplab.mm.include.state import Struct
from thplab.mm.page_alloc.pcp import drain_all_pages
from thplab.mm.page_alloc.watermark import setup_per_zone_wmarks
from thplab.mm.readahead import drop_pagecache
from thplab.mm.shrinker import drop_slab

if TYPE_CHECKING:
    from thplab.mm.system import Kernel

__all__ = ["SYSCTLS", "Sysctl", "sysctl_read", "sysctl_write"]

ROOT = "/proc/sys/vm/"
_INT_MAX = (1 << 31) - 1


class Sysctl(Struct):
    """The present values (int): reserve in kB, a fragmentation index, a percentage, what was dropped last.

    The two factors are ten-thousandths: of a zone, how far its marks lie apart; of the high mark, how far a
    boost may raise the marks (0: no boost).
    """

    __slots__ = (
        "compaction_proactiveness", "drop_caches", "extfrag_threshold", "min_free_kbytes",
        "watermark_boost_factor", "watermark_scale_factor",
    )  # fmt: skip
    min_free_kbytes: int
    extfrag_threshold: int
    compaction_proactiveness: int
    drop_caches: int
    watermark_boost_factor: int
    watermark_scale_factor: int

    def __init__(self) -> None:
        """The kernel's defaults; the reserve is computed once the zones are known."""
        self.min_free_kbytes = 0
        self.extfrag_threshold = 500
        self.compaction_proactiveness = 20
        self.drop_caches = 0
        self.watermark_boost_factor = 15000
        self.watermark_scale_factor = 10


def _new_reserve(kernel: Kernel) -> None:
    drain_all_pages(kernel)
    setup_per_zone_wmarks(kernel)


def _compact_all(kernel: Kernel) -> None:
    """The writer compacts everything by itself, after the per-CPU lists were emptied."""
    drain_all_pages(kernel)
    compact_node(kernel, proactive=False)


def _drop_caches(kernel: Kernel) -> None:
    """1 drops clean pages of files, 2 lets the shrinkers work, 3 does both (4 only keeps the log silent)."""
    if kernel.sysctl.drop_caches & 1:
        drop_pagecache(kernel)
    if kernel.sysctl.drop_caches & 2:
        drop_slab(kernel)


@dataclass(frozen=True, slots=True)
class SysctlFile:
    """One file: the field of Sysctl it stands for, if any, the legal numbers, what a write does."""

    field: str | None
    lowest: int
    highest: int
    after: Callable[[Kernel], None] | None = None
    readable: bool = True


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
    name = path.removeprefix(ROOT)
    if name not in SYSCTLS:
        raise KernelError(errno.ENOENT, f"no file {path!r} under {ROOT}", None, ", ".join(SYSCTLS))
    return name, SYSCTLS[name]


def sysctl_read(kernel: Kernel, path: str) -> str:
    """The text of a file. Raises KernelError: ENOENT (no such file), EACCES (write-only)."""
    name, file = _file(path)
    if file.field is None or not file.readable:
        raise KernelError(errno.EACCES, f"{name} can only be written")
    return f"{getattr(kernel.sysctl, file.field)}\n"


def sysctl_write(kernel: Kernel, path: str, text: str) -> None:
    """Write a number, and do what the kernel does then. Raises KernelError: ENOENT, EINVAL."""
    name, file = _file(path)
    word = text.strip()
    number = int(word) if word.isdecimal() else -1
    if not file.lowest <= number <= file.highest:
        allowed = f"an integer from {file.lowest} to {file.highest}"
        raise KernelError(errno.EINVAL, name, text, "1" if file.highest == 1 else allowed)
    if file.field is not None:
        setattr(kernel.sysctl, file.field, number)
    if file.after is not None:
        file.after(kernel)
