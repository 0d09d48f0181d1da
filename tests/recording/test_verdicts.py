"""A sentence for every result: with the entry, the count and the limit that decided."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.recording.small import ADDRESS, WINDOW, advise, collapse, machine, touch
from thplab import points
from thplab.kernels import PROFILES, ScanResult
from thplab.machine import Process
from thplab.mm.include.khugepaged import CollapseControl
from thplab.mm.include.page import PG_anon, PG_locked, PG_lru
from thplab.mm.include.pgtable import entry_pfn, mm_find_pmd, pmd_table_page
from thplab.mm.khugepaged import collapse as collapse_module
from thplab.mm.mmap import do_munmap
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import folio_put
from thplab.points import Locals, Point
from thplab.recording import Recorder, Recording, record_scenario
from thplab.recording.verdicts import VERDICT_POINTS, verdict_sentence

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
    tail = record_scenario("S07.none_tail", depth="functions")
    assert verdict(tail) == "Entry 411 is empty: 412 empty > max_ptes_none 411."
    head = record_scenario("S07.none_411", depth="functions")
    assert verdict(head) == "Entry 511 is empty: 412 empty > max_ptes_none 411."


@pytest.mark.parametrize(
    ("prepare", "how", "words"),
    [
        (nothing, {"pages": 3, "max_ptes_none": 2}, ["Entry 5 is empty: 3 empty > max_ptes_none 2."]),
        (lambda a: a.clear_refs(), {}, ["All 8 entries were read: 0 referenced, 1 needed."]),
        (lambda a: a.pin(ADDRESS + (3 << 12)), {}, ["Entry 3:", "(a pin): 2 references, 1 expected"]),
        (flags_of(2, on=PG_locked), {}, ["Entry 2:", "locked by somebody else"]),
        (flags_of(4, off=PG_lru), {}, ["Entry 4:", "not on an LRU list"]),
        (flags_of(6, off=PG_anon), {}, ["Entry 6 maps a page that is not anonymous"]),
        (
            lambda a: a.madvise(ADDRESS, 3 << 12, "pageout"),
            {"max_ptes_swap": 2},
            ["Entry 2 is swapped out: 3 swapped > max_ptes_swap 2."],
        ),
        (
            lambda a: (a.madvise(ADDRESS, 1 << 12, "pageout"), a.clear_refs(), touch(a, 5, 3)),
            {"max_ptes_swap": 2},
            ["With entries in swap (1) half of the window must be in use: 3 referenced < 4."],
        ),
        (nothing, {}, ["Collapsed: 8 entries were referenced, 0 empty, 0 swapped out."]),
        (nothing, {"pages": 5}, ["Collapsed: 5 entries were referenced, 3 empty, 0 swapped out."]),
    ],
)
def test_windows_on_the_machine(
    prepare: Callable[[Process], object], how: dict[str, Any], words: list[str]
) -> None:
    said = verdict(scanned(prepare, **how))
    for word in words:
        assert word in said


def test_a_guard_page_can_not_be_swapped_in() -> None:
    made = scanned(lambda app: app.madvise(ADDRESS + (2 << 12), 1 << 12, "guard_install"), max_ptes_swap=2)
    said = verdict(made, "__collapse_huge_page_swapin")
    assert said.startswith("Entry 2 is not in swap at all (a guard page")
    assert "but the collapse failed ('failed')" in verdict(made)


def test_what_was_swapped_out_is_brought_back_first() -> None:
    made = scanned(lambda app: app.madvise(ADDRESS, 2 << 12, "pageout"), max_ptes_swap=2)
    assert verdict(made, "__collapse_huge_page_swapin") == "All that was swapped out is in memory again."
    assert "2 swapped out" in verdict(made)


def test_shared_pages_are_counted_against_their_limit() -> None:
    small, app = machine(max_ptes_shared=2)
    touch(app, 0, 8)
    app.fork("child")
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        advise(app)
    assert verdict(recorder.recording) == "Entry 2 is shared: 3 shared > max_ptes_shared 2."


def test_a_window_without_a_writable_entry_is_refused_to_6_17() -> None:
    def read_only(app: Process) -> None:
        for page in range(1, 8):
            app.read(ADDRESS + (page << 12))
        ref = mm_find_pmd(app.mm, ADDRESS)
        assert ref is not None
        table = app.mm.kernel.tables[pmd_table_page(app.mm.kernel, ref[0][ref[1]])]
        table[0] &= ~2  # the writable bit

    assert "0 writable, 1 needed" in verdict(scanned(read_only, "6.1", pages=1))
    assert "Collapsed" in verdict(scanned(read_only, "6.18", pages=1))


def test_empty_and_huge_windows() -> None:
    made = scanned(nothing)
    second = made.find("verdict", made.find("verdict", -1, name="scan_pmd") or 0, name="scan_pmd")
    assert second is not None
    assert made.moment(second).sentence == "The PMD entry is empty: nothing is mapped in these 8 pages."
    small, app = machine()
    touch(app, 0, 8)
    app.madvise(ADDRESS, WINDOW, "collapse")
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        app.madvise(ADDRESS, WINDOW, "collapse")
    assert verdict(recorder.recording) == "The PMD is a leaf already: this window is huge."


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
    assert said.startswith(
        f"No free block of 8 pages was to be had: the largest free block has {largest} pages."
    )
    assert "but the collapse failed ('alloc_huge_page_failed')" in verdict(recorder.recording)


@pytest.mark.parametrize(
    ("change", "result", "words"),
    [
        (lambda a: do_munmap(a.mm, ADDRESS, 2 * WINDOW), S.VMA_NULL, "has no VMA any more"),
        (lambda a: do_munmap(a.mm, ADDRESS, 4096), S.ADDRESS_RANGE, f"the VMA is {ADDRESS + 4096:#x}-"),
        (lambda a: a.madvise(ADDRESS, 2 * WINDOW, "nohugepage"), S.VMA_CHECK, "may not have huge pages"),
        (lambda a: setattr(a.mm, "mm_users", 0), S.ANY_PROCESS, "app exits"),
        (nothing, S.SUCCEED, "Looked up again"),
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
    "start_addr": ADDRESS, "userfaultfd_armed": False,
}  # fmt: skip

#: Results that one entry decides, and the results that a count decides: its value and its limit.
BY_ENTRY = {
    S.EXCEED_NONE_PTE, S.EXCEED_SWAP_PTE, S.EXCEED_SHARED_PTE, S.PTE_NON_PRESENT, S.PTE_UFFD_WP,
    S.PAGE_NULL, S.PAGE_COUNT, S.PAGE_LRU, S.PAGE_LOCK, S.PAGE_ANON, S.DEL_PAGE_LRU, S.SCAN_ABORT,
    S.PAGE_COMPOUND, S.COPY_MC,
}  # fmt: skip
BY_COUNT = {
    S.EXCEED_NONE_PTE: "6 empty > max_ptes_none 2",
    S.EXCEED_SWAP_PTE: "5 swapped > max_ptes_swap 3",
    S.EXCEED_SHARED_PTE: "4 shared > max_ptes_shared 1",
    S.LACK_REFERENCED_PAGE: "3 referenced < 4",
    S.PAGE_RO: "0 writable, 1 needed",
}


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
        said = verdict_sentence(point, Locals(point, local), result)
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
            local = {"mm": app.mm, "address": ADDRESS}
            said = verdict_sentence(points.REVALIDATE, local, result)
            assert "Entry" not in said


def test_userfaultfd_forbids_any_hole() -> None:
    local = {**HAND_MADE, "userfaultfd_armed": True}
    said = verdict_sentence(points.SCAN, local, S.EXCEED_NONE_PTE)
    assert said == "Entry 7 is empty, and userfaultfd watches this VMA: no hole may be filled."


def test_a_sentence_about_one_entry() -> None:
    made = collapse(pages=1)
    said = sentences(made)
    assert any("1 entry referenced" in sentence for sentence in said)
    assert any(sentence.startswith("Collapsed: 1 entry was referenced, 7 empty") for sentence in said)
    assert not [
        sentence for sentence in said if re.search(r"\b1 (entries|pages|units|references)\b", sentence)
    ]
