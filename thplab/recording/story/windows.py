"""What is decided about a window: the first reason to refuse it, and what a collapse ends with.

There is a sentence for every result of every kernel, also for those that only another kind of memory or a
race can bring about. A refusal names the entry that decided it, the count and the limit.
"""

from __future__ import annotations

from typing import Any

from thplab import points
from thplab.kernels import ScanResult as S
from thplab.mm.include.page import folio_expected_ref_count
from thplab.mm.include.pgtable import _PAGE_PSE
from thplab.mm.include.swapops import is_pte_marker
from thplab.mm.include.trace_events import TraceEvent
from thplab.points import Locals, Point
from thplab.recording.story.questions import ended_by
from thplab.recording.story.scan import COUNTS, counts, limits, need
from thplab.recording.story.tellers import At, OnReturn, at_event, at_return
from thplab.recording.story.template import Template, Told, Value, detail, fill, holes, story

#: Functions that decide: they return a scan result (alone, or first in a tuple).
VERDICT_POINTS = (
    points.ALLOCATE, points.CHECK_PMD, points.COLLAPSE, points.ISOLATE, points.REVALIDATE,
    points.SCAN, points.SWAP_IN,
)  # fmt: skip
#: Their names, as recordings have them.
VERDICT_FUNCTIONS = frozenset(point.name for point in VERDICT_POINTS)

#: result -> why it is one, with the values of _verdict_values
_REFUSED: dict[S, str] = {
    S.FAIL: "{Window} could not be collapsed, for no reason that the kernel has a name for.",
    S.PMD_NULL: "{Window} has no PMD table, because nothing near it is mapped now.",
    S.PMD_NONE: "The PMD entry of {window} is empty, because nothing is mapped in these {entries} pages.",
    S.NO_PTE_TABLE: "{Window} has no page table, because nothing is mapped in these {entries} pages.",
    S.PMD_MAPPED: "{Window} is one huge page already, because its PMD entry is a leaf: there is no table to read.",
    S.EXCEED_NONE_PTE: "{Entry_words} is empty, and {who} refuses {window}: {none|counts|count} as empty, and only {max_none} may (max_ptes_none).",
    S.EXCEED_SWAP_PTE: "{Entry_words} is swapped out, and {who} refuses {window}: {unmapped|is|are}, and only {max_swap} may be (max_ptes_swap).",
    S.EXCEED_SHARED_PTE: "{Entry_words} is shared, and {who} refuses {window}: {shared|is|are}, and only {max_shared} may be (max_ptes_shared).",
    S.PTE_NON_PRESENT: "{Entry_words} is not present any more: it was when the window was scanned.",
    S.PTE_UFFD_WP: "{Entry_words} is write-protected through userfaultfd, so {who} makes no huge page of {window}: a huge page would lose that mark.",
    S.PTE_MAPPED_HUGEPAGE: "The page cache has this huge page already, so only its mapping is small.",
    S.PAGE_RO: "{who} refuses {window} after its last entry, because none is writable: this kernel wants one.",
    S.LACK_REFERENCED_PAGE: "{who} refuses {window} after its last entry, because {referenced|page was|pages were} used lately: what no task uses is not worth a huge page.",
    S.PAGE_LAZYFREE: "{Entry_words} was given up by MADV_FREE and not written since, so {who} makes no huge page of {window}.",
    S.PAGE_DIRTY_OR_WRITEBACK: "A page of the file in {window} is still to be written to disk.",
    S.PAGE_NULL: "{Entry_words} maps no ordinary page.",
    S.SCAN_ABORT: "{Entry_words} maps a page on a node too far away from the others.",
    S.PAGE_COUNT: "{Entry_words} maps a page that another user holds (a pin), so {who} makes no huge page of {window}: {held|reference|references}, where {expected|is|are} expected.",
    S.PAGE_LRU: "{Entry_words} maps a page that is not on an LRU list, so {who} makes no huge page of {window}: another task has isolated it.",
    S.PAGE_LOCK: "{Entry_words} maps a page that another task has locked, so {who} makes no huge page of {window}: it does not wait for a page.",
    S.PAGE_ANON: "{Entry_words} maps a page that is not anonymous, so {who} makes no huge page of {window}: the page belongs to a file.",
    S.PAGE_COMPOUND: "{Entry_words} maps a large page of another size or place.",
    S.ANY_PROCESS: "{mm} exits or has switched huge pages off, so there is no use to go on.",
    S.VMA_NULL: "{Window} has no mapping any more: it went while no lock was held.",
    S.VMA_CHECK: "{Window} lies in a mapping that may not have huge pages any more.",
    S.ADDRESS_RANGE: "{Window} does not lie inside one mapping any more.",
    S.DEL_PAGE_LRU: "{Entry_words} maps a page that another task took off the LRU list first.",
    S.ALLOC_HUGE_PAGE_FAIL: "No free block of {entries} frames was found, so {window} does not become huge: the largest free block has {largest|frame|frames}.",
    S.CGROUP_CHARGE_FAIL: "The memory cgroup of {mm} has no room for {entries} more pages, so the new block is given back.",
    S.TRUNCATED: "The file became shorter: a page has left it.",
    S.PAGE_HAS_PRIVATE: "{Entry_words}: the file system keeps data of its own with the page.",
    S.STORE_FAILED: "The huge page could not be entered into the page cache.",
    S.COPY_MC: "{Entry_words}: the memory that was to be copied is broken (machine check).",
    S.PAGE_FILLED: "A hole of the file was filled meanwhile.",
}

#: result -> its sentence
VERDICTS: dict[S, Template] = {result: story(result.value, text) for result, text in _REFUSED.items()}

#: result -> why, in two words that follow a number of entries or windows
BRIEF: dict[S, str] = {
    S.EXCEED_NONE_PTE: "empty", S.EXCEED_SWAP_PTE: "swapped", S.EXCEED_SHARED_PTE: "shared",
    S.PAGE_COUNT: "pinned", S.PAGE_LOCK: "locked", S.PAGE_LRU: "isolated", S.DEL_PAGE_LRU: "isolated",
    S.LACK_REFERENCED_PAGE: "not used", S.PMD_NONE: "all empty", S.PMD_NULL: "all empty",
    S.NO_PTE_TABLE: "all empty", S.PMD_MAPPED: "huge already", S.ALLOC_HUGE_PAGE_FAIL: "no memory",
    S.CGROUP_CHARGE_FAIL: "no room", S.PAGE_RO: "read-only", S.PAGE_ANON: "of a file",
    S.PTE_UFFD_WP: "watched", S.PAGE_LAZYFREE: "given up",
}  # fmt: skip


def brief(result: str) -> str:
    """Why a window was refused, by the result's name; one without a word of its own is just refused."""
    return BRIEFLY.get(result, "refused")


#: The same by the names of the results, for the browser.
BRIEFLY = {result.value: words for result, words in BRIEF.items()}

#: result -> why a collapse that had begun was given up, where it has one cause
_GIVEN_UP: dict[S, str] = {
    S.PAGE_COUNT: "another user holds a page of it",
    S.PAGE_LOCK: "another task has locked a page of it",
    S.PAGE_LRU: "another task has isolated a page of it",
    S.DEL_PAGE_LRU: "another task has isolated a page of it",
    S.ADDRESS_RANGE: "it does not lie inside one mapping any more",
    S.VMA_NULL: "it has no mapping any more",
    S.VMA_CHECK: "its mapping may not have huge pages any more",
    S.ANY_PROCESS: "its process exits or has switched huge pages off",
    S.EXCEED_SHARED_PTE: "too many of its pages are shared",
    S.ALLOC_HUGE_PAGE_FAIL: "no free block is large enough",
    S.CGROUP_CHARGE_FAIL: "the memory cgroup has no room for it",
}


def _because(result: S) -> str:
    return f", because {_GIVEN_UP[result]}" if result in _GIVEN_UP else ""


ARMED = story(
    "exceed_none_pte_armed",
    "{Entry_words} is empty and userfaultfd watches this mapping, so {who} refuses {window}: no hole may be filled unseen.",
)
ZERO_TOO_MANY = story(
    "exceed_none_pte_zero",
    "{Entry_words} maps the shared zero page, and {who} refuses {window}: {none|counts|count} as empty, and only "
    "{max_none} may (max_ptes_none).",
)
MARKER_TOO_MANY = story(
    "exceed_swap_pte_marker",
    "{Entry_words} holds a marker and no page, and {who} refuses {window}: {unmapped|counts|count} as swapped out, and "
    "only {max_swap} may (max_ptes_swap).",
)
HALF = story(
    "lack_referenced_page_swap",
    "{who} refuses {window} after its last entry, because only {referenced|page was|pages were} used lately: with "
    "{unmapped|entry|entries} counted as swapped out, {need} must be.",
)
#: (function, result) -> sentence, where the function gives the result another meaning
_OF_FUNCTION: dict[tuple[Point, S], Template] = {
    (points.SWAP_IN, S.SUCCEED): story("swapped_in", "All that was swapped out of {window} is in memory again."),
    (points.SWAP_IN, S.PAGE_LOCK): story(
        "swapin_busy", "Another task is reading {entry_words} in from swap, so {who} leaves {window} alone for now."
    ),
    (points.SWAP_IN, S.FAIL): story(
        "swapin_no_swap", "{Entry_words} is not in swap at all (a guard page, a broken page), so it can't be read in."
    ),
    (points.SWAP_IN, S.PMD_NULL): story("swapin_no_table", "The page table of {window} has gone during the swap-in."),
    (points.REVALIDATE, S.SUCCEED): detail(
        "revalidated", "{Window} still lies inside one mapping of process {mm} that may have huge pages, so the work goes on."
    ),
    (points.REVALIDATE, S.PAGE_ANON): story("not_anonymous_now", "{Window} is not anonymous memory any more."),
    (points.CHECK_PMD, S.SUCCEED): detail("same_place", "The PMD entry of {window} is where it was, and points at a page table."),
    (points.CHECK_PMD, S.FAIL): story("another_place", "The PMD entry of {window} is in another PMD table now: the one it was found in was freed."),
    **{
        (points.COLLAPSE, result): story(
            f"not_collapsed_{result.name.lower()}",
            f"{{Window}} does not become huge{_because(result)}: the collapse ends with '{{result}}'.",
        )
        for result in S if result is not S.SUCCEED
    },
}  # fmt: skip
CHANGED_SINCE = detail(
    "collapsed_and_changed",
    "{Window} of process {mm} became one huge page, which another task has changed since.",
)
COLLAPSED = detail("collapsed", "{Window} of process {mm} is one huge page now.")
SCAN_DONE = detail("scan_done", "{who} is done with {window}: '{result}'.")


#: What a success of these functions means is told elsewhere (collapse.py).
SUCCESSES: dict[Point, OnReturn] = {}


@at_return(*VERDICT_POINTS)
def _verdict(local: Locals, returned: Any, at: At) -> Told | None:
    """What a function decides, when it is left."""
    result = returned[0] if isinstance(returned, tuple) else returned
    return decided(local, result, at, returned) if isinstance(result, S) else None


def decided(local: Locals, result: S, at: At, returned: Any = None) -> Told | None:
    """The sentence for ``result``, which the function of these variables decides."""
    point = local.point
    if result is S.SUCCEED and point in SUCCESSES:
        return SUCCESSES[point](local, returned, at)
    values = _verdict_values(local, result, at)
    if point is points.SCAN and (result is S.SUCCEED or local.get("mmap_locked") is False):
        return SCAN_DONE.tell(**values)
    if point is points.COLLAPSE and result is S.SUCCEED:
        huge = at.pmd(local["mm"], local["address"]) & _PAGE_PSE
        return (COLLAPSED if huge else CHANGED_SINCE).tell(**values)
    if point is points.SCAN:
        values |= {"question": ended_by(result), "need": need(local, at)}
    template = _special(local, result) or _OF_FUNCTION.get((point, result)) or VERDICTS.get(result)
    if template is None:
        return None
    # A function that counts nothing never decides by a count, but each pair has its sentence.
    uncounted = {name: 0 for name in template.names if name in (*COUNTS, "held", "expected")}
    return template.tell(**uncounted | values)


def _special(local: Locals, result: S) -> Template | None:
    """The sentence of a result that has several causes, by the function's variables."""
    if local.point not in (points.SCAN, points.ISOLATE):
        return None
    if result is S.EXCEED_NONE_PTE:
        return ARMED if local.get("userfaultfd_armed") else ZERO_TOO_MANY if local.get("pte") else None
    if local.point is points.ISOLATE:
        return None
    if result is S.EXCEED_SWAP_PTE and is_pte_marker(local.get("pte") or 0):
        return MARKER_TOO_MANY
    return HALF if result is S.LACK_REFERENCED_PAGE and local.get("unmapped") else None


def sentence_of(result: S) -> str:
    """The sentence for a result of which nothing else is known."""
    text = VERDICTS[result].text
    words = {"who": "khugepaged", "window": "this window", "entry_words": "an entry", "mm": "the process"}
    return fill(text, {name: words.get(name, 0) for name in holes(text)})


SCANNED = story(
    "scanned",
    "{who} has read {window} of process {mm}, and the answer is '{result}': {referenced|entry was|entries were} used lately, {none} empty, "
    "{unmapped} swapped out.",
)


@at_event("mm_khugepaged_scan_pmd")
def _scanned(event: TraceEvent, at: At) -> Told | None:
    """Where no functions are recorded: they tell more."""
    if at.records_functions or event.address is None:
        return None
    found: dict[str, Value] = {
        "referenced": int(event.value("referenced")), "none": int(event.value("none_or_zero")),
        "unmapped": int(event.value("unmapped")),
    }  # fmt: skip
    words = {"who": at.who, "mm": event.mm or "", "result": event.value("status")}
    return SCANNED.tell(window=at.window(event.address), **words, **found, **limits(at))


def _verdict_values(local: Locals, result: S, at: At) -> dict[str, Value]:
    vma = local.get("vma")
    mm = local.get("mm") or (vma.mm if vma is not None else None)
    has_address = not {"start_addr", "address"}.isdisjoint(local.point.reads)
    about = local if has_address else at.within(points.COLLAPSE) or local
    address, index = about.get("start_addr", about.get("address")), local.get(points.ENTRY)
    found: dict[str, Value] = {
        "who": at.who, "mm": mm.name if mm is not None else "the process", "result": result.value,
        "window": "this window" if address is None else at.window(address),
        "entry_words": "an entry" if index is None else f"entry {index}",
        **counts(local), **limits(at),
    }  # fmt: skip
    if index is not None:
        found["entry"] = index
    folio = local.get("folio") if local.point in (points.SCAN, points.ISOLATE) else None
    if result is S.PAGE_COUNT and folio is not None and local.get("mmap_locked") is not False:
        found["held"] = at.kernel.mem_map.refcount[folio]
        found["expected"] = folio_expected_ref_count(at.kernel.mem_map, folio)
    if result is S.ALLOC_HUGE_PAGE_FAIL:
        found["largest"] = largest_block(at)
    return found


def largest_block(at: At) -> int:
    """Frames of the largest free block; 0: nothing is free."""
    zones = at.kernel.node.zones
    return max(
        (1 << order for zone in zones for order, blocks in enumerate(zone.nr_free) if blocks), default=0
    )
