"""What the kernel's names mean: counters, knobs, flags, results, trace events.

What the model says of a constant in the comment beside it is read from there; the rest is in
data/kernel_words.json. General terms are in the glossary (:mod:`thplab.terms`).
"""

from __future__ import annotations

import errno
import inspect
import json
import os
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import ModuleType
from typing import Any

from thplab.mm.compaction import control
from thplab.mm.include import gfp, mm_types, page, pgtable
from thplab.reading.memory import VMA_FLAGS
from thplab.reading.walk import BITS

_COMMENTED = re.compile(r"^ *(\w+) = .*?  # (.+)$", re.MULTILINE)
_NX = 63  # the bit that BITS does not name
_LAST = errno.EDOM  # of the errors that memory management answers with
#: The unit of what is on or off, and units that have no plural.
SWITCH, SYMBOLS = "switch", ("ms", "kB", "%", "of 1000")

Meanings = dict[str, str]


def _commented(module: ModuleType) -> Meanings:
    """Name -> the comment beside its value, of the constants of a module."""
    return dict(_COMMENTED.findall(inspect.getsource(module)))


@cache
def _data() -> dict[str, dict[str, Any]]:
    data: dict[str, dict[str, Any]] = json.loads(
        (files("thplab") / "data/kernel_words.json").read_text("utf-8")
    )
    return data


def units() -> dict[str, str]:
    """Counter or knob -> what its number counts; "" where it is a word."""
    return {name: unit for kind in ("counters", "knobs") for name, (unit, _) in _data()[kind].items()}


def with_unit(name: str, value: object) -> str:
    """A value with the unit of the counter or knob: ``3 pages``, ``1 (on)``; a word as it is."""
    unit = units().get(_key(name), "")
    if unit == SWITCH:
        return f"{value} ({'off' if value == 0 else 'on'})"
    if not unit or not isinstance(value, int):
        return str(value)
    return f"{value} {unit}{'' if value == 1 or unit in SYMBOLS else 's'}"


def _key(name: str) -> str:
    """``khugepaged/full_scans`` and ``rss of app`` are known by ``full_scans`` and ``rss``."""
    return name.rpartition("/")[2].partition(" ")[0]


def _bits() -> Meanings:
    """The short names of a page-table entry's bits."""
    said = {
        getattr(pgtable, name): words
        for name, words in reversed(_commented(pgtable).items())
        if name.startswith("_PAGE") and "_SWP_" not in name
    }
    named = [(name, bit) for bit, name in enumerate(BITS) if name]
    return {name: said[1 << bit] for name, bit in (*named, ("NX", _NX))}


def _vma_flags() -> Meanings:
    said = {
        getattr(mm_types, name): words for name, words in _commented(mm_types).items() if name[:3] == "VM_"
    }
    return {name: said[bit] for name, bit in VMA_FLAGS}


def _gfp() -> Meanings:
    """Each flag, and each mask that has a name, by its flags."""
    words = [each.split(": ", 1) for bit in gfp.GFP_BITS.values() for each in gfp.gfp_words(1 << bit)]
    flags = {name: f"flag of an allocation: {meaning}" for name, meaning in words}
    masks = {
        name: f"an allocation with the flags {', '.join(gfp.gfp_names(mask))}" for name, mask in gfp.NAMED
    }
    return flags | masks


def _errors() -> Meanings:
    """What system calls answer: the words of the C library."""
    known = {name: number for number, name in errno.errorcode.items() if number < _LAST}
    return {name: f"error: {os.strerror(number)}" for name, number in known.items()}


def _modes() -> Meanings:
    """The modes in which pages are moved."""
    said = _commented(control)
    return {f"MIGRATE_{name}": said[name] for name in control.MigrateMode.__members__}


def _constants() -> Meanings:
    """PG_lru, VM_LOCKED, _PAGE_RW: as code names them."""
    return {
        name: words
        for module in (page, mm_types, pgtable)
        for name, words in _commented(module).items()
        if name.startswith(("PG_", "VM_", "_PAGE_"))
    }


def anywhere() -> Meanings:
    """Names that mean the same in every text."""
    told = _data()
    plain = {name: words for kind in ("counters", "knobs") for name, (_, words) in told[kind].items()}
    # The word "enabled" is a knob only where knobs are listed.
    found = {name: words for name, words in plain.items() if name not in _COMMON}
    for kind in ("events", "types", "zones", "calls"):
        found |= told[kind]
    found |= {name: words for name, words in told["results"].items() if "_" in name}
    return found | _gfp() | _modes() | _constants() | _errors()


_COMMON = ("enabled", "defrag")


def in_place() -> Mapping[str, Meanings]:
    """Names that are ordinary words elsewhere, by the kind of place where they mean this."""
    told = _data()
    flags = _commented(page)
    return {
        "page flag": {name: flags[f"PG_{name}"] for name in page.PAGE_FLAGS},
        "bit": _bits(),
        "mapping flag": _vma_flags(),
        "field": told["fields"],
        "result": told["results"]
        | {name.lower(): words for name, words in _commented(control).items() if name in _STATUSES},
        "knob": {name: told["knobs"][name][1] for name in _COMMON},
    }


_STATUSES = frozenset(control.CompactResult.__members__)
