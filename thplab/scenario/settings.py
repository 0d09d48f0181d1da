"""The settings that a scenario may name: the knobs of sysfs and of /proc/sys/vm, as mm/ has them."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.geometry import X86_64, Geometry
from thplab.mm.include.knobs import Knobs
from thplab.mm.include.sysctl import Sysctl
from thplab.mm.proc.sysctl import ROOT as SYSCTL_ROOT
from thplab.mm.proc.sysctl import SYSCTLS, SysctlFile
from thplab.mm.sysfs import KNOBS, ROOT, Attribute
from thplab.scenario.errors import ScenarioError
from thplab.scenario.values import Key, Value, number, object_of, word

#: What ``pages_to_scan`` of a million or more stands for: no end of a pass by its budget.
UNLIMITED = 4_000_000_000


@dataclass(frozen=True)
class Setting:
    """A ``file`` below ``root``, its default (None: computed at boot, or there is none) and its values."""

    root: str
    file: str
    default: str | int | None
    value: Value


def _legal(value: Value) -> Value:
    """Numbers may be written as text, as in a shell."""

    def check(given: object, where: str, depth: int) -> None:
        as_text = isinstance(given, str) and given.isdecimal() and len(given) < 12
        value.check(int(given) if as_text else given, where, depth)  # type: ignore[call-overload]

    schema = {"anyOf": [value.schema, {"type": "string", "pattern": "^[0-9]{1,11}$"}]}
    return Value(value.allowed, schema, check)


def _knob(path: str, knob: Attribute) -> Setting:
    highest = 1 if knob.boolean else X86_64.HPAGE_PMD_NR - 1 if knob.highest is None else knob.highest
    legal = word(knob.words) if knob.words else _legal(number(knob.lowest, highest))
    return Setting(ROOT, path, knob.get(Knobs(X86_64)), legal)


def _key(path: str, knob: Attribute) -> str:
    """The field that a knob is kept in; the sizes are told apart by their kB."""
    size = path.removeprefix("hugepages-").removesuffix("kB/enabled")
    return f"mthp_{size}" if size.isdecimal() else knob.field


def _sysctl(name: str, file: SysctlFile) -> Setting:
    default = getattr(Sysctl(), file.field) if file.field and file.readable else None
    return Setting(SYSCTL_ROOT, name, default or None, _legal(number(file.lowest, file.highest)))


#: key of ``settings`` -> the file it stands for
SETTINGS: dict[str, Setting] = {
    **{_key(path, knob): _knob(path, knob) for path, knob in KNOBS.items()},
    **{name: _sysctl(name, file) for name, file in SYSCTLS.items()},
}


#: An object: setting -> value.
SETTINGS_VALUE = replace(
    object_of({key: Key(setting.value, setting.file) for key, setting in SETTINGS.items()}), name="settings"
)


def default_settings(keys: Mapping[str, Any], geometry: Geometry = X86_64) -> dict[str, str | int]:
    """The kernel's defaults of these keys, less those that have none; some follow from the tables' size."""
    knobs = Knobs(geometry)
    own = {key: KNOBS[SETTINGS[key].file].get(knobs) for key in keys if SETTINGS[key].root == ROOT}
    found = {key: own.get(key, SETTINGS[key].default) for key in keys}
    return {key: value for key, value in found.items() if value is not None}


def store_settings(machine: Machine, settings: Mapping[str, Any]) -> list[str]:
    """Write settings; those that this kernel has no file for are skipped and returned.

    Raises ScenarioError for a value that the kernel refuses.
    """
    missing = []
    for key, value in settings.items():
        if key == "pages_to_scan" and int(value) >= 1_000_000:
            value = UNLIMITED
        try:
            machine.write(SETTINGS[key].root + SETTINGS[key].file, value)
        except KernelError as error:
            if error.errno != errno.ENOENT:
                raise ScenarioError(f"{key}: {error}") from error
            missing.append(key)
    return missing
