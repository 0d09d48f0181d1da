"""What the scan asks of a window, in the kernel's order: of its PMD entry, of each entry, of all at the end.

The order and the results are those of the checks in ``scan_pmd``; a test compares the two. Pictures show the
words, which the browser gets from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from thplab.kernels import Profile
from thplab.kernels import ScanResult as S
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.page import PG_referenced, PG_young
from thplab.mm.include.pgtable import _PAGE_ACCESSED, _PAGE_PRESENT, _PAGE_PROTNONE, entry_pfn
from thplab.mm.include.state import Column
from thplab.mm.include.swapops import is_pte_marker
from thplab.mm.rmap.mapcount import folio_maybe_mapped_shared


def _always(profile: Profile, is_khugepaged: bool) -> bool:
    return True


def _of_khugepaged(profile: Profile, is_khugepaged: bool) -> bool:
    return is_khugepaged


@dataclass(frozen=True, slots=True)
class Question:
    """``words``: so that yes is good for a collapse; ``looks_at``: the kernel's name for what it asks.

    ``results``: with which of them a no ends the scan; ``counts``: the variable to which an answer adds one;
    ``asked``: of the kernel's profile, and whether khugepaged scans: is it asked at all?
    """

    key: str
    words: str
    looks_at: str
    results: tuple[S, ...] = ()
    counts: str = ""
    asked: Callable[[Profile, bool], bool] = _always


#: The key of the question that comes before any entry, with whatever result its no ends.
TABLE = "table"
#: Asked of each entry.
OF_ENTRY = (
    Question("in_memory", "not in swap?", "swap entry", (S.EXCEED_SWAP_PTE,), "unmapped"),
    Question("not_empty", "not empty?", "pte_none", (S.EXCEED_NONE_PTE,), "none_or_zero"),
    Question("unwatched", "unwatched?", "userfaultfd", (S.PTE_UFFD_WP,)),
    Question("anonymous", "of no file?", "anonymous", (S.PAGE_ANON,)),
    Question(
        "wanted", "not freed?", "MADV_FREE", (S.PAGE_LAZYFREE,),
        asked=lambda profile, is_khugepaged: profile.refuses_lazyfree and is_khugepaged,
    ),
    Question("unshared", "not shared?", "map count", (S.EXCEED_SHARED_PTE,), "shared"),
    Question("listed", "on its list?", "LRU list", (S.PAGE_LRU,)),
    Question("unlocked", "unlocked?", "page lock", (S.PAGE_LOCK,)),
    Question("unheld", "not pinned?", "refcount", (S.PAGE_COUNT,)),
    Question("used", "used lately?", "accessed bit", (), "referenced", _of_khugepaged),
)  # fmt: skip
#: Asked when all entries were read.
OF_ALL = (
    Question(
        "writable", "one page writable?", "pte_write", (S.PAGE_RO,),
        asked=lambda profile, is_khugepaged: profile.needs_writable_pte,
    ),
    Question("enough", "enough used lately?", "referenced", (S.LACK_REFERENCED_PAGE,), asked=_of_khugepaged),
)  # fmt: skip

_ENDED_BY = {result: question.key for question in (*OF_ENTRY, *OF_ALL) for result in question.results}


def asks(questions: Iterable[Question], profile: Profile, is_khugepaged: bool) -> str:
    """The keys of the questions that this kernel asks, in their order."""
    return " ".join(each.key for each in questions if each.asked(profile, is_khugepaged))


def ended_by(result: S) -> str:
    """The key of the question whose no ends a scan with this result."""
    return _ENDED_BY.get(result, TABLE)


@dataclass(frozen=True, slots=True)
class State:
    """What an entry is, as the scan counts it. ``leaves``: the question with which it is done."""

    words: str
    leaves: str = ""


#: letter -> state. Large letters: shared, and used lately besides.
STATES = {
    "e": State("empty", "not_empty"),
    "z": State("the zero page", "not_empty"),
    "s": State("swapped out", "in_memory"),
    "g": State("a marker", "in_memory"),
    "u": State("used lately"),
    "n": State("not lately"),
    "H": State("shared"),
    "h": State("shared"),
}


def letter(kernel: Kernel, pte: int) -> str:
    """The state of an entry (pteval_t). Locks expected: the PTE lock."""
    if not pte:
        return "e"
    if not pte & (_PAGE_PRESENT | _PAGE_PROTNONE):
        return "g" if is_pte_marker(pte) else "s"
    mem_map = kernel.mem_map
    page = entry_pfn(pte) - mem_map.start_pfn
    if page == kernel.zero_page:
        return "z"
    used = pte & _PAGE_ACCESSED or mem_map.flags[mem_map.compound_head[page]] & (PG_referenced | PG_young)
    if folio_maybe_mapped_shared(kernel, page):
        return "H" if used else "h"
    return "u" if used else "n"


def letters(kernel: Kernel, table: Column) -> str:
    """The states of all entries in runs: ``100u412e``."""
    runs = groupby(letter(kernel, pte) for pte in table)
    return "".join(f"{len(list(run))}{state}" for state, run in runs)
