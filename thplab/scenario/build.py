"""Write a scenario as one would say it.

experiment("100x young, 412x none", max_ptes_none=411)
experiment("64x swap, 448x young", "512x none", then="collapse")

Each text is one window (windows.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from thplab.scenario.data import Scenario
from thplab.scenario.errors import ScenarioError
from thplab.scenario.windows import window, window_ops

_HUGEPAGE = {"op": "advise", "advice": "hugepage"}
_THEN = {
    "khugepaged": {"type": "khugepaged"},
    "collapse": {"type": "madvise_collapse"},
    "none": {"type": "none"},
}


def experiment(
    *windows: str,
    name: str = "",
    story: str = "",
    then: str | Sequence[Mapping[str, Any]] = "khugepaged",
    first: Sequence[Mapping[str, Any]] = (),
    last: Sequence[Mapping[str, Any]] = (),
    advised: bool = True,
    machine: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Scenario:
    """A scenario of one process with these windows, one after the other in one VMA.

    ``then``: ``khugepaged`` (one wakeup), ``collapse`` (MADV_COLLAPSE), ``none``, or a list of steps;
    ``first`` and ``last``: ops before and after the windows are made; ``advised``: MADV_HUGEPAGE on all
    of it, once it is made; ``settings``: as in a scenario, e.g. ``max_ptes_none=411``. Raises
    ScenarioError.
    """
    if isinstance(then, str) and then not in _THEN:
        raise ScenarioError(f"then={then!r} is not accepted; allowed: {', '.join(_THEN)}, or a list of steps")
    entries = (machine or {}).get("entries", 512)
    pages = [kind for text in windows for kind in window(text, entries)]
    data: dict[str, Any] = {
        "name": name,
        "story": story,
        "settings": {"pages_to_scan": 1_000_000, **settings},
        "ops": [*first, *window_ops(pages), *([_HUGEPAGE] if advised else []), *last],
        "steps": [_THEN[then]] if isinstance(then, str) else list(then),
    }
    return Scenario.from_data({**data, "machine": dict(machine)} if machine else data)
