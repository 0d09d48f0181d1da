"""Painting a window: from what its entries are to what they shall be, by what processes can do.

paint("100x present, 412x none", now)     what each entry shall be
paint("7 swap, 100-199 none", now)        single entries and ranges; the others stay
repaint(now, wanted)                      the ops that make it so
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from thplab.scenario.errors import ScenarioError
from thplab.scenario.windows import ranges_of

#: What an entry may be made, and how; ``keep`` leaves it as it is.
PAINTS = {
    "none": "given back with MADV_DONTNEED",
    "young": "written",
    "old": "written, then the accessed marks are cleared and the others touched again",
    "zero": "given back, then read: the shared zero page",
    "swap": "written and swapped out",
    "shared": "written, then shared with a forked child; the others are written again",
    "pinned": "written, and somebody takes an extra reference",
    "lazyfree": "written, then given back by MADV_FREE",
    "keep": "left as it is",
}
_ALSO = {"present": "young", "empty": "none"}
_WRITTEN = ("young", "old", "swap", "shared", "pinned", "lazyfree")
#: What cannot be painted away: no process here can undo it.
_STAYS = {"uffd": "write-protected by userfaultfd", "poison": "poisoned"}

_PART = re.compile(
    r"(?:(?P<count>\d+)\s*[x×]|(?P<first>\d+)(?:\s*-\s*(?P<last>\d+))?\s*:?)\s*(?P<kind>[a-z]+)"
)


def paint(text: str, entries: int) -> list[str]:
    """For each entry one of PAINTS. ScenarioError names the part that is none, or does not fit."""
    kinds, at = ["keep"] * entries, 0
    for part in re.split(r"[,;\n]", text):
        found = _PART.fullmatch(part.strip())
        kind = _ALSO.get(found["kind"], found["kind"]) if found else ""
        if found is None or kind not in PAINTS:
            raise ScenarioError(
                f"{part.strip()!r} is not accepted; allowed: 100x present, 7 swap or 0-99 none, "
                f"with present, empty, {', '.join(PAINTS)}"
            )
        first = at if found["count"] else int(found["first"])
        at = first + int(found["count"]) if found["count"] else int(found["last"] or first) + 1
        if not first <= at <= entries:
            raise ScenarioError(f"{part.strip()!r} does not fit: the window has entries 0 to {entries - 1}")
        kinds[first:at] = [kind] * (at - first)
    return kinds


def repaint(now: Sequence[str], wanted: Sequence[str], first_page: int = 0) -> list[dict[str, Any]]:
    """The ops that turn entries of the kinds ``now`` into those ``wanted``; empty if they are so already.

    ``now``: kinds as a window shows them; ``first_page``: the page of entry 0. Raises ScenarioError for an
    entry that nobody can change.
    """
    pairs = list(zip(now, wanted, strict=True))
    new = [kind if kind not in ("keep", was) else "" for was, kind in pairs]
    for index, (kind, was) in enumerate(zip(new, now, strict=True)):
        if kind and was in _STAYS:
            raise ScenarioError(f"entry {index} is {_STAYS[was]}: it can't be painted; allowed: keep")

    def on(op: str, chosen: Callable[[int], bool], **others: Any) -> list[dict[str, Any]]:
        ranges = ranges_of([chosen(index) for index in range(len(new))])
        pages = [[first_page + first, first_page + end] for first, end in ranges]
        return [{"op": op, **others, "pages": pages}] if pages else []

    after = [kind or was for kind, was in zip(new, now, strict=True)]
    in_use = [kind in _WRITTEN and kind != "swap" for kind in after]
    ops = on("advise", lambda i: new[i] in ("none", "zero"), advice="dontneed")
    ops += on("write", lambda i: new[i] in _WRITTEN)
    ops += on("read", lambda i: new[i] == "zero")
    ops += on("advise", lambda i: new[i] == "swap", advice="pageout")
    if "shared" in new:
        ops += [{"op": "fork", "id": "painted"}, *on("write", lambda i: in_use[i] and after[i] != "shared")]
    if "old" in new:
        ops += [{"op": "clear_refs"}, *on("read", lambda i: in_use[i] and after[i] != "old")]
    ops += on("advise", lambda i: new[i] == "lazyfree", advice="free")
    return ops + on("pin", lambda i: new[i] == "pinned")
