"""Write a scenario as one would say it.

experiment("100x young, 412x none", max_ptes_none=411)
experiment("64x swap, 448x young", "512x none", then="collapse")

Each text is one window, from its first page on; the words are those of KINDS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from thplab.scenario.data import Scenario
from thplab.scenario.errors import ScenarioError

__all__ = ["KINDS", "experiment", "ranges_of", "window"]

#: What a page of a window may be, and what makes it so.
KINDS = {
    "none": "never touched",
    "young": "written and in use",
    "old": "written, and not used since the accessed marks were cleared",
    "zero": "read only: the shared zero page",
    "swap": "written and swapped out",
    "shared": "written, then shared with a forked child",
    "pinned": "written, and somebody holds an extra reference",
    "lazyfree": "written, then given back by MADV_FREE",
    "uffd": "written, then write-protected by userfaultfd",
    "huge": "mapped by one huge page (only a whole window)",
}

_RUN = re.compile(r"(\d+)\s*[x×]\s*(\w+)")
_HUGEPAGE = {"op": "advise", "advice": "hugepage"}
_THEN = {
    "khugepaged": {"type": "khugepaged"},
    "collapse": {"type": "madvise_collapse"},
    "none": {"type": "none"},
}


def window(text: str, entries: int = 512) -> list[str]:
    """The kind of each page of a window. ScenarioError names the part that is none."""
    kinds: list[str] = []
    for part in text.split(","):
        run = _RUN.fullmatch(part.strip())
        if run is None or run[2] not in KINDS:
            raise ScenarioError(
                f"window {text!r}: {part.strip()!r} is not accepted; "
                f"allowed: a number, x, and one of {', '.join(KINDS)}"
            )
        kinds += [run[2]] * min(int(run[1]), entries + 1)
    if len(kinds) != entries:
        raise ScenarioError(f"window {text!r}: has not {entries} pages")
    if "huge" in kinds and set(kinds) != {"huge"}:
        raise ScenarioError(f"window {text!r}: huge is a whole window, {entries}x huge")
    return kinds


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
        "ops": [*first, *_ops(pages), *([_HUGEPAGE] if advised else []), *last],
        "steps": [_THEN[then]] if isinstance(then, str) else list(then),
    }
    return Scenario.from_data({**data, "machine": dict(machine)} if machine else data)


def _ops(pages: Sequence[str]) -> list[dict[str, Any]]:
    """The ops that make pages of these kinds, in an order in which none undoes another."""
    written = {*KINDS} - {"none", "zero", "huge"}
    runs = _runs(pages)
    ops: list[dict[str, Any]] = [{"op": "mmap", "start": 0, "pages": len(pages)}]
    ops += _on(runs, written, "write")
    ops += _on(runs, {"huge"}, "advise", advice="hugepage")
    ops += _on(runs, {"huge"}, "write")
    ops += _on(runs, {"zero"}, "read")
    ops += _on(runs, {"swap"}, "advise", advice="pageout")
    if "shared" in pages:
        ops.append({"op": "fork"})
        ops += _on(runs, written - {"shared", "swap"}, "write")
    if "old" in pages:
        ops.append({"op": "clear_refs"})
        ops += _on(runs, written - {"old", "swap"}, "read")
    ops += _on(runs, {"lazyfree"}, "advise", advice="free")
    ops += _on(runs, {"pinned"}, "pin")
    if "uffd" in pages:
        ops.append({"op": "uffd_wp", "protect": _ranges(runs, {"uffd"})})
    return ops


#: (what they are, first page, the page after the last)
_Run = tuple[Any, int, int]


def _runs(pages: Sequence[Any]) -> list[_Run]:
    """Neighbours that are alike: a window has many pages, but few runs."""
    runs, first = [], 0
    for kind, run in groupby(pages):
        end = first + len(list(run))
        runs.append((kind, first, end))
        first = end
    return runs


def _on(runs: Sequence[_Run], kinds: Iterable[str], op: str, **others: Any) -> list[dict[str, Any]]:
    ranges = _ranges(runs, set(kinds))
    return [{"op": op, **others, "pages": ranges}] if ranges else []


def _ranges(runs: Sequence[_Run], kinds: set[str]) -> list[list[int]]:
    """Where pages of these kinds lie."""
    ranges: list[list[int]] = []
    for kind, first, end in runs:
        if kind not in kinds:
            continue
        if ranges and ranges[-1][1] == first:
            ranges[-1][1] = end
        else:
            ranges.append([first, end])
    return ranges


def ranges_of(chosen: Sequence[bool]) -> list[list[int]]:
    """Where the true ones lie: ranges [first, end)."""
    return [[first, end] for inside, first, end in _runs(chosen) if inside]
