"""Which knobs matter in a run: those that its scenario sets, and those that a function that ran reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import thplab.mm
from thplab.mm.include.knobs import Knobs
from thplab.mm.include.sysctl import Sysctl
from thplab.mm.proc.sysctl import SYSCTLS
from thplab.mm.sysfs import KNOBS
from thplab.scenario.settings import SETTINGS

#: The objects of the model that hold knobs, by their fields of the kernel.
STORES: Mapping[str, type[Knobs] | type[Sysctl]] = {"knobs": Knobs, "sysctl": Sysctl}
#: Modules that show and store knobs for whoever asks: they do not use the values.
_FACES = ("sysfs.py", "proc", "boot.py", "knobs.py", "sysctl.py")
_DEF = re.compile(r" *def (\w+)")
_READ = re.compile(rf"\b(?:{'|'.join(STORES)})\.(\w+)\b(?! = )")


@cache
def knob_readers() -> Mapping[str, tuple[str, ...]]:
    """Function of the model -> the knobs that its lines read."""
    fields = {name for store in STORES.values() for name in store.__slots__}
    found: dict[str, dict[str, None]] = {}
    home = Path(thplab.mm.__file__).parent
    for path in sorted(home.rglob("*.py")):
        if set(path.relative_to(home).parts) & set(_FACES):
            continue
        function = ""
        for line in path.read_text("utf-8").splitlines():
            if begins := _DEF.match(line):
                function = begins[1]
            for name in fields.intersection(_READ.findall(line)):
                found.setdefault(function, {})[name] = None
    return {function: tuple(names) for function, names in found.items()}


@cache
def setting_fields() -> Mapping[str, str]:
    """Setting of a scenario -> the field that keeps it; a setting that only triggers something has none."""
    files = {path: knob.field for path, knob in KNOBS.items()}
    files |= {path: file.field for path, file in SYSCTLS.items() if file.field}
    return {key: files[setting.file] for key, setting in SETTINGS.items() if setting.file in files}


def knobs_that_matter(header: Mapping[str, Any]) -> set[str]:
    """The fields of the knobs that the scenario of a recording sets, or that a function in it reads."""
    settings: Iterable[str] = (header.get("scenario") or {}).get("settings") or ()
    fields = {setting_fields()[key] for key in settings if key in setting_fields()}
    for function in header["functions"]:
        fields.update(knob_readers().get(function["name"], ()))
    return fields
