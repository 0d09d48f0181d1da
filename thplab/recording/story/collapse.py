"""A collapse: memory, two looks, fence, isolate, copy, free, publish; or everything goes back."""

from __future__ import annotations

from typing import Any

from thplab import points
from thplab.mm.include.pgtable import PTE_PFN_MASK, entry_pfn, pmd_trans_huge, pte_present
from thplab.points import Locals
from thplab.recording.story.tasks import pages_of_call
from thplab.recording.story.tellers import At, at_call, at_entry, at_return
from thplab.recording.story.template import Told, Value, detail, entry, story
from thplab.recording.story.windows import SUCCESSES

SEARCHES = detail("searches", "{who} asks for {entries} free frames in a row for {window} of process {mm}.")
FOUND = story(
    "found_memory",
    "{entries} free frames in a row are found, so {window} can become one huge page: the new block begins at "
    "frame {new}.",
)
FOUND_FOR_FILE = story(
    "found_memory_file",
    "{entries} free frames in a row are found for a window of a file that process {mm} maps: the new block begins at frame "
    "{new}.",
)
STILL_THERE = story(
    "still_there",
    "{who} has looked {window} up again: it still belongs to one mapping of process {mm} and has its table, so the collapse "
    "goes on.",
)
READS_IN = detail("reads_in", "{who} reads what is swapped out of {window} back into memory, entry by entry.")
READ_IN = entry("read_in", "The page of entry {entry} was swapped out and is in memory again.")
FENCED = story(
    "fenced",
    "The PMD entry of {window} is cleared and the TLBs are flushed, so no processor reaches these pages: who touches "
    "them must wait.",
)
ISOLATES = detail(
    "isolates",
    "{who} locks each page of {window} and takes it off its LRU list, so that no other task moves it.",
)
ISOLATED_ENTRY = entry(
    "isolated_entry", "The page of entry {entry} is locked and off its LRU list; it is not freed."
)
PASSED_HOLE = entry(
    "isolated_hole", "Entry {entry} is a hole, so there is no page to isolate: {none} so far."
)
ISOLATED = story(
    "isolated",
    "{isolated|page is|pages are} locked and off the LRU lists, so the contents can be copied: nothing is freed yet.",
)
COPIES = story(
    "copies",
    "{who} begins to copy the contents of {window} into the new block, because no other task can change them now.",
)
COPIED_ENTRY = entry("copied_entry", "The contents of entry {entry} are in the new block now.")
ZEROED_ENTRY = entry(
    "zeroed_entry", "Entry {entry} is a hole, so its place in the new block is filled with zeros."
)
HALF_COPIED = story("half_copied", "Half of {window} is copied: the old pages still hold the same contents.")
COPIED = story(
    "copied", "All {entries} places of the new block are filled, so the old pages are not needed any more."
)
FREED_ENTRY = entry("freed_entry", "Entry {entry} is cleared and lets go of its old page.")
FREED_HOLE = entry("freed_hole", "Entry {entry} was a hole, so it has no old page to let go of.")
FREED = story(
    "freed", "Process {mm} has let go of the old pages of {window}, so {free|frame is|frames are} free now."
)
PUBLISHED = story(
    "published",
    "The PMD entry of {window} maps the new block in one piece, so process {mm} uses one huge page in place of {entries} "
    "entries.",
)
PUTS_BACK = story(
    "puts_back",
    "{isolated|page is|pages are} unlocked and back on the LRU lists, because an entry was refused: it is all or none.",
)
REPOPULATED = story(
    "repopulated", "The PMD entry points at the old table again, so process {mm} reaches {window} as before."
)
ENTRY_CLEARED = detail("entry_cleared", "An entry of {table} is cleared, so it leads nowhere now.")
ENTRY_LEAF = detail(
    "entry_leaf", "A PMD entry becomes a leaf: this one entry maps all frames from {frame} on."
)
ENTRY_TABLE = detail("entry_table", "An entry of {table} points at the table in frame {frame} now.")
PAGE_FREED = detail(
    "page_freed", "{pages|page goes|pages go} back to the allocator, because nothing refers to it any more."
)
PAGE_UNMAPPED = detail(
    "page_freed_unmapped",
    "Process {mm} frees {pages|page|pages} in its munmap() of {which}, because nothing refers to it any more.",
)
FOLIO = detail(
    "folio",
    "A folio of {pages|page|pages} is allocated, from frame {frame} on: {who} holds the one reference to it.",
)
DEPOSITED = detail("deposited", "The empty page table is kept, so that a later split needs no memory.")
WITHDRAWN = detail("withdrawn", "The table that was kept for a split is taken out, because it is needed now.")
SPLITS = story(
    "splits",
    "The huge mapping of {window} is split into {entries} small ones, because a part of it is to change.",
)


def _about(local: Locals, at: At) -> dict[str, Value]:
    """Whose window it is; told for every step of a collapse."""
    mm = local["vma"].mm if "vma" in local.point.reads else local["mm"]
    return {
        "who": at.who, "mm": mm.name, "window": at.window(local["address"]),
        "entries": at.kernel.geometry.HPAGE_PMD_NR, "free": at.free_frames(),
    }  # fmt: skip


@at_call(points.ALLOCATE)
def _searches(local: Locals, at: At) -> Told | None:
    collapse = at.within(points.COLLAPSE)
    return SEARCHES.tell(**_about(collapse, at)) if collapse else None


def _found(local: Locals, returned: Any, at: At) -> Told | None:
    collapse = at.within(points.COLLAPSE)
    new = at.frame_number(returned[1])
    if collapse is None:
        entries = at.kernel.geometry.HPAGE_PMD_NR
        return FOUND_FOR_FILE.tell(new=new, mm=local["mm"].name, entries=entries)
    return FOUND.tell(new=new, **_about(collapse, at))


@at_return(points.RECHECK)
def _still_there(local: Locals, returned: Any, at: At) -> Told | None:
    return STILL_THERE.tell(**_about(local, at)) if returned[1] else None


@at_call(points.SWAP_IN)
def _reads_in(local: Locals, at: At) -> Told:
    return READS_IN.tell(**_about(local, at))


@at_entry(points.SWAP_IN)
def _read_in(local: Locals, at: At) -> Told | None:
    pte = local["pte"]
    return READ_IN.tell(entry=local[points.ENTRY]) if pte and not pte_present(pte) else None


@at_return(points.FENCE)
def _fenced(local: Locals, returned: Any, at: At) -> Told:
    return FENCED.tell(**_about(local, at))


@at_call(points.ISOLATE)
def _isolates(local: Locals, at: At) -> Told:
    return ISOLATES.tell(**_about(local, at))


@at_entry(points.ISOLATE)
def _isolated_entry(local: Locals, at: At) -> Told:
    values: dict[str, Value] = {"entry": local[points.ENTRY], "none": local["none_or_zero"]}
    hole = _is_hole(local["pte"], at)
    return (PASSED_HOLE if hole else ISOLATED_ENTRY).tell(isolated=at.pages_of(local["isolated"]), **values)


def _isolated(local: Locals, returned: Any, at: At) -> Told:
    return ISOLATED.tell(
        isolated=at.pages_of(local["isolated"]), none=local["none_or_zero"], **_about(local, at)
    )


SUCCESSES[points.ALLOCATE] = _found
SUCCESSES[points.ISOLATE] = _isolated


def _is_hole(pte: int, at: At) -> bool:
    return not pte or (pte & PTE_PFN_MASK) >> 12 == at.kernel.zero_pfn


@at_call(points.COPY)
def _copies(local: Locals, at: At) -> Told:
    return COPIES.tell(**_about(local, at))


@at_entry(points.COPY)
def _copied_entry(local: Locals, at: At) -> Told:
    index, entries = local[points.ENTRY], at.kernel.geometry.HPAGE_PMD_NR
    values: dict[str, Value] = {"entry": index, "copied": index + 1}
    if index + 1 == entries // 2:
        return HALF_COPIED.tell(**values, **_about(local, at))
    return (ZEROED_ENTRY if _is_hole(local["pte"], at) else COPIED_ENTRY).tell(**values)


@at_call(points.FREE)
def _copied(local: Locals, at: At) -> Told:
    return COPIED.tell(copied=at.kernel.geometry.HPAGE_PMD_NR, **_about(local, at))


@at_entry(points.FREE)
def _freed_entry(local: Locals, at: At) -> Told | None:
    """A ``while`` loop: its variable is past the entry that is done."""
    if not local[points.ENTRY]:
        return None
    template = FREED_HOLE if _is_hole(local["pte"], at) else FREED_ENTRY
    return template.tell(entry=local[points.ENTRY] - 1, free=at.free_frames())


@at_return(points.FREE)
def _freed(local: Locals, returned: Any, at: At) -> Told:
    return FREED.tell(**_about(local, at))


@at_return(points.PUBLISH)
def _published(local: Locals, returned: Any, at: At) -> Told:
    return PUBLISHED.tell(new=at.frame_number(local["folio"]), **_about(local, at))


@at_return(points.RELEASE)
def _puts_back(local: Locals, returned: Any, at: At) -> Told:
    return PUTS_BACK.tell(isolated=at.pages_of(local["isolated"]))


@at_return(points.REPOPULATE)
def _repopulated(local: Locals, returned: Any, at: At) -> Told:
    return REPOPULATED.tell(**_about(local, at))


@at_return(points.SET_PMD)
def _entry_written(local: Locals, returned: Any, at: At) -> Told:
    table, pmd = local["table"].name, local["pmd"]
    if not pmd:
        return ENTRY_CLEARED.tell(table=table)
    if pmd_trans_huge(pmd):
        return ENTRY_LEAF.tell(frame=f"{entry_pfn(pmd):#x}")
    return ENTRY_TABLE.tell(table=table, frame=f"{entry_pfn(pmd):#x}")


@at_return(points.FREE_PAGES)
def _page_freed(local: Locals, returned: Any, at: At) -> Told:
    if (call := at.within(points.MUNMAP)) is not None:
        about = pages_of_call(call, "start", "length", at)
        return PAGE_UNMAPPED.tell(pages=1 << local["order"], mm=about["mm"], which=about["which"])
    return PAGE_FREED.tell(pages=1 << local["order"])


@at_return(points.FOLIO_ALLOC)
def _folio(local: Locals, folio: Any, at: At) -> Told | None:
    if folio is None:
        return None
    return FOLIO.tell(who=at.who, pages=1 << local["order"], frame=at.frame_number(folio))


@at_return(points.DEPOSIT)
def _deposited(local: Locals, returned: Any, at: At) -> Told:
    return DEPOSITED.tell()


@at_call(points.WITHDRAW)
def _withdrawn(local: Locals, at: At) -> Told:
    return WITHDRAWN.tell()


@at_return(points.SPLIT_PMD)
def _splits(local: Locals, returned: Any, at: At) -> Told:
    window = at.window(local["address"])
    return SPLITS.tell(window=window, entries=at.kernel.geometry.HPAGE_PMD_NR)
