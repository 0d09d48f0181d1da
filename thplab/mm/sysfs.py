"""The knobs under /sys/kernel/mm/transparent_hugepage/: defaults, legal values, errors.

Reading and writing go by path, with the text that the kernel reads and prints; a refused write
raises the kernel's own errno and changes nothing. mm/huge_memory.c and mm/khugepaged.c, 6.18.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import dataclass

from thplab.mm.include.errors import KernelError
from thplab.mm.include.geometry import Geometry
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.knobs import Knobs
from thplab.words import did_you_mean

_U32_MAX = (1 << 32) - 1
_U64_MAX = (1 << 64) - 1

#: What kstrtoul(text, 10) takes: digits, perhaps with a plus.
_DECIMAL = re.compile(r"\+?[0-9]+")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One file: ``field`` of Knobs, and either the legal ``words`` or the legal numbers.

    ``boolean``: a switch that takes words for yes and no too.
    """

    field: str
    words: tuple[str, ...] = ()
    lowest: int = 0
    highest: int | None = None  # None: one less than the entries of a table
    boolean: bool = False
    order: int = 0  # of a size below 2 MiB: the field is a tuple by order
    needs: str = ""  # the fact of the profile without which there is no such file

    def exists(self, kernel: Kernel) -> bool:
        """Has this kernel, with this size of tables, the file?"""
        fits = self.order < kernel.geometry.HPAGE_PMD_ORDER
        return fits and (not self.needs or bool(getattr(kernel.profile, self.needs)))

    def get(self, knobs: Knobs) -> str | int:
        """The present value."""
        value: str | int = knobs.mthp_enabled[self.order] if self.order else getattr(knobs, self.field)
        return value

    def set(self, knobs: Knobs, value: str | int) -> None:
        """Store a value that is legal."""
        if self.order:
            before = knobs.mthp_enabled
            knobs.mthp_enabled = (*before[: self.order], str(value), *before[self.order + 1 :])
        else:
            setattr(knobs, self.field, value)

    def legal(self, geometry: Geometry) -> str:
        """What may be written, as text."""
        if self.words:
            return " | ".join(self.words)
        if self.boolean:
            return "1 | 0 | y | n | t | f | on | off"
        return f"an integer from {self.lowest} to {self._highest(geometry)}"

    def _highest(self, geometry: Geometry) -> int:
        """The largest legal number: of a limit in entries, one less than a table has."""
        return geometry.HPAGE_PMD_NR - 1 if self.highest is None else self.highest

    def parse(self, path: str, text: str, geometry: Geometry) -> str | int:
        """The value that ``text`` stands for; KernelError (EINVAL, ERANGE) if it is not legal."""
        # As echo writes it; a second newline is refused.
        word = text.removesuffix("\n")
        if self.words:
            if word in self.words:
                return word
        elif self.boolean:
            value = kstrtobool(word)
            if value is not None:
                return int(value)
        elif _DECIMAL.fullmatch(word):
            digits = word.lstrip("+0")
            number = int(digits or 0) if len(digits) <= len(str(_U64_MAX)) else _U64_MAX + 1
            if self.lowest <= number <= self._highest(geometry):
                return number
            # A switch is read as a number of 64 bits; one that does not fit is another error than one that
            # is not 0 or 1.
            if self.highest == 1 and number > _U64_MAX:
                raise KernelError(errno.ERANGE, path, text, self.legal(geometry))
        raise KernelError(errno.EINVAL, path, text, self.legal(geometry))


def kstrtobool(text: str) -> bool | None:
    """What a word says by its first letter, or two: yes, no, or nothing (C: -EINVAL)."""
    word = text.lower()
    if word[:1] in tuple("yt1") or word[:2] == "on":
        return True
    return False if word[:1] in tuple("nf0") or word[:2] == "of" else None


_SWITCH = ("always", "madvise", "never")
_SIZE = ("always", "inherit", "madvise", "never")

#: path below /sys/kernel/mm/transparent_hugepage/ -> what the file is
KNOBS: dict[str, Attribute] = {
    "enabled": Attribute("enabled", _SWITCH),
    "defrag": Attribute("defrag", ("always", "defer", "defer+madvise", "madvise", "never")),
    "use_zero_page": Attribute("use_zero_page", highest=1),
    "shrink_underused": Attribute("shrink_underused", boolean=True, needs="has_underused_shrinker"),
    "hugepages-2048kB/enabled": Attribute("hugepage_size_enabled", _SIZE, needs="has_mthp"),
    **{
        f"hugepages-{4 << order}kB/enabled": Attribute("mthp_enabled", _SIZE, order=order, needs="has_mthp")
        for order in range(2, 9)
    },
    "shmem_enabled": Attribute(
        "shmem_enabled", ("always", "within_size", "advise", "never", "deny", "force")
    ),
    "hugepages-2048kB/shmem_enabled": Attribute(
        "hugepage_shmem_enabled",
        ("always", "inherit", "within_size", "advise", "never"),
        needs="shmem_has_size_controls",
    ),
    "khugepaged/defrag": Attribute("khugepaged_defrag", highest=1),
    "khugepaged/max_ptes_none": Attribute("max_ptes_none"),
    "khugepaged/max_ptes_swap": Attribute("max_ptes_swap"),
    "khugepaged/max_ptes_shared": Attribute("max_ptes_shared"),
    "khugepaged/pages_to_scan": Attribute("pages_to_scan", lowest=1, highest=_U32_MAX),
    "khugepaged/scan_sleep_millisecs": Attribute("scan_sleep_millisecs", highest=_U32_MAX),
    "khugepaged/alloc_sleep_millisecs": Attribute("alloc_sleep_millisecs", highest=_U32_MAX),
}

_READ_ONLY: dict[str, Callable[[Kernel], int]] = {
    "hpage_pmd_size": lambda kernel: kernel.geometry.HPAGE_PMD_SIZE,
    "khugepaged/full_scans": lambda kernel: kernel.khugepaged.full_scans,
    "khugepaged/pages_collapsed": lambda kernel: kernel.khugepaged.pages_collapsed,
}

ROOT = "/sys/kernel/mm/transparent_hugepage/"


def _relative(kernel: Kernel, path: str) -> str:
    """The name below ROOT. Raises KernelError (ENOENT)."""
    name = path.removeprefix(ROOT)
    known = [*(name for name, knob in KNOBS.items() if knob.exists(kernel)), *_READ_ONLY]
    if name in known:
        return name
    raise KernelError(errno.ENOENT, f"no file {path!r} under {ROOT}{did_you_mean(name, known)}")


def sysfs_read(kernel: Kernel, path: str) -> str:
    """The text of a file, newline included; the active word of a choice is in brackets.

    Raises KernelError (ENOENT) for a path that does not exist.
    Locks expected: none.
    """
    name = _relative(kernel, path)
    if name in _READ_ONLY:
        return f"{_READ_ONLY[name](kernel)}\n"
    attribute = KNOBS[name]
    value = attribute.get(kernel.knobs)
    if not attribute.words:
        return f"{value}\n"
    return " ".join(f"[{word}]" if word == value else word for word in attribute.words) + "\n"


def sysfs_write(kernel: Kernel, path: str, text: str) -> None:
    """Write ``text`` to a knob and do what the kernel's store function does besides.

    Raises KernelError: ENOENT (no such file), EACCES (read-only), EINVAL (not a legal value), ERANGE (a
    switch was given a number beyond 64 bits). Nothing is changed then.
    Locks expected: none; a store that starts or stops khugepaged takes khugepaged_mutex in the kernel.
    """
    name = _relative(kernel, path)
    if name in _READ_ONLY:
        raise KernelError(errno.EACCES, f"{name} is read-only")
    attribute = KNOBS[name]
    # Stored first: the daemon that is woken reads the new value.
    attribute.set(kernel.knobs, attribute.parse(name, text, kernel.geometry))
    after = kernel.after_store.get(name)
    if after is not None:
        after(kernel)
