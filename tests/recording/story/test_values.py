"""Every named value of every sentence, against what the recording itself says at that moment."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.recording.small import collapse
from tests.recording.story.now import Now, lock_words, table_number
from tests.recording.story.telling import recorded
from tests.sampling import sample
from thplab.kernels import PROFILES, ScanResult
from thplab.mm.include import page as pg
from thplab.mm.include import pgtable as bits
from thplab.reading.walk import walk
from thplab.recording import Recording
from thplab.recording.cells import ObjectInfo
from thplab.recording.derive.spans import SPANS
from thplab.recording.story.template import TEMPLATES, Value
from thplab.scenario import NAMED

Check = Callable[[Now], Any]
"""The value that the state asks for, a set of them if it leaves several open, or whether it is right."""

#: Eleven million changes of the state.
TOO_LARGE = {"S06.AB"}
ALL = [name for name in NAMED if name not in TOO_LARGE]
#: Those that do not take long to record, for the sample of every run.
SHORT = [name for name in ALL if not name.startswith(("S06.", "S07.swap", "S12.swap"))]


# Who and where ---------------------------------------------------------------------------------------


def who(now: Now) -> Any:
    """The task; of the daemons of the one node that there is without the node's number."""
    return now.task.removesuffix("0") if now.task in ("kcompactd0", "kswapd0") else now.task


def mm(now: Now) -> Any:
    """The process that a function on the stack works for; else any that there is."""
    process = now.process()
    if now.told.kind in ("visit", "passed_by", "cursor_on"):
        slot = now.state.path("khugepaged.scan_mm_slot")
        return now.state.get(now.state.get(slot, "mm"), "name")
    if now.told.kind.startswith("visit_ends"):
        return {now.last[kind].values["mm"] for kind in ("visit", "passed_by") if kind in now.last}
    if now.told.kind in ("steps_aside", "locks_out", "lets_in"):
        return str(now.told.values["lock"]).removeprefix("mmap_lock of ")
    if process is not None:
        return now.state.get(process, "name")
    return now.named("Mm")


def window(now: Now) -> Any:
    if now.told.kind.startswith("window_paid"):  # the cursor is behind it already
        return now.window_words(now.state.path("khugepaged.scan_address") - now.window_size)
    if now.told.kind in ("cursor", "visit_ends_midway"):
        return now.window_words(now.state.path("khugepaged.scan_address"))
    address = now.argument("start_addr", "address")
    if address is None and now.told.kind == "scanned":  # only events are recorded
        cursor = now.window_words(now.state.path("khugepaged.scan_address"))
        return cursor if now.task == "khugepaged" else now.told.values["window"]
    if address is None:
        return "this window"
    return now.window_words(int(address, 0))


def entry_words(now: Now) -> Any:
    entry = now.told.values.get("entry")
    return "an entry" if entry is None else f"entry {entry}"


def which(now: Now) -> Any:
    begin, end = first(now), last(now)
    return f"page {begin}" if begin == end else f"pages {begin} to {end}"


def _call(now: Now) -> str:
    """The system call that a sentence names; empty: the innermost function says it."""
    return "do_munmap" if now.told.kind == "page_freed_unmapped" else ""


def first(now: Now) -> Any:
    return now.page_words(now.number("start", "old", of=_call(now)))


def last(now: Now) -> Any:
    start = now.number("start", "old", of=_call(now))
    length = now.number("length", "old_length", of=_call(now))
    return now.page_words(start + length - 1)


def page(now: Now) -> Any:
    return now.page_words(now.number("address"))


def to(now: Now) -> Any:
    return now.page_words(now.number("new"))


def address(now: Now) -> Any:
    vma = now.at_address("Vma", str(now.argument("vma")))
    return f"{now.state.get(vma, 'vm_start'):#x}"


def zone(now: Now) -> Any:
    return now.named("Zone")


def table(now: Now) -> Any:
    return str(now.argument("table")).strip("<>")


def table_frame(now: Now) -> Any:
    """The PMD entry of the window leads there."""
    return now.page(bits.entry_pfn(now.pmd(now.number("start_addr", "address"))))


# Locks -----------------------------------------------------------------------------------------------


def _locks(now: Now) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Writer and readers, now and before their last change, of the locks that the sentence may mean."""
    for lock in now.state.objects("Lock"):
        if lock_words(now.state.get(lock, "name")) == now.told.values["lock"]:
            cells = [lock.base + lock.fields.index(name) for name in ("writer", "readers")]
            writer, readers = (now.state.cell(cell) for cell in cells)
            were_readers = now.before.get(cells[1], readers) or 0
            yield writer, now.before.get(cells[0], writer), readers, were_readers


def _is_taken(now: Now, how: str) -> bool:
    if how == "writing":
        return any(writer == now.told.values["who"] for writer, *_ in _locks(now))
    return any(readers > before for _, _, readers, before in _locks(now))


def _is_released(now: Now) -> bool:
    by = now.told.values["who"]
    return any(
        (was_writer == by and writer != by) or readers < were_readers
        for writer, was_writer, readers, were_readers in _locks(now)
    )


def lock(now: Now) -> bool:
    """It is held, given back or wanted, as the sentence says."""
    kind, values = now.told.kind, now.told.values
    if kind == "takes":
        return _is_taken(now, str(values["how"]))
    if kind == "visit":
        return _is_taken(now, "reading")
    if kind == "locks_out":
        return _is_taken(now, "writing")
    if kind in ("releases", "steps_aside", "lets_in"):
        return _is_released(now)
    assert kind in ("waits", "passed_by")
    return any(writer is not None or readers for writer, _, readers, _ in _locks(now))


def how(now: Now) -> Any:
    if now.told.kind == "waits":
        return {"reading" if writer is None else "writing" for writer, *_ in _locks(now)}
    return {each for each in ("reading", "writing") if _is_taken(now, each)}


def holder(now: Now) -> Any:
    """As the lanes say, which are made of the changes of the locks and not of what is told."""
    sections, header = now.sections, now.header
    words = {number: lock_words(each["label"]) for number, each in enumerate(header["objects"])}
    rows = zip(*(sections[f"s_{name}"] for name in ("who", "what", "lock", "first", "end")), strict=True)
    holds = SPANS.index("holds")
    return " and ".join(
        header["lanes"][who]["comm"]
        for who, what, lock, first, end in rows
        if what == holds and words[lock] == now.told.values["lock"] and first <= now.moment < end
    )


def _last_waiter(now: Now, field: str) -> Any:
    return {
        now.state.get(now.state.get(lock, "waiters")[-1], field)
        for lock in now.state.objects("Lock")
        if now.state.get(lock, "waiters")
    }


def waiter(now: Now) -> Any:
    return _last_waiter(now, "who")


def op(now: Now) -> Any:
    return _last_waiter(now, "op")


# Knobs and khugepaged's own numbers --------------------------------------------------------------------


def knob(name: str) -> Check:
    return lambda now: now.state.path(f"knobs.{name}")


def of_khugepaged(name: str) -> Check:
    return lambda now: now.state.path(f"khugepaged.{name}")


def listed(now: Now) -> Any:
    return len(now.state.path("khugepaged.mm_head"))


def spent(now: Now) -> Any:
    """What the pass has, and what the present visit adds at its end: so far, what its sentences say."""
    before = now.state.path("khugepaged.progress_of_pass")
    if now.told.kind.startswith("visit_ends"):
        return before + cost(now)
    if now.told.kind.startswith("window_paid"):
        # The mappings before it are one unit each, and so is the visit.
        [visit] = {now.last["visit"].moment}
        return before + sum(
            int(told.values["cost"]) for told in _told_since(now, visit) if "cost" in told.values
        )
    return before


def _told_since(now: Now, moment: int) -> Iterator[Any]:
    """What has been told from a moment on, up to this sentence."""
    for place in range(now.place, -1, -1):
        told = now.recording.told_as(place)
        if told.moment < moment:
            return
        yield told


def cost(now: Now) -> Any:
    """Nothing where khugepaged did not get in, a unit for a visit and for a mapping; of a whole visit what
    the pass adds next; of a window the same in all kernels but those that count what was read.
    """
    kind = now.told.kind
    fixed = {"passed_by": 0, "visit": 1, "vma_passed_over": 1, "vma_passed_over_too": 1}
    if kind in fixed:
        return fixed[kind]
    if kind.startswith("window_paid"):
        read = now.state.path("khugepaged.collapse_control.ptes_read")
        by_what_was_read = PROFILES[now.header["kernel"]].window_costs_what_was_read
        return max(read, 1) if by_what_was_read else now.geometry["entries"]
    s, cell = now.sections, now.recording.cell_of("khugepaged.progress_of_pass")
    following = now.recording.find("call", now.moment)  # the list's lock is released
    end = len(s["c_cell"]) if following is None else s["m_changes_end"][following]
    changes = [i for i in range(s["m_changes_end"][now.moment], end) if s["c_cell"][i] == cell]
    return s["c_lo"][changes[-1]] - now.state.path("khugepaged.progress_of_pass") if changes else 0


def limit(now: Now) -> Any:
    """The budget in words."""
    budget = knob("pages_to_scan")(now)
    return "unlimited units" if budget >= 10**9 else f"{budget} unit{'' if budget == 1 else 's'}"


def number(now: Now) -> Any:
    """Of the pass that begins, which is not counted yet; of a mapping, from low to high."""
    if now.told.kind.startswith("vma_passed_over"):
        vma = now.at_address("Vma", str(now.argument("vma")))
        return now.state.get(now.state.get(vma, "mm"), "vmas").index(vma) + 1
    return _passes(now) + 1


def _passes(now: Now) -> int:
    """That have begun since the recording began."""
    return int(now.state.path("khugepaged.passes") - now.recording.state(0).path("khugepaged.passes"))


def the_pass(now: Now) -> Any:
    return f"pass {_passes(now)}" if _passes(now) else "the pass that began before the recording"


def over(now: Now) -> Any:
    """Why a pass is over, by the budget, the list, the laps and the sleeps of the pass."""
    if spent(now) >= knob("pages_to_scan")(now):
        return "budget used up"
    if now.state.path("khugepaged.thread.should_stop"):
        return "told to stop"
    if not listed(now):
        return "list empty"
    since = now.last["pass_begins"].moment
    lapped, slept = (kind in now.last and now.last[kind].moment > since for kind in ("lap", "alloc_nap"))
    if lapped and now.state.path("khugepaged.scan_mm_slot") is None:
        return {"end of the list", "not allowed"}
    return "no memory" if slept else "not allowed"


def then(now: Now) -> Any:
    """Where the cursor is."""
    slot, cursor = now.state.path("khugepaged.scan_mm_slot"), now.state.path("khugepaged.scan_address")
    if slot is None:
        return "its next visit is at the head of the list"
    mm = f"process {now.state.get(now.state.get(slot, 'mm'), 'name')}"
    return f"it will go on in {mm} at {now.window_words(cursor)}" if cursor else f"its next visit is to {mm}"


def left(now: Now) -> Any:
    return knob("pages_to_scan")(now) - now.state.path("khugepaged.progress_of_pass")


def time(now: Now) -> bool:
    """As long as the knob says, which is when the sleep is to end."""
    value, unit = str(now.told.values["time"]).split()
    ms = float(value) * {"ms": 1, "s": 1000}[unit]
    name = {"nap": "scan_sleep_millisecs", "alloc_nap": "alloc_sleep_millisecs"}[now.told.kind]
    return bool(ms == max(knob(name)(now), 1))


# Memory -----------------------------------------------------------------------------------------------


def free(now: Now) -> Any:
    name = now.told.values.get("zone")
    zones = [now.zone(str(name))] if name else now.zones
    return sum(now.state.get(zone, "free_pages") for zone in zones)


def _blocks(now: Now) -> Iterator[tuple[int, int]]:
    """(order, free blocks of it) in each zone, or in that which the sentence names."""
    name = now.told.values.get("zone")
    for zone in [now.zone(str(name))] if name else now.zones:
        yield from enumerate(now.state.items(now.state.get(zone, "nr_free")))


def largest(now: Now) -> Any:
    return max((1 << order for order, blocks in _blocks(now) if blocks), default=0)


def entries(now: Now) -> Any:
    return now.geometry["entries"]


def _window_order(now: Now) -> int:
    return now.geometry["entries"].bit_length() - 1


def whole(now: Now) -> Any:
    least = _window_order(now)
    return sum(blocks << order - least for order, blocks in _blocks(now) if order >= least)


def score(now: Now, zones: Sequence[ObjectInfo] = ()) -> Any:
    """Per cent of a zone's free memory that is of no use for a huge page (extfrag_for_order)."""
    least = _window_order(now)
    blocks = [
        row
        for zone in zones or [now.zone(str(now.told.values["zone"]))]
        for row in enumerate(now.state.items(now.state.get(zone, "nr_free")))
    ]
    every = sum(count << order for order, count in blocks)
    fit = sum(count << order for order, count in blocks if order >= least)
    return (every - fit) * 100 // every if every else 0


def node_score(now: Now) -> Any:
    """The zones' scores by their sizes; the kernel rounds each down, and divides by one page too many."""
    pages = [now.state.get(zone, "spanned_pages") for zone in now.zones]
    return sum(
        score(now, [zone]) * size // (sum(pages) + 1) for zone, size in zip(now.zones, pages, strict=True)
    )


def low(now: Now) -> Any:
    profile = PROFILES[now.header["kernel"]]
    return max(100 - now.state.path("sysctl.compaction_proactiveness"), profile.least_score_mark)


def high(now: Now) -> Any:
    narrows = PROFILES[now.header["kernel"]].score_marks_narrow
    return min(low(now) + (min(10, low(now) // 2) if narrows else 10), 100)


def pages(now: Now) -> Any:
    if now.told.kind.startswith("vma_passed_over"):
        vma = now.at_address("Vma", str(now.argument("vma")))
        size = now.state.get(vma, "vm_end") - now.state.get(vma, "vm_start")
        return size >> now.geometry["page_shift"]
    return 1 << now.number("order")


def frame(now: Now) -> Any:
    if now.told.kind == "folio":
        taken = now.page(int(str(now.told.values["frame"]), 0))
        assert now.of_page("refcount", taken) == 1
        return now.told.values["frame"]
    written = now.number("pmd", of="set_pmd_at")
    assert now.state.cell(_written_cell(now)) == written
    return f"{bits.entry_pfn(written):#x}"


def _written_cell(now: Now) -> int:
    return now.recording.entry_cell(
        table_number(str(now.argument("table"))), now.number("index", of="set_pmd_at")
    )


def new(now: Now) -> Any:
    """The block is allocated; later the PMD entry maps it."""
    value = now.told.values["new"]
    if now.told.kind == "published":
        entry = now.pmd(now.number("address"))
        assert entry & bits._PAGE_PSE
        return f"{bits.entry_pfn(entry):#x}"
    block = now.page(int(str(value), 0))
    assert now.of_page("refcount", block) == 1
    assert now.of_page("flags", block) & pg.PG_head
    assert now.of_page("order", block) == _window_order(now)
    return value


# The entries of a window ---------------------------------------------------------------------------


def _read_until(now: Now) -> int:
    """How many entries have been read: all, or those to the one that decided."""
    entry = now.told.values.get("entry")
    return now.geometry["entries"] if entry is None else int(entry) + 1


def _is_refused(now: Now) -> bool:
    return now.told.kind in TEMPLATES and now.told.kind in {result.value for result in ScanResult} | {
        "exceed_none_pte_armed"
    }


_DECIDED_LATER = ("scan_done", "collapsed", "scanned")


def counted(name: str, field: str) -> Check:
    """A count of the scan or of the isolation: by the rule, from the table; later, from the trace line."""

    def check(now: Now) -> Any:
        if now.function == "collapse_huge_page":
            return now.number(name, of="collapse_huge_page")
        if now.function == "__collapse_huge_page_swapin":
            return now.number(name, of="__collapse_huge_page_swapin")
        if now.told.kind in _DECIDED_LATER:
            traced = now.traced("mm_khugepaged_scan_pmd")
            assert traced is not None
            accepted = (each for kind, each in now.last.items() if kind.startswith("accepted"))
            return int(traced[field]) if field else max(accepted, key=lambda told: told.moment).values[name]
        local = now.local(field or name)
        found = _count(now)[name]
        return found if local is None else {found} & {local}

    return check


def _count(now: Now) -> dict[str, int]:
    """What the scan has counted when it is done with an entry, or refuses the window for it."""
    found = dict.fromkeys(("none", "unmapped", "shared", "referenced"), 0)
    if not now.within("scan_pmd") and now.function != "__collapse_huge_page_isolate":
        return found
    khugepaged = now.argument("cc") == "<khugepaged_collapse_control>"
    until = _read_until(now)
    for index, pte in enumerate(now.table()[:until]):
        if now.is_hole(pte):
            found["none"] += 1
        elif not pte & (bits._PAGE_PRESENT | bits._PAGE_PROTNONE):
            found["unmapped"] += 1
        else:
            found["shared"] += now.is_shared(pte)
            decides = _is_refused(now) and index == until - 1 and "entry" in now.told.values
            found["referenced"] += khugepaged and not decides and now.is_young(pte)
    return found


def entry(now: Now) -> Any:
    """That of the loop; one that breaks a limit is the first that does."""
    local = now.local("index")
    if local is not None:
        # The loop that frees is a while loop, whose variable is past the entry that is done.
        done = local - (now.function == "__collapse_huge_page_copy_succeeded")
        return done if 0 <= done < now.geometry["entries"] else "no entry"
    value = int(now.told.values["entry"])
    over = {
        "exceed_none_pte": "none", "exceed_none_pte_zero": "none", "exceed_swap_pte": "unmapped",
        "exceed_swap_pte_marker": "unmapped", "exceed_shared_pte": "shared",
    }  # fmt: skip
    if (name := over.get(now.told.kind)) is not None:
        limit = now.told.values[f"max_{name}".replace("unmapped", "swap")]
        assert _count(now)[name] == limit + 1
    return value if value < now.geometry["entries"] else -1


def copied(now: Now) -> Any:
    return now.geometry["entries"] if now.told.kind == "copied" else now.told.values["entry"] + 1


def _locked(now: Now, table: Any) -> set[int]:
    """The folios of a table that are locked and off the LRU lists."""
    folios = {now.folio(pte) for pte in table if not now.is_hole(pte) and bits.pte_present(pte)}
    flags = now.column("flags")
    return {folio for folio in folios if flags[folio] & pg.PG_locked and not flags[folio] & pg.PG_lru}


def isolated(now: Now) -> Any:
    if now.told.kind != "puts_back":
        return sum(1 << now.of_page("order", folio) for folio in _locked(now, now.table()))
    released = now.recording.find("call", now.moment, forwards=False, name="release_pte_pages")
    assert released is not None
    flags, before = now.column("flags"), now.recording.state(released)
    were = before.items(before.path("mem_map.flags"))
    return (
        sum(old & pg.PG_locked and not new & pg.PG_locked for old, new in zip(were, flags, strict=True))
        // pg.PG_locked
    )


def _decisive_page(now: Now) -> int:
    return now.folio(now.table()[int(now.told.values["entry"])])


def held(now: Now) -> Any:
    return now.of_page("refcount", _decisive_page(now))


def expected(now: Now) -> Any:
    """One reference for each mapping, and one for the swap cache."""
    page = _decisive_page(now)
    return now.of_page("mapcount", page) + bool(now.of_page("flags", page) & pg.PG_swapcache)


def result(now: Now) -> Any:
    """That of the trace line, if the function prints one."""
    return {each.value for each in ScanResult}


# What a scan asks ------------------------------------------------------------------------------------

#: In the kernel's order, with the result of a no.
_ASKED = {
    "in_memory": "exceed_swap_pte", "not_empty": "exceed_none_pte", "unwatched": "pte_uffd_wp",
    "anonymous": "page_not_anon", "wanted": "page_lazyfree", "unshared": "exceed_shared_pte",
    "listed": "page_not_in_lru", "unlocked": "page_locked", "unheld": "not_suitable_page_count", "used": "",
}  # fmt: skip
_ASKED_LAST = {"writable": "no_writable_page", "enough": "lack_referenced_page"}


def bound(now: Now) -> Any:
    return int(now.argument("cc") == "<khugepaged_collapse_control>")


def _asked(now: Now, questions: dict[str, str]) -> str:
    profile = PROFILES[now.header["kernel"]]
    leaves_out = {"wanted"} if not (profile.refuses_lazyfree and bound(now)) else set()
    leaves_out |= set() if bound(now) else {"used", "enough"}
    leaves_out |= set() if profile.needs_writable_pte else {"writable"}
    return " ".join(each for each in questions if each not in leaves_out)


def asks(now: Now) -> Any:
    return _asked(now, _ASKED)


def asks_last(now: Now) -> Any:
    return _asked(now, _ASKED_LAST)


def question(now: Now) -> Any:
    of = {each: key for key, each in {**_ASKED, **_ASKED_LAST}.items() if each}
    return of.get(str(now.told.values["result"]), "table")


def need(now: Now) -> Any:
    """One in use is enough, half of the window if anything is swapped out; MADV_COLLAPSE does not mind."""
    half = now.geometry["entries"] // 2
    return (half if now.told.values.get("unmapped") else 1) if bound(now) else 0


def _letter(now: Now, pte: int) -> str:
    if not pte & (bits._PAGE_PRESENT | bits._PAGE_PROTNONE):
        return "e" if not pte else "g" if pte >> 59 == 31 else "s"
    if now.is_hole(pte):
        return "z"
    used = now.is_young(pte)
    return ("H" if used else "h") if now.is_shared(pte) else "u" if used else "n"


def states(now: Now) -> Any:
    """The states of the entries, in runs."""
    found = "".join(_letter(now, pte) for pte in now.table())
    return re.sub(r"(.)\1*", lambda run: f"{len(run[0])}{run[1]}", found)


# Compaction ------------------------------------------------------------------------------------------


def reader(name: str, field: str) -> Check:
    """Where a scanner is, counted from the zone's first frame."""

    def check(now: Now) -> Any:
        start = now.state.get(now.zone(str(now.told.values["zone"])), "zone_start_pfn")
        line = now.traced(f"mm_compaction_{_edge(now)}") if _edge(now) else None
        if line is not None:
            return int(line[field], 0) - start
        return now.state.get(now.state.path("compact_control"), name) - start

    return check


def _edge(now: Now) -> str:
    """Is it the beginning or the end of a run?"""
    kind = now.told.kind
    if kind.startswith("compaction_begins"):
        return "begin"
    return "end" if kind.startswith("compaction_") else ""


def block(now: Now) -> Any:
    """That in which the migrate scanner has read; a captured one is free, and on no free list."""
    size = now.geometry["entries"]
    start = now.state.get(now.zone(str(now.told.values["zone"])), "zone_start_pfn")
    if now.told.kind == "compaction_captured":
        capture = now.state.path("capture_control")
        pfn = now.state.get(capture, "page") + now.state.path("mem_map.start_pfn")
        return pfn // size - start // size
    line = now.traced("mm_compaction_isolate_migratepages")
    assert line is not None
    return (int(line["end_pfn"], 0) - 1) // size - start // size


def stays(now: Now) -> Any:
    size = now.geometry["entries"]
    start = now.state.get(now.zone(str(now.told.values["zone"])), "zone_start_pfn")
    first = (start // size + int(now.told.values["block"])) * size - now.state.path("mem_map.start_pfn")
    used = (count > 0 for count in now.column("refcount")[first : first + size])
    return sum(used)


def aim(now: Now) -> Any:
    control = now.state.path("compact_control")
    if control is None:  # it is not begun
        return {"score", "block", "all"}
    if now.state.get(control, "proactive_compaction"):
        return "score"
    return "all" if now.state.get(control, "order") < 0 else "block"


def waits(now: Now) -> Any:
    """Who allocates waits; for kcompactd nobody does."""
    return "nobody" if now.task == "kcompactd0" else {now.task, "nobody"}


def wanted(now: Now) -> Any:
    """As the last trace line with an order says."""
    names = ("mm_compaction_suitable", "mm_compaction_kcompactd_wake", "mm_compaction_wakeup_kcompactd")
    return {1 << int(line["order"]) for line in map(now.traced, names) if line and int(line["order"]) >= 0}


def traced_count(field: str) -> Check:
    def check(now: Now) -> Any:
        line = now.traced("mm_compaction_migratepages")
        assert line is not None
        return int(line[field])

    return check


# What processes ask for --------------------------------------------------------------------------------


def in_scenario(name: str) -> Check:
    """A word of the scenario, if the recording is of one."""

    def check(now: Now) -> bool:
        scenario = now.header["scenario"]
        return not scenario or str(now.told.values[name]).lower() in json.dumps(scenario).lower()

    return check


def child(now: Now) -> bool:
    end = now.recording.state(len(now.recording) - 1)
    return now.told.values["child"] in {end.get(each, "name") for each in end.objects("Mm")}


def does(now: Now) -> Any:
    if now.argument("write") is None:  # the kernel touches it for the process
        return {"writes to", "reads"}
    return "writes to" if now.number("write") else "reads"


def found(now: Now) -> Any:
    """What the processor came upon, as its walk says."""
    process = now.process()
    assert process is not None
    last = walk(now.recording, now.state, process, now.number("address"))[-1]
    huge, read_only = last.level == "PMD", now.number("write") and not last.entry & bits._PAGE_RW
    if not last.entry:
        return "is not mapped yet"
    if not last.entry & bits._PAGE_PRESENT:
        return "is not in memory"
    if not read_only:
        return "is mapped by now"
    return "lies in a huge page that is read-only" if huge else "is read-only"


def migrated(now: Now) -> Any:
    """By how much the counter has grown since the block was asked for."""
    asked = max(
        now.recording.find("call", now.moment, forwards=False, name=name) or 0
        for name in ("vma_alloc_folio", "mm_get_huge_zero_folio")
    )
    number, before = now.header["vmstat"].index("pgmigrate_success"), now.recording.state(asked)
    counts = (each.items(each.path("vmstat"))[number] for each in (now.state, before))
    return next(counts) - next(counts)


def _memcg(now: Now) -> Any:
    return now.state.get(now.process(), "memcg")


def used(now: Now) -> Any:
    return now.state.get(_memcg(now), "usage")


def room(now: Now) -> Any:
    return now.state.get(_memcg(now), "max")


def state(now: Now) -> Any:
    return "off" if now.number("disable") else "on"


def why(now: Now) -> Any:
    """Words, whose numbers only a knob can have."""
    return not re.search(r"\d", str(now.told.values["why"])) or "kB" in str(now.told.values["why"])


CHECKS: dict[str, Check] = {
    "address": address, "advice": in_scenario("advice"), "aim": aim, "asks": asks, "asks_last": asks_last,
    "block": block, "block_frames": entries, "bound": bound, "budget": knob("pages_to_scan"),
    "child": child, "collapsed": of_khugepaged("pages_collapsed"), "copied": copied, "cost": cost,
    "does": does, "entries": entries, "entry": entry, "entry_words": entry_words, "expected": expected,
    "first": first, "found": found, "frame": frame, "free": free,
    "free_frame": reader("free_pfn", "free_pfn"), "held": held, "high": high, "holder": holder, "how": how,
    "isolated": isolated, "laps": of_khugepaged("full_scans"), "largest": largest, "last": last,
    "left": left, "limit": limit, "listed": listed, "lock": lock, "low": low,
    "max_none": knob("max_ptes_none"), "max_shared": knob("max_ptes_shared"),
    "max_swap": knob("max_ptes_swap"), "migrate_frame": reader("migrate_pfn", "migrate_pfn"),
    "migrated": migrated, "mm": mm, "moved": traced_count("nr_migrated"), "need": need, "new": new,
    "node_score": node_score, "none": counted("none", "none_or_zero"), "number": number, "op": op,
    "over": over,
    "page": page, "pages": pages, "prot": in_scenario("prot"), "question": question,
    "referenced": counted("referenced", "referenced"), "result": result, "room": room, "score": score,
    "shared": counted("shared", ""), "spent": spent, "state": state, "states": states, "stays": stays,
    "stuck": traced_count("nr_failed"), "table": table, "table_frame": table_frame, "the_pass": the_pass,
    "then": then,
    "time": time, "to": to, "unmapped": counted("unmapped", "unmapped"), "used": used, "waiter": waiter,
    "waits": waits, "wanted": wanted, "which": which, "who": who,
    "whole": whole, "why": why, "window": window, "zone": zone,
}  # fmt: skip


def _is_right(value: Value, found: Any) -> bool:
    if isinstance(found, bool):
        return found
    return value in found if isinstance(found, set) else bool(value == found)


def wrong_values(recording: Recording) -> list[str]:
    """All values of all sentences that the recording itself does not bear out."""
    now, wrong = Now(recording), []
    for told in now.sentences():
        for name, value in told.values.items():
            assert name in CHECKS, f"no check for the value {name!r} of {told.kind}"
            try:
                found = CHECKS[name](now)
            except Exception as error:
                found = f"{type(error).__name__} {error}"
            if not _is_right(value, found):
                wrong.append(f"{told.moment} {told.kind}: {name} is {value!r}, not {found!r}: {told}")
    return wrong


@pytest.mark.long
@pytest.mark.parametrize("name", ALL)
def test_every_value_is_that_of_its_moment(name: str) -> None:
    assert wrong_values(recorded(name)) == []


def test_values_of_a_sample_of_scenarios() -> None:
    wrong = {name: wrong_values(recorded(name)) for name in sample(SHORT, 5)}
    assert not any(wrong.values()), wrong


def test_the_values_of_each_entry_and_of_the_lines_around() -> None:
    """A small machine, whose lines are recorded: a collapse with holes, and a refusal."""
    assert wrong_values(collapse(pages=5)) == []
    assert wrong_values(collapse(pages=5, max_ptes_none=2)) == []


@pytest.mark.long
def test_the_values_of_the_collapse_line_by_line(note: Recording) -> None:
    assert wrong_values(note) == []


def test_a_wrong_value_is_found() -> None:
    """One more than it is: each sentence with a number in it is refused."""
    recording = collapse(pages=5, depth="functions")
    numbers = [i for i, kind in enumerate(recording.sections["v_kind"]) if kind == 0]
    for i in numbers:
        recording.sections["v_value"][i] += 1
    assert len(wrong_values(recording)) == len(numbers)
