"""The same scenario elsewhere: another address, other memory, another content of the window."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from thplab.scenario.data import Scenario


def vary(
    scenario: Scenario,
    *,
    address: int | None = None,
    start_pfn: int | None = None,
    written: Sequence[Sequence[int]] | None = None,
    settings: dict[str, Any] | None = None,
) -> Scenario:
    """A copy of ``scenario`` with other data; what is None stays.

    ``address``: where page 0 of its region lies. ``start_pfn``: where memory begins. ``written``: the
    pages that the first process writes, as (first, end) pairs. ``settings``: knobs to set besides its
    own. Raises ScenarioError if the result is no scenario.
    """
    data = deepcopy(dict(scenario.raw))
    machine = {"region": address, "start_pfn": start_pfn}
    data["machine"] = {
        **data.get("machine", {}),
        **{key: value for key, value in machine.items() if value is not None},
    }
    data["settings"] = {**data.get("settings", {}), **(settings or {})}
    if written is not None:
        ops = data["procs"][0]["ops"] if "procs" in data else data["ops"]
        for op in ops:
            if op["op"] == "write":
                op["pages"] = [list(pair) for pair in written]
    return Scenario.from_data(data)
