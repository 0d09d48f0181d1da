"""What sentences say besides their values: that an entry is empty, a page mapped, a nap over."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import pytest

from tests.recording.small import collapse
from tests.recording.story.now import Now
from tests.recording.story.telling import recorded
from tests.recording.story.test_values import ALL, SHORT
from tests.sampling import sample
from thplab.mm.include import pgtable as bits
from thplab.reading.walk import walk
from thplab.recording import Recording

Claim = Callable[[Now], bool]


def _pmd(now: Now) -> int:
    return now.pmd(now.number("start_addr", "address"))


def _is_leaf(now: Now) -> bool:
    return bool(_pmd(now) & bits._PAGE_PSE)


def _is_empty(now: Now) -> bool:
    return not _pmd(now)


def _is_table(now: Now) -> bool:
    return bool(_pmd(now)) and not _is_leaf(now)


def _deciding(now: Now) -> int:
    return now.table()[int(now.told.values["entry"])]


def _is_mapped(now: Now) -> bool:
    """The page of a fault, by a leaf or by its entry."""
    mm = now.process()
    assert mm is not None
    last = walk(now.recording, now.state, mm, now.number("address"))[-1]
    return bool(last.entry & bits._PAGE_PRESENT)


def _is_touch(now: Now) -> bool:
    """The processor touches the page, and not the kernel for the process."""
    return not now.within("_faultin_page")


def _is_small(now: Now) -> bool:
    return int(now.told.values["largest"]) < now.geometry["entries"]


def _lies_in_mapping(now: Now) -> bool:
    vma, size = now.at_address("Vma", str(now.argument("vma"))), now.window_size
    first = now.number("address") // size * size
    return bool(now.state.get(vma, "vm_start") <= first and first + size <= now.state.get(vma, "vm_end"))


def _has_limit(now: Now) -> bool:
    memcg = now.state.get(now.process(), "memcg")
    return memcg is not None and now.state.get(memcg, "max") is not None


def _has_let_go(now: Now) -> bool:
    """No entry is left, and what only this process used is free."""
    grown = int(now.told.values["free"]) - int(now.last["copied"].values["free"])
    return not any(now.table()) and grown <= int(now.last["isolated"].values["isolated"])


def _is_all_isolated(now: Now) -> bool:
    """As many pages as are mapped; of a large folio each is one."""
    mapped = sum(not now.is_hole(pte) for pte in now.table())
    return mapped == now.told.values["isolated"]


def _nap_is_over(now: Now) -> bool:
    return bool(now.state.path("clock.now") >= now.state.path("khugepaged.sleep_expire"))


def _readers_have_met(now: Now) -> bool:
    order = now.geometry["entries"].bit_length() - 1
    values = now.told.values
    return int(values["free_frame"]) >> order <= int(values["migrate_frame"]) >> order


def _of_the_block(now: Now, name: str) -> array[int]:
    """A column of the memory map for the frames of the block that is told of."""
    size = now.geometry["entries"]
    start = now.state.get(now.zone(str(now.told.values["zone"])), "zone_start_pfn")
    first = (start // size + int(now.told.values["block"])) * size - now.state.path("mem_map.start_pfn")
    return now.column(name)[first : first + size]


def _block_is_whole(now: Now) -> bool:
    return not any(_of_the_block(now, "refcount"))


def _block_is_in_use(now: Now) -> bool:
    return any(_of_the_block(now, "refcount"))


CLAIMS: dict[str, Claim] = {
    "reads": _is_table,
    "accepted": lambda now: int(now.told.values["referenced"]) > 0,
    "accepted_unbound": lambda now: now.task != "khugepaged",
    "exceed_none_pte": lambda now: not _deciding(now),
    "exceed_none_pte_zero": lambda now: bits.pte_present(_deciding(now)) and now.is_hole(_deciding(now)),
    "exceed_swap_pte": lambda now: not bits.pte_present(_deciding(now)),
    "exceed_swap_pte_marker": lambda now: _deciding(now) >> 59 == 31,
    "exceed_shared_pte": lambda now: now.is_shared(_deciding(now)),
    "entry_guard": lambda now: _deciding(now) >> 59 == 31,
    "entry_swapped": lambda now: bool(_deciding(now)) and _deciding(now) >> 59 != 31,
    "lack_referenced_page": lambda now: not now.told.values["referenced"],
    "pmd_none": _is_empty,
    "page_pmd_mapped": _is_leaf,
    "swapped_in": lambda now: all(not pte or bits.pte_present(pte) for pte in now.table()),
    "fenced": _is_empty,
    "isolated": _is_all_isolated,
    "freed": _has_let_go,
    "repopulated": _is_table,
    "published": _is_leaf,
    "collapsed": _is_leaf,
    "splits": _is_table,
    "alloc_huge_page_failed": _is_small,
    "fault_no_block": _is_small,
    "fault_made_no_block": _is_small,
    "fault_no_spare": lambda now: not _is_small(now),
    "fault_whole": _lies_in_mapping,
    "fault_partial": lambda now: not _lies_in_mapping(now),
    "fault_no_limit": lambda now: not _has_limit(now),
    "fault_room": lambda now: int(now.told.values["used"]) <= int(now.told.values["limit"]),
    "fault_no_room": lambda now: (
        int(now.told.values["used"]) + int(now.told.values["entries"]) > int(now.told.values["limit"])
    ),
    "fault_watched": lambda now: not _is_mapped(now),
    "fault_watched_write": _is_mapped,
    "page_freed_unmapped": lambda now: now.within("do_munmap"),
    "fault_replaced": _is_leaf,
    "fault_huge": _is_leaf,
    "fault_huge_zero": _is_leaf,
    "touches": lambda now: _is_empty(now) and _is_touch(now),
    "touches_small": _is_touch,
    "faults_in": lambda now: not _is_touch(now),
    "faulted_in": _is_mapped,
    "fault_done": _is_mapped,
    "fault_done_small": _is_mapped,
    "woken_by_time": _nap_is_over,
    "no_work": lambda now: not now.state.path("khugepaged.mm_head"),
    "lap": lambda now: now.state.path("khugepaged.scan_mm_slot") is None,
    "registered": lambda now: bool(now.state.path("khugepaged.mm_head")),
    "compaction_begins_score": lambda now: int(now.told.values["node_score"]) > int(now.told.values["high"]),
    "compaction_complete": _readers_have_met,
    "compaction_partial": _readers_have_met,
    "compaction_succeeds_score": lambda now: int(now.told.values["score"]) <= int(now.told.values["low"]),
    "block_whole": _block_is_whole,
    "block_whole_score": _block_is_whole,
    "block_spoilt": _block_is_in_use,
    "block_passed": _block_is_in_use,
}


def false_sentences(recording: Recording) -> list[str]:
    """Those that say what is not so at their moment."""
    now = Now(recording)
    return [
        f"{told.moment} {told.kind}: {told}"
        for told in now.sentences()
        if told.kind in CLAIMS and not CLAIMS[told.kind](now)
    ]


@pytest.mark.long
@pytest.mark.parametrize("name", ALL)
def test_every_sentence_is_true(name: str) -> None:
    assert false_sentences(recorded(name)) == []


def test_sentences_of_a_sample_of_scenarios_are_true() -> None:
    wrong = {name: false_sentences(recorded(name)) for name in sample(SHORT, 5)}
    assert not any(wrong.values()), wrong


@pytest.mark.parametrize("pages", [8, 5, 0])
def test_sentences_of_a_small_machine_are_true(pages: int) -> None:
    assert false_sentences(collapse(pages=pages)) == []


@pytest.mark.parametrize(
    "name",
    [
        "S07.shared256", "S07.zero", "S08.compound", "S08.race.dontneed.before_copy",
        "S08.race.pin.before_swapin", "S13.huge_zero",
    ],
)  # fmt: skip
def test_where_a_sentence_was_false_once(name: str) -> None:
    """Shared pages, the zero page, a large folio, a task that waited, a touch by the kernel."""
    assert false_sentences(recorded(name)) == []
