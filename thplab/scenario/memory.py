"""How much memory a scenario's machine needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from thplab.scenario.data import Scenario
from thplab.scenario.errors import Unsupported
from thplab.scenario.spec import INTRUDER_OPS, OPS
from thplab.scenario.work import spend

#: The most that a scenario may need unless it says how much there is: 16 GiB.
_MOST_PAGES = 1 << 22

#: The swap device of the recordings: 256 MiB.
_SWAP_PAGES = 1 << 16


def memory_needed(scenario: Scenario) -> int:
    """Pages: small and huge ones for each window that is touched, of each process, and for tables.

    Raises Unsupported if that is more than the model has room for.
    """
    nr = scenario.machine.entries
    touched = 0
    for number, spec in enumerate(scenario.processes):
        ops = [*spec.ops, *_of_steps(scenario, spec.name, first=number == 0)]
        windows = _covered((first // nr, -(-end // nr)) for first, end in _touched(ops))
        forks = sum(1 for op in _flat(ops) if op["op"] == "fork")
        touched += windows * (1 + forks) + forks
    spare = 24 if scenario.machine.memory == "free" else 8  # frames that another process uses cost time
    needed = (2 * touched + spare) * nr
    if needed > _MOST_PAGES:
        raise Unsupported(
            f"the scenario may need {needed >> 18} GiB of memory; the model has room for 16 GiB"
        )
    return needed


def swap_needed(scenario: Scenario) -> int:
    """Pages of the swap device: none where nothing is paged out, so that recordings stay small."""
    ops = scenario.all_ops()
    pages_out = any(op.get("advice") == "pageout" or op["op"] == "swapout" for op in ops)
    return _SWAP_PAGES if pages_out else 0


def _of_steps(scenario: Scenario, name: str, *, first: bool) -> Iterator[Mapping[str, Any]]:
    """What the steps make a process do: ops, and touches as ops."""
    for step in scenario.steps:
        if step.get("proc", name if first else None) == name:
            yield from step.get("ops", ())
            for touch in step.get("touches", ()):
                yield {"op": "write", "pages": [(touch["page"], touch["page"] + 1)]}
        for each in step.get("intruders", ()):
            if each.get("proc", name if first else "").partition(".")[0] == name:
                yield each["op"]


def _covered(ranges: Iterable[tuple[int, int]]) -> int:
    """How many numbers lie in at least one of the ranges."""
    count = last = 0
    for first, end in sorted(ranges):
        count += max(end - max(first, last), 0)
        last = max(last, end)
    return count


def _flat(ops: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for op in ops:
        yield op
        yield from _flat(op.get("ops", ()))


def _touched(ops: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[int]]:
    """The page ranges that the ops touch."""
    mapped: list[Sequence[int]] = []
    for op in _flat(ops):
        row = INTRUDER_OPS.get(op["op"]) or OPS[op["op"]]
        maps = row.maps(op)
        mapped += maps
        if row.touches(op):
            ranges = maps or op.get("pages", mapped)
            spend(len(ranges))
            yield from ranges
