"""A sentence for each entry that is read and for every result: with the entry, the count and the limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.recording.small import ADDRESS, WINDOW, advise, collapse, machine, touch
from thplab import points
from thplab.kernels import PROFILES, ScanResult
from thplab.machine import Process
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.khugepaged import CollapseControl
from thplab.mm.include.page import PG_anon, PG_locked, PG_lru
from thplab.mm.include.pgtable import entry_pfn, mm_find_pmd, pmd_table_page
from thplab.mm.khugepaged import collapse as collapse_module
from thplab.mm.mmap import do_munmap
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import folio_put
from thplab.points import Locals, Point
from thplab.recording import Recorder, Recording, record_scenario
from thplab.recording.story import Rank
from thplab.recording.story.tellers import At, Known
from thplab.recording.story.windows import VERDICT_POINTS, VERDICTS, decided, sentence_of
from thplab.scenario import Scenario

S = ScanResult


def sentences(made: Recording) -> list[str]:
    return [made.moment(n).sentence for n in range(len(made)) if made.moment(n).sentence]


def verdict(made: Recording, function: str = "scan_pmd") -> str:
    """What the first ``function`` that returned said."""
    number = made.find("verdict", -1, name=function)
    assert number is not None
    return made.moment(number).sentence


def page_of(app: Process, entry: int) -> int:
    """The frame (from 0) that an entry of the first window maps."""
    ref = mm_find_pmd(app.mm, ADDRESS)
    assert ref is not None
    table = app.mm.kernel.tables[pmd_table_page(app.mm.kernel, ref[0][ref[1]])]
    return entry_pfn(table[entry]) - app.mm.kernel.mem_map.start_pfn


def scanned(
    prepare: Callable[[Process], object], kernel: str = "6.18", pages: int = 8, **knobs: object
) -> Recording:
    """khugepaged looks at a window after ``prepare`` has made it as it should be."""
    small, app = machine(kernel, **knobs)
    touch(app, 0, pages)
    prepare(app)
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        advise(app)
    return recorder.recording


def flags_of(entry: int, on: int = 0, off: int = 0) -> Callable[[Process], None]:
    def change(app: Process) -> None:
        flags = app.mm.kernel.mem_map.flags
        page = page_of(app, entry)
        flags[page] = flags[page] & ~off | on

    return change


def nothing(app: Process) -> None:
    pass


def test_the_refusal_of_the_issue_word_for_word() -> None:
    rest = "is empty, and khugepaged refuses window 0: 412 count as empty, and only 411 may (max_ptes_none)."
    tail = record_scenario("S07.none_tail", depth="functions")
    assert verdict(tail) == f"Entry 411 {rest}"
    head = record_scenario("S07.none_411", depth="functions")
    assert verdict(head) == f"Entry 511 {rest}"


@pytest.mark.parametrize(
    ("prepare", "how", "words"),
    [
        (
            nothing,
            {"pages": 3, "max_ptes_none": 2},
            ["Entry 5 is empty,", "3 count as empty, and only 2 may (max_ptes_none)."],
        ),
        (
            lambda a: a.clear_refs(),
            {},
            ["refuses the window at 0x200000 after its last entry, because 0 pages were used lately:"],
        ),
        (
            lambda a: a.pin(ADDRESS + (3 << 12)),
            {},
            ["Entry 3 maps a page that another user holds (a pin), so", "2 references, where 1 is expected"],
        ),
        (flags_of(2, on=PG_locked), {}, ["Entry 2 maps a page that another task has locked"]),
        (flags_of(4, off=PG_lru), {}, ["Entry 4 maps a page that is not on an LRU list"]),
        (flags_of(6, off=PG_anon), {}, ["Entry 6 maps a page that is not anonymous"]),
        (
            lambda a: a.madvise(ADDRESS, 3 << 12, "pageout"),
            {"max_ptes_swap": 2},
            ["Entry 2 is swapped out,", "3 are, and only 2 may be (max_ptes_swap)."],
        ),
        (
            lambda a: (a.madvise(ADDRESS, 1 << 12, "pageout"), a.clear_refs(), touch(a, 5, 3)),
            {"max_ptes_swap": 2},
            ["because only 3 pages were used lately: with 1 entry counted as swapped out, 4 must be."],
        ),
    ],
)
def test_windows_on_the_machine(
    prepare: Callable[[Process], object], how: dict[str, Any], words: list[str]
) -> None:
    said = verdict(scanned(prepare, **how))
    for word in words:
        assert word in said


@pytest.mark.parametrize("pages", [8, 5])
def test_a_window_that_is_accepted_has_its_counts(pages: int) -> None:
    made = scanned(nothing, pages=pages)
    assert (
        "khugepaged accepts the window at 0x200000, because no entry rules it out: "
        f"{pages} entries were used lately, {8 - pages} count as empty, 0 as swapped out, 0 as shared."
        in sentences(made)
    )
    assert verdict(made) == "khugepaged is done with the window at 0x200000: 'succeeded'."


def test_a_guard_page_can_not_be_swapped_in() -> None:
    made = scanned(lambda app: app.madvise(ADDRESS + (2 << 12), 1 << 12, "guard_install"), max_ptes_swap=2)
    said = verdict(made, "__collapse_huge_page_swapin")
    assert said.startswith("Entry 2 is not in swap at all (a guard page")
    assert verdict(made, "collapse_huge_page").endswith("the collapse ends with 'failed'.")


def test_a_guard_page_is_not_called_swapped_out() -> None:
    small, app = machine(max_ptes_swap=1)
    touch(app, 0, 8)
    app.madvise(ADDRESS + (2 << 12), 2 << 12, "guard_install")
    recorder = Recorder(small.kernel, "lines")
    with recorder:
        advise(app)
    assert entries_of(recorder.recording)[2] == (
        "Entry 2 holds a guard marker and no page, but it counts as swapped out: 1 so far, and 1 may be."
    )
    assert verdict(recorder.recording) == (
        "Entry 3 holds a marker and no page, and khugepaged refuses the window at 0x200000: "
        "2 count as swapped out, and only 1 may (max_ptes_swap)."
    )


def test_what_was_swapped_out_is_brought_back_first() -> None:
    made = scanned(lambda app: app.madvise(ADDRESS, 2 << 12, "pageout"), max_ptes_swap=2)
    assert verdict(made, "__collapse_huge_page_swapin") == (
        "All that was swapped out of the window at 0x200000 is in memory again."
    )
    assert any("rules it out" in said and "2 as swapped out" in said for said in sentences(made))


def test_shared_pages_are_counted_against_their_limit() -> None:
    small, app = machine(max_ptes_shared=2)
    touch(app, 0, 8)
    app.fork("child")
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        advise(app)
    assert verdict(recorder.recording) == (
        "Entry 2 is shared, and khugepaged refuses the window at 0x200000: "
        "3 are, and only 2 may be (max_ptes_shared)."
    )


def test_a_window_without_a_writable_entry_is_refused_to_6_17() -> None:
    def read_only(app: Process) -> None:
        for page in range(1, 8):
            app.read(ADDRESS + (page << 12))
        ref = mm_find_pmd(app.mm, ADDRESS)
        assert ref is not None
        table = app.mm.kernel.tables[pmd_table_page(app.mm.kernel, ref[0][ref[1]])]
        table[0] &= ~2  # the writable bit

    assert "none is writable" in verdict(scanned(read_only, "6.1", pages=1))
    assert "'succeeded'" in verdict(scanned(read_only, "6.18", pages=1))


def test_empty_and_huge_windows() -> None:
    made = scanned(nothing)
    second = made.find("verdict", made.find("verdict", -1, name="scan_pmd") or 0, name="scan_pmd")
    assert second is not None
    assert made.moment(second).sentence == (
        "The PMD entry of the window at 0x208000 is empty, because nothing is mapped in these 8 pages."
    )
    small, app = machine()
    touch(app, 0, 8)
    app.madvise(ADDRESS, WINDOW, "collapse")
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        app.madvise(ADDRESS, WINDOW, "collapse")
    assert verdict(recorder.recording) == (
        "The window at 0x200000 is one huge page already, because its PMD entry is a leaf: "
        "there is no table to read."
    )


def test_no_memory_names_what_was_wanted_and_what_there_was() -> None:
    small, app = machine()
    touch(app, 0, 8)
    taken = []
    for order in (3, 2):
        while (page := alloc_pages(small.kernel, 0, order)) is not None:
            taken.append(page)
    folio_put(small.kernel, taken.pop())  # too little for compaction to copy eight pages to
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        advise(app)
    largest = max(1 << order for order, blocks in enumerate(small.kernel.zone.nr_free) if blocks)
    said = verdict(recorder.recording, "alloc_charge_folio")
    assert largest < 8
    assert said == (
        "No free block of 8 frames was found, so the window at 0x200000 does not become huge: "
        f"the largest free block has {largest} frames."
    )
    assert "'alloc_huge_page_failed'" in verdict(recorder.recording, "collapse_huge_page")


@pytest.mark.parametrize(
    ("change", "result", "words"),
    [
        (lambda a: do_munmap(a.mm, ADDRESS, 2 * WINDOW), S.VMA_NULL, "has no mapping any more"),
        (
            lambda a: do_munmap(a.mm, ADDRESS, 4096),
            S.ADDRESS_RANGE,
            "does not lie inside one mapping any more",
        ),
        (lambda a: a.madvise(ADDRESS, 2 * WINDOW, "nohugepage"), S.VMA_CHECK, "may not have huge pages"),
        (lambda a: setattr(a.mm, "mm_users", 0), S.ANY_PROCESS, "app exits"),
        (nothing, S.SUCCEED, "still lies inside one mapping of process app"),
    ],
)
def test_what_has_changed_while_no_lock_was_held(
    change: Callable[[Process], object], result: ScanResult, words: str
) -> None:
    small, app = machine()
    touch(app, 0, 8)
    advise(app)
    change(app)
    cc = CollapseControl("cc", is_khugepaged=True)
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        got, _ = collapse_module.hugepage_vma_revalidate(app.mm, ADDRESS, expect_anon=True, cc=cc)
    assert got is result
    assert words in verdict(recorder.recording, "hugepage_vma_revalidate")


HAND_MADE = {
    "index": 7, "none_or_zero": 6, "unmapped": 5, "shared": 4, "referenced": 3, "address": ADDRESS,
    "start_addr": ADDRESS, "userfaultfd_armed": False, "isolated": [1, 2],
    "cc": CollapseControl("cc", is_khugepaged=True),
}  # fmt: skip

#: Results that one entry decides, and the results that a count decides: its value and its limit.
BY_ENTRY = {
    S.EXCEED_NONE_PTE, S.EXCEED_SWAP_PTE, S.EXCEED_SHARED_PTE, S.PTE_NON_PRESENT, S.PTE_UFFD_WP,
    S.PAGE_NULL, S.PAGE_COUNT, S.PAGE_LRU, S.PAGE_LOCK, S.PAGE_ANON, S.DEL_PAGE_LRU, S.SCAN_ABORT,
    S.PAGE_COMPOUND, S.COPY_MC,
}  # fmt: skip
BY_COUNT = {
    S.EXCEED_NONE_PTE: "6 count as empty, and only 2 may (max_ptes_none)",
    S.EXCEED_SWAP_PTE: "5 are, and only 3 may be (max_ptes_swap)",
    S.EXCEED_SHARED_PTE: "4 are, and only 1 may be (max_ptes_shared)",
    S.LACK_REFERENCED_PAGE: "3 pages were used lately",
}


def words_for(kernel: Kernel, local: Mapping[str, Any], result: ScanResult) -> str:
    """The sentence for a result; a KeyError if it names a value that there is not."""
    told = decided(local, result, At(kernel, None, ADDRESS, Known()))
    assert told is not None, result
    return told.sentence


@pytest.mark.parametrize("kernel", sorted(PROFILES))
@pytest.mark.parametrize("point", VERDICT_POINTS, ids=lambda point: point.name)
def test_every_result_of_every_kernel_has_its_sentence(kernel: str, point: Point) -> None:
    small, app = machine(kernel, max_ptes_none=2, max_ptes_swap=3, max_ptes_shared=1)
    touch(app, 0, 8)
    local = {
        **HAND_MADE,
        "mm": app.mm,
        "kernel": small.kernel,
        "vma": app.mm.vmas[0],
        "folio": page_of(app, 7),
    }
    seen: dict[str, ScanResult] = {}
    for result in small.kernel.profile.results:
        if (point, result) == (points.ALLOCATE, S.SUCCEED):
            continue  # told of a collapse only: test_collapse.py
        said = words_for(small.kernel, Locals(point, local), result)
        assert said.endswith(".")
        assert seen.setdefault(said, result) is result, "two results, one sentence"
        if point in (points.SCAN, points.ISOLATE):
            assert "Entry 7" in said or result not in BY_ENTRY
            assert BY_COUNT.get(result, "") in said
        if point is points.COLLAPSE and result is not S.SUCCEED:
            assert result.value in said


def test_a_sentence_needs_no_more_than_the_locals_that_are_there() -> None:
    """Where no loop over entries has begun, no entry is named."""
    small, app = machine()
    for result in small.kernel.profile.results:
        if result not in BY_COUNT:
            local = Locals(points.REVALIDATE, {"mm": app.mm, "address": ADDRESS})
            said = words_for(small.kernel, local, result)
            assert not re.search(r"[Ee]ntry \d", said)


def test_a_result_of_which_nothing_else_is_known_has_its_sentence() -> None:
    said = {sentence_of(result) for result in VERDICTS}
    assert len(said) == len(VERDICTS)
    assert set(VERDICTS) == set(S) - {S.SUCCEED}
    assert not [sentence for sentence in said if "{" in sentence]


def test_userfaultfd_forbids_any_hole() -> None:
    small, app = machine()
    local = Locals(points.SCAN, {**HAND_MADE, "mm": app.mm, "userfaultfd_armed": True})
    assert words_for(small.kernel, local, S.EXCEED_NONE_PTE) == (
        "Entry 7 is empty and userfaultfd watches this mapping, so swapper refuses window 0: "
        "no hole may be filled unseen."
    )


def test_a_sentence_about_one_entry() -> None:
    made = collapse(pages=1)
    said = sentences(made)
    assert (
        "khugepaged accepts window 0, because no entry rules it out: "
        "1 entry was used lately, 7 count as empty, 0 as swapped out, 0 as shared." in said
    )
    one = r"\b1 (entries|pages|units|references|frames|are|were)\b"
    assert not [sentence for sentence in said if re.search(one, sentence)]


def entries_of(made: Recording, function: str = "scan_pmd") -> list[str]:
    """The sentences of rank ENTRY of a function."""
    told = map(made.told_as, range(len(made.sections["t_moment"])))
    mine = (each for each in told if made.moment(each.moment).function == function)
    return [str(each) for each in mine if each.rank == Rank.ENTRY]


def test_each_entry_that_was_read_is_told_by_its_kind() -> None:
    """Two of each kind: swapped out, not used lately, used, and empty, with the count and its limit."""
    small, app = machine(max_ptes_none=3, max_ptes_swap=2)
    touch(app, 0, 4)
    app.madvise(ADDRESS, 2 << 12, "pageout")
    app.clear_refs()
    touch(app, 4, 2)
    recorder = Recorder(small.kernel, "lines")
    with recorder:
        advise(app)
    first = entries_of(recorder.recording)[:8]
    assert first == [
        "Entry 0 is swapped out: 1 so far, and 2 may be.",
        "Entry 1 is swapped out: 2 so far, and 2 may be.",
        "Entry 2 maps a page that was not used lately: 0 were so far.",
        "Entry 3 maps a page that was not used lately: 0 were so far.",
        "Entry 4 maps a page that was used lately: 1 so far.",
        "Entry 5 maps a page that was used lately: 2 so far.",
        "Entry 6 is empty: 1 so far, and 3 may be.",
        "Entry 7 is empty: 2 so far, and 3 may be.",
    ]


def test_an_entry_of_the_zero_page_and_a_shared_one_are_told() -> None:
    small, app = machine()
    touch(app, 0, 2)
    app.read(ADDRESS + (2 << 12))
    app.fork("child")
    touch(app, 1, 1)  # a copy of its own
    recorder = Recorder(small.kernel, "lines")
    with recorder:
        advise(app)
    assert entries_of(recorder.recording)[:3] == [
        "Entry 0 maps a page that another process maps, too: 1 so far, and 4 may be.",
        "Entry 1 maps a page that was used lately: 2 so far.",
        "Entry 2 maps the shared zero page, which counts as empty: 1 so far, and 7 may be.",
    ]


def test_no_limit_binds_the_process_itself() -> None:
    small, app = machine(max_ptes_none=0)
    touch(app, 0, 3)
    recorder = Recorder(small.kernel, "lines")
    with recorder:
        app.madvise(ADDRESS, WINDOW, "collapse")
    told = entries_of(recorder.recording)
    assert told[0] == (
        "Entry 0 maps a page that may be moved: MADV_COLLAPSE does not ask whether it was used lately."
    )
    assert told[7] == "Entry 7 is empty, but no limit binds MADV_COLLAPSE: 5 so far."


def test_where_only_events_are_recorded_a_scan_is_told_by_its_trace_line() -> None:
    made = collapse(depth="events", pages=5)
    assert (
        "khugepaged has read window 0 of process app, and the answer is 'succeeded': "
        "5 entries were used lately, 3 empty, 0 swapped out." in sentences(made)
    )


UNCHANGED = re.compile(r"as it (is|was)\b|unchanged|bit for bit|nothing (has )?changed|leaves .* alone\b")


def test_no_sentence_says_that_a_refused_window_did_not_change() -> None:
    """A collapse that reads pages back from swap and then fails leaves them there: is that not denied?"""
    data = {
        "name": "guard", "settings": {"pages_to_scan": 1_000_000},
        "ops": [
            {"op": "mmap", "start": 0, "pages": 512}, {"op": "write"},
            {"op": "advise", "advice": "pageout", "pages": [[0, 20]]},
            {"op": "advise", "advice": "guard_install", "pages": [[300, 301]]},
            {"op": "advise", "advice": "hugepage"},
        ],
        "action": {"type": "khugepaged", "wakeups": 1},
    }  # fmt: skip
    run = record_scenario(Scenario.from_data(data), depth="functions")
    sentences = {run.sentence(number) or "" for number in range(len(run))}
    assert any("failed" in text for text in sentences)
    assert not [text for text in sentences if UNCHANGED.search(text)]
    # The same for every reason to refuse: each may be met after pages were read back.
    assert not [text.text for result, text in VERDICTS.items() if UNCHANGED.search(text.text)]
