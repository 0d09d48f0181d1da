"""Windows in words: what their pages are, and the ops that make them so.

"100x young, 412x none" is one window, from its first page on; the words are those of KINDS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from thplab.scenario.errors import ScenarioError
from thplab.scenario.values import list_of, plain

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
_ONE = rf"\s*[0-9]+\s*[x×]\s*({'|'.join(KINDS)})\s*"
_WINDOW = f"^{_ONE}(,{_ONE})*$"

#: What a key that holds windows holds.
WINDOWS = list_of(
    plain(
        f"a text such as 100x young, 412x none, with {', '.join(KINDS)}",
        {"type": "string", "pattern": _WINDOW},
        lambda value: isinstance(value, str) and re.fullmatch(_WINDOW, value) is not None,
    ),
    least=1,
    allowed="a list of windows, not empty",
)


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


def window_ops(pages: Sequence[str]) -> list[dict[str, Any]]:
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
