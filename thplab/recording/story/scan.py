"""The scan of a window: its table is looked for, its entries are read, and none rules it out.

What rules it out is told in windows.py. Values that no text names are for the picture: which questions are
asked, and the state of each entry (questions.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thplab import points
from thplab.kernels import ScanResult as S
from thplab.mm.include.pgtable import pmd_table_page
from thplab.points import Locals
from thplab.recording.story import questions
from thplab.recording.story.tellers import At, at_call, at_entry, at_return
from thplab.recording.story.template import Template, Told, Value, detail, entry, story

LOOKS = detail(
    "looks",
    "{who} looks for the page table of {window} of process {mm}, because only small pages need to be collapsed.",
)
READS = story(
    "reads",
    "{who} begins to read {window} of process {mm}: each of its {entries} entries must say whether its page may be moved.",
)
ACCEPTED = story(
    "accepted",
    "{who} accepts {window}, because no entry rules it out: {referenced|entry was|entries were} used lately, "
    "{none|counts|count} as empty, {unmapped} as swapped out, {shared} as shared.",
)
ACCEPTED_UNBOUND = story(
    "accepted_unbound",
    "{who} accepts {window}, because no entry rules it out and no limit binds MADV_COLLAPSE: {none|counts|count} as "
    "empty, {unmapped} as swapped out, {shared} as shared.",
)
_OF_ENTRY: dict[str, Template] = {
    "e": entry("entry_empty", "Entry {entry} is empty: {none} so far, and {max_none} may be."),
    "z": entry(
        "entry_zero",
        "Entry {entry} maps the shared zero page, which counts as empty: {none} so far, and {max_none} may be.",
    ),
    "s": entry("entry_swapped", "Entry {entry} is swapped out: {unmapped} so far, and {max_swap} may be."),
    "g": entry(
        "entry_guard",
        "Entry {entry} holds a guard marker and no page, but it counts as swapped out: {unmapped} so far, and "
        "{max_swap} may be.",
    ),
    "h": entry(
        "entry_shared",
        "Entry {entry} maps a page that another process maps, too: {shared} so far, and {max_shared} may be.",
    ),
    "u": entry("entry_used", "Entry {entry} maps a page that was used lately: {referenced} so far."),
    "n": entry(
        "entry_unused", "Entry {entry} maps a page that was not used lately: {referenced} were so far."
    ),
}
#: What no limit binds: MADV_COLLAPSE counts all the same, and does not ask what was used.
_UNBOUND: dict[str, Template] = {
    "e": entry(
        "entry_empty_unbound",
        "Entry {entry} is empty, but no limit binds MADV_COLLAPSE: {none} so far.",
    ),
    "z": entry(
        "entry_zero_unbound",
        "Entry {entry} maps the shared zero page, but no limit binds MADV_COLLAPSE: {none} count as empty so far.",
    ),
    "s": entry(
        "entry_swapped_unbound",
        "Entry {entry} is swapped out, but no limit binds MADV_COLLAPSE: {unmapped} so far.",
    ),
    "g": entry(
        "entry_guard_unbound",
        "Entry {entry} holds a guard marker and no page, but no limit binds MADV_COLLAPSE: {unmapped} count as "
        "swapped out so far.",
    ),
    "h": entry(
        "entry_shared_unbound",
        "Entry {entry} maps a page that another process maps, too, but no limit binds MADV_COLLAPSE: {shared} so far.",
    ),
    "u": entry(
        "entry_passes",
        "Entry {entry} maps a page that may be moved: MADV_COLLAPSE does not ask whether it was used lately.",
    ),
}  # fmt: skip


def limits(at: At) -> dict[str, Value]:
    """The knobs of a scan."""
    knobs = at.kernel.knobs
    return {
        "max_none": knobs.max_ptes_none, "max_swap": knobs.max_ptes_swap, "max_shared": knobs.max_ptes_shared,
        "entries": at.entries,
    }  # fmt: skip


#: A count in sentences -> the local variable that has it.
COUNTS = {"none": "none_or_zero", "unmapped": "unmapped", "shared": "shared", "referenced": "referenced"}


def counts(local: Mapping[str, Any]) -> dict[str, Value]:
    """What the function has counted so far; what it does not count is not told."""
    return {name: local[variable] for name, variable in COUNTS.items() if variable in local}


def need(local: Mapping[str, Any], at: At) -> int:
    """How many pages must have been used lately, as far as the scan has come; 0: it does not matter."""
    if not local["cc"].is_khugepaged:
        return 0
    return at.entries // 2 if local.get("unmapped") else 1


@at_call(points.SCAN)
def _looks(local: Locals, at: At) -> Told:
    profile, khugepaged = at.kernel.profile, local["cc"].is_khugepaged
    return LOOKS.tell(
        who=at.who,
        mm=local["mm"].name,
        window=at.window(local["start_addr"]),
        bound=int(khugepaged),
        asks=questions.asks(questions.OF_ENTRY, profile, khugepaged),
        asks_last=questions.asks(questions.OF_ALL, profile, khugepaged),
        need=need(local, at),
        **limits(at),
    )


@at_return(points.FIND_PMD)
def _reads(local: Locals, returned: Any, at: At) -> Told | None:
    """The scan has found a table to read."""
    if at.caller is not points.SCAN or returned[0] is not S.SUCCEED:
        return None
    mm, address = local["mm"], local["address"]
    table = at.kernel.tables[pmd_table_page(at.kernel, returned[1][0][returned[1][1]])]
    states = questions.letters(at.kernel, table)
    return READS.tell(who=at.who, mm=mm.name, window=at.window(address), states=states, **limits(at))


@at_entry(points.SCAN)
def _entry(local: Locals, at: At) -> Told:
    values = {
        "entry": local[points.ENTRY],
        **counts(local),
        **limits(at),
        "need": need(local, at),
        "window": at.window(local["start_addr"]),
    }
    state = questions.letter(at.kernel, local["pte"])
    if state == "H":
        state = "h"
    if local["cc"].is_khugepaged:
        return _OF_ENTRY[state].tell(**values)
    return _UNBOUND["u" if state == "n" else state].tell(**values)


@at_return(points.VERDICT_OF_SCAN)
def _accepted(local: Locals, result: Any, at: At) -> Told | None:
    scan = at.within(points.SCAN)
    if result is not S.SUCCEED or scan is None:
        return None
    window = at.window(scan["start_addr"])
    template = ACCEPTED if scan["cc"].is_khugepaged else ACCEPTED_UNBOUND
    return template.tell(
        who=at.who, mm=scan["mm"].name, window=window, need=need(scan, at), **counts(scan), **limits(at)
    )
