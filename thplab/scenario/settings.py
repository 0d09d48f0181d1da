"""The settings that a scenario may name, and writing them to a machine's sysfs files."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.sysfs import KNOBS
from thplab.scenario.errors import Unsupported

__all__ = ["SETTINGS", "UNLIMITED", "Setting", "default_settings", "store_settings"]

#: What ``pages_to_scan`` of a million or more stands for: no end of a pass by its budget.
UNLIMITED = 4_000_000_000

_U32_MAX = (1 << 32) - 1
_SIZE_WORDS = ("always", "inherit", "madvise", "never")


@dataclass(frozen=True, slots=True)
class Setting:
    """A file below /sys/kernel/mm/transparent_hugepage/: its default, and what may be written."""

    file: str
    default: str | int
    words: tuple[str, ...] = ()
    lowest: int = 0
    highest: int = 1

    def legal(self, value: object) -> bool:
        """May this value stand in a scenario? Numbers may be written as text, as in a shell."""
        if self.words:
            return isinstance(value, str) and value in self.words
        if isinstance(value, str) and value.isdecimal() and len(value) < 12:
            value = int(value)
        return isinstance(value, int) and not isinstance(value, bool) and self.lowest <= value <= self.highest

    @property
    def allowed(self) -> str:
        """What may be written, in words."""
        return " | ".join(self.words) if self.words else f"an integer from {self.lowest} to {self.highest}"


#: key of ``settings`` -> the file it stands for
SETTINGS: dict[str, Setting] = {
    "enabled": Setting("enabled", "madvise", ("always", "madvise", "never")),
    "defrag": Setting("defrag", "madvise", ("always", "defer", "defer+madvise", "madvise", "never")),
    "use_zero_page": Setting("use_zero_page", 1),
    "shrink_underused": Setting("shrink_underused", 1),
    "shmem_enabled": Setting(
        "shmem_enabled", "never", ("always", "within_size", "advise", "never", "deny", "force")
    ),
    **{
        f"mthp_{kb}": Setting(f"hugepages-{kb}kB/enabled", "inherit" if kb == 2048 else "never", _SIZE_WORDS)
        for kb in (16, 32, 64, 128, 256, 512, 1024, 2048)
    },
    "khugepaged_defrag": Setting("khugepaged/defrag", 1),
    "max_ptes_none": Setting("khugepaged/max_ptes_none", 511, highest=511),
    "max_ptes_swap": Setting("khugepaged/max_ptes_swap", 64, highest=511),
    "max_ptes_shared": Setting("khugepaged/max_ptes_shared", 256, highest=511),
    "pages_to_scan": Setting("khugepaged/pages_to_scan", 4096, lowest=1, highest=_U32_MAX),
    "scan_sleep_millisecs": Setting("khugepaged/scan_sleep_millisecs", 10000, highest=_U32_MAX),
    "alloc_sleep_millisecs": Setting("khugepaged/alloc_sleep_millisecs", 60000, highest=_U32_MAX),
}


def default_settings(keys: Mapping[str, Any]) -> dict[str, str | int]:
    """The kernel's defaults of these keys."""
    return {key: SETTINGS[key].default for key in keys}


def store_settings(machine: Machine, settings: Mapping[str, Any]) -> list[str]:
    """Write settings; those that this kernel has no file for are skipped and returned.

    Raises Unsupported for a file that the model has not got under any kernel.
    """
    missing = []
    for key, value in settings.items():
        setting = SETTINGS[key]
        if setting.file not in KNOBS:
            if value != setting.default:
                raise Unsupported(f"setting {key!r} is not modelled")
            continue
        if key == "pages_to_scan" and int(value) >= 1_000_000:
            value = UNLIMITED
        try:
            machine.write_sysfs(setting.file, value)
        except KernelError as error:
            if error.errno != errno.ENOENT:
                raise
            missing.append(key)
    return missing
