"""A scenario: an experiment as plain data, the same for the model and for a real kernel.

The format is that of the recorded runs in tests/data/captures: processes with what they do before,
settings, and the steps that are watched (schema.py says what may stand where). Two keys are ours:
``machine`` (where memory begins, how much there is, where page 0 of the region lies, whether another
process is registered already) and ``story`` (one line for people).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from thplab.scenario.errors import ScenarioError
from thplab.scenario.schema import check_scenario, ops_before


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """Where memory begins (pfn), how many pages (0: as many as needed), the address of page 0, and
    whether another process keeps khugepaged's list from being empty.

    ``memory``: a word of fragment.STARTS, with so many ``free_pages`` and ``unmovable_blocks``;
    ``swap_pages`` (None: as many as needed).
    """

    start_pfn: int = 0x100000
    memory_pages: int = 0
    region: int = 0x100000000000
    entries: int = 512
    keeper: bool = True
    memory: str = "free"
    free_pages: int = 256
    unmovable_blocks: int = 0
    swap_pages: int | None = None

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> MachineSpec:
        """Page 0 lies at a border of 1 GiB, as in the recordings, or of a PUD entry of smaller tables."""
        if data.get("entries", 512) != 512 and "region" not in data:
            data = {**data, "region": data["entries"] ** 3 << 12}
        return cls(**data)


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A process and what it does before the first step: ``ops``, each a mapping with ``op``."""

    name: str
    ops: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One experiment. ``raw`` is the data it was made from.

    ``lru_gen``: is the multi-generational LRU on; None: as on the machine of the recordings.
    """

    name: str
    story: str
    processes: tuple[ProcessSpec, ...]
    steps: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    setup_settings: Mapping[str, Any] = field(default_factory=dict)
    machine: MachineSpec = MachineSpec()
    budget: bool = False
    lru_gen: bool | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_data(cls, data: object) -> Scenario:
        """Read a scenario; ScenarioError names what is wrong with it and what is allowed there."""
        known = check_scenario(data)
        procs = known.get("procs", [{**known, "name": "a"}])
        entries = known.get("machine", {}).get("entries", 512)
        return cls(
            name=known.get("name", ""),
            story=known.get("story", known.get("why", "")),
            processes=tuple(ProcessSpec(proc["name"], tuple(ops_before(proc, entries))) for proc in procs),
            steps=tuple(known["steps"] if "steps" in known else [known["action"]]),
            settings=dict(known.get("settings", {})),
            setup_settings=dict(known.get("setup_settings", {})),
            machine=MachineSpec.from_data(known.get("machine", {})),
            budget=bool(known.get("budget", False)),
            lru_gen=bool(known["lru_gen"]) if "lru_gen" in known else None,
            raw=known,
        )

    @classmethod
    def from_json(cls, text: str) -> Scenario:
        """Read a scenario from JSON text; ScenarioError if it is not one."""
        return cls.from_data(read_json(text))

    def all_ops(self) -> list[Mapping[str, Any]]:
        """Every op of set-up and steps, those of children and intruders included."""
        lists = [*(spec.ops for spec in self.processes), *(step.get("ops", ()) for step in self.steps)]
        lists += [[each["op"] for each in step.get("intruders", ())] for step in self.steps]
        return [op for ops in lists for op in _flat(ops)]


def _flat(ops: tuple[Mapping[str, Any], ...] | list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for op in ops for each in (op, *_flat(op.get("ops", ())))]


def read_json(text: str, first_line: int = 1) -> Any:
    """The value of JSON text.

    ScenarioError says where it is not JSON. It also refuses what readers of JSON take differently: a key that
    is there twice, and half a character.
    """
    try:
        data = json.loads(text, object_pairs_hook=_object)
        if "\\u" in text or _HALF.search(text):
            _check_characters(data)
        return data
    except RecursionError:
        raise ScenarioError("not JSON that can be read: nested too deeply") from None
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise ScenarioError(f"not JSON: {error.msg} (line {line}, column {error.colno})") from None
    except ValueError as error:
        raise ScenarioError(f"not JSON: {error}") from None


#: A surrogate, which also replaces a byte that is not UTF-8 (surrogateescape).
_HALF = re.compile("[\ud800-\udfff]")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key in found if sum(key == other for other, _ in pairs) > 1)
        raise ScenarioError(f"the key {_shown(twice)} is there twice in one object; allowed: once")
    return found


def _check_characters(data: Any) -> None:
    for text in _texts(data):
        if half := _HALF.search(text):
            raise ScenarioError(
                f"the text {_shown(text)} has \\u{ord(half[0]):04x}, half of a character; "
                "allowed: both halves, in order"
            )


def _texts(data: Any) -> Iterator[str]:
    """All texts of a value of JSON, keys among them."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, list):
        for each in data:
            yield from _texts(each)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from _texts(value)


def _shown(text: str) -> str:
    """Of any text something that can be printed."""
    return ascii(text if len(text) <= 60 else f"{text[:60]}...")


def unwrap(data: object) -> tuple[object, Any]:
    """The scenario and its photographs, of ``{"scenario": ..., "before": ...}`` or of a bare scenario."""
    if isinstance(data, Mapping) and "scenario" in data:
        return data["scenario"], data.get("before")
    if isinstance(data, Mapping) and not {"ops", "procs", "windows"}.isdisjoint(data):
        return data, None
    raise ScenarioError("not a scenario: allowed: one, or an object with 'scenario' and, if wanted, 'before'")
