"""A scenario: an experiment as plain data, the same for the model and for a real kernel.

The format is that of the recorded runs in tests/data/captures (its README describes it): processes
with what they do before, settings, and the steps that are watched. Two keys are ours: ``machine``
(where memory begins, how much there is, where page 0 of the region lies, whether another process is
registered already) and ``story`` (one line for people).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MachineSpec", "ProcessSpec", "Scenario", "ScenarioError", "Unsupported"]

#: Page 0 of a scenario lies here unless it says otherwise: aligned to 1 GiB, as in the recordings.
REGION = 0x100000000000

_STEP_TYPES = ("khugepaged", "madvise_collapse", "fault", "ops", "exit", "set", "none")


class ScenarioError(ValueError):
    """The data is not a scenario: says which key is wrong and what is allowed there."""


class Unsupported(Exception):
    """A correct scenario that asks for something the model does not have; says what."""


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """Where memory begins (pfn), how many pages (0: as many as needed), the address of page 0, and
    whether another process keeps khugepaged's list from being empty.
    """

    start_pfn: int = 0x100000
    memory_pages: int = 0
    region: int = REGION
    entries: int = 512
    keeper: bool = True


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A process and what it does before the first step: ``ops``, each a mapping with ``op``."""

    name: str
    ops: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One experiment. ``raw`` is the data it was made from."""

    name: str
    story: str
    processes: tuple[ProcessSpec, ...]
    steps: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    setup_settings: Mapping[str, Any] = field(default_factory=dict)
    machine: MachineSpec = MachineSpec()
    budget: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Scenario:
        """Read a scenario; ScenarioError names what is wrong with it."""
        _require(isinstance(data, Mapping), "a scenario is an object with keys")
        steps = data.get("steps", [data["action"]] if "action" in data else None)
        _require(isinstance(steps, list), "a scenario has 'action' (an object) or 'steps' (a list)")
        for step in steps or ():
            kind = step.get("type") if isinstance(step, Mapping) else None
            _require(kind in _STEP_TYPES, f"step type {kind!r}; allowed: {', '.join(_STEP_TYPES)}")
        return cls(
            name=str(data.get("name", "")),
            story=str(data.get("story", data.get("why", ""))),
            processes=_processes(data),
            steps=tuple(steps or ()),
            settings=dict(data.get("settings", {})),
            setup_settings=dict(data.get("setup_settings", {})),
            machine=_machine(data.get("machine", {})),
            budget=bool(data.get("budget", False)),
            raw=data,
        )

    @classmethod
    def from_json(cls, text: str) -> Scenario:
        """Read a scenario from JSON text."""
        try:
            return cls.from_data(json.loads(text))
        except json.JSONDecodeError as error:
            raise ScenarioError(f"not JSON: {error}") from error


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ScenarioError(message)


def _machine(data: Mapping[str, Any]) -> MachineSpec:
    known = MachineSpec.__slots__
    for key in data:
        _require(key in known, f"machine key {key!r}; allowed: {', '.join(known)}")
    return MachineSpec(**data)


def _processes(data: Mapping[str, Any]) -> tuple[ProcessSpec, ...]:
    procs = data.get("procs")
    if procs is None:
        _require("ops" in data, "a scenario has 'ops' (one process) or 'procs'")
        procs = [{"name": "a", "ops": data["ops"]}]
    _require(isinstance(procs, list) and bool(procs), "'procs' is a list of at least one process")
    specs = tuple(ProcessSpec(str(p["name"]), tuple(p["ops"])) for p in procs)
    _require(len({spec.name for spec in specs}) == len(specs), "two processes have the same name")
    for spec in specs:
        for op in spec.ops:
            _check_ranges(op)
    return specs


def _check_ranges(op: Mapping[str, Any]) -> None:
    _require(isinstance(op, Mapping) and "op" in op, f"an op is an object with 'op': {op!r}")
    pages = op.get("pages")
    for each in pages if isinstance(pages, list) else ():
        good = isinstance(each, list) and len(each) == 2 and 0 <= each[0] < each[1] <= 1 << 27
        _require(good, f"{op['op']}: pages {each!r}; allowed: [first, end) with 0 <= first < end <= 2**27")
