"""A page fault: the touch, the questions on the way to a huge page, and what it maps in the end.

Each question that the kernel asks has a sentence for its yes and one for its no; the picture of the fault
knows them by their kinds.
"""

from __future__ import annotations

from typing import Any

from thplab import points
from thplab.mm.huge_memory.pmd import is_huge_zero_pmd
from thplab.mm.include.huge_mm import TvaType
from thplab.mm.include.mm_types import Vma, vma_is_anonymous
from thplab.mm.include.pgtable import _PAGE_PRESENT, _PAGE_RW, mm_find_pmd, pmd_trans_huge, pte_of
from thplab.mm.vmstat import vm_event
from thplab.points import Locals
from thplab.recording.story.tellers import At, at_call, at_return
from thplab.recording.story.template import Told, Value, detail, entry, story
from thplab.recording.story.windows import largest_block
from thplab.scenario.reasons import refusal

TOUCHES = story(
    "touches",
    "Process {mm} {does} page {page} and nothing is mapped in {window}, so the processor asks the kernel: a page fault.",
)
TOUCHES_SMALL = entry(
    "touches_small",
    "Process {mm} {does} page {page}, which {found}, so the processor asks the kernel: a page fault.",
)
FAULTS_IN = entry(
    "faults_in",
    "The kernel itself faults in page {page} of process {mm}, because a system call needs it in memory.",
)
FAULTED_IN = entry("faulted_in", "Page {page} of process {mm} is mapped, so the system call goes on.")

# Each question: its yes, its no.
ALLOWED = story("fault_allowed", "This mapping of process {mm} may have huge pages, because {why}.")
REFUSED = story("fault_refused", "The fault maps no huge page, because {why}.")
FROM_FILE = story(
    "fault_file",
    "The fault asks the file for page {page}, because process {mm} maps a file here and no anonymous memory.",
)
WHOLE = story("fault_whole", "A huge page fits, because all {entries} pages of {window} lie in this mapping.")
PARTIAL = story(
    "fault_partial", "The fault maps no huge page, because only a part of {window} lies in this mapping."
)
BLOCK = story(
    "fault_block",
    "A block of {entries} free frames in a row was found at once, so process {mm} need not wait for compaction.",
)
MADE_BLOCK = story(
    "fault_made_block",
    "Process {mm} itself made {entries} frames in a row free, because none were: {migrated|page|pages} moved.",
)
NO_BLOCK = story(
    "fault_no_block",
    "The fault maps no huge page, because no {entries} free frames in a row were found: "
    "the largest free block has {largest}.",
)
NO_SPARE = story(
    "fault_no_spare",
    "The fault maps no huge page, because {entries} frames less would leave too few free ones: {free} are free.",
)
MADE_NO_BLOCK = story(
    "fault_made_no_block",
    "The fault maps no huge page, because process {mm} tried to make a free block of {entries} frames, and in vain: "
    "it moved {migrated|page|pages}, and the largest free block has {largest}.",
)
ROOM = detail(
    "fault_room",
    "The new block is charged to the memory cgroup of process {mm}: {used} of its {room} pages are used.",
)
NO_LIMIT = detail(
    "fault_no_limit",
    "No memory cgroup limits process {mm}, so there is nothing to ask before the block is used.",
)
NO_ROOM = story(
    "fault_no_room",
    "The fault maps no huge page, because the memory cgroup of process {mm} has no room for {entries} more pages: "
    "{used} of its {room} are used.",
)

WATCHED = story(
    "fault_watched",
    "The fault maps nothing, because userfaultfd watches this mapping: a handler would have to supply page {page} "
    "of process {mm}, and this machine has none.",
)
WATCHED_WRITE = story(
    "fault_watched_write",
    "The fault changes nothing, because page {page} is write-protected through userfaultfd: a handler would have to "
    "let process {mm} write, and this machine has none.",
)

HUGE = story(
    "fault_huge",
    "The fault maps one huge page of {entries} frames, so process {mm} needs no other fault in {window}.",
)
HUGE_ZERO = story(
    "fault_huge_zero",
    "The fault maps the huge zero page, which all share, because process {mm} only reads {window}: its first write faults again.",
)
REPLACED = story(
    "fault_replaced",
    "A huge page of its own replaces the huge zero page, because process {mm} writes to {window}.",
)
FILLED = story("fault_done", "Page {page} is mapped, so process {mm} goes on where it was.")
FILLED_SMALL = entry("fault_done_small", "Page {page} is mapped, so process {mm} goes on where it was.")


def _about(vma: Vma, address: int, at: At) -> dict[str, Value]:
    return {
        "who": at.who, "mm": vma.mm.name, "window": at.window(address), "page": at.page(address),
        "entries": at.entries, "free": at.free_frames(),
    }  # fmt: skip


def _entry_of(vma: Vma, address: int, at: At) -> int:
    """The entry that maps an address, a leaf or one of the table below; 0: none does."""
    ref = mm_find_pmd(vma.mm, address)
    if ref is None or pmd_trans_huge(ref[0][ref[1]]):
        return at.pmd(vma.mm, address)
    return pte_of(at.kernel, ref, address)


def _found(vma: Vma, address: int, at: At, *, write: bool) -> str:
    """What the processor came upon, where something is mapped in the window."""
    huge = pmd_trans_huge(at.pmd(vma.mm, address))
    mapped = _entry_of(vma, address, at)
    if not mapped:
        return "is not mapped yet"
    if not mapped & _PAGE_PRESENT:
        return "is not in memory"
    if write and not mapped & _PAGE_RW:
        return "lies in a huge page that is read-only" if huge else "is read-only"
    return "is mapped by now"


@at_call(points.HANDLE_FAULT)
def _touches(local: Locals, at: At) -> Told:
    vma, address, write = local["vma"], local["address"], local["write"]
    values = _about(vma, address, at)
    if at.within(points.FAULT_IN) is not None:
        return FAULTS_IN.tell(**values)
    does = "writes to" if write else "reads"
    if not at.pmd(vma.mm, address):
        return TOUCHES.tell(does=does, **values)
    return TOUCHES_SMALL.tell(does=does, found=_found(vma, address, at, write=write), **values)


@at_return(points.SUITABLE)
def _fits(local: Locals, fits: Any, at: At) -> Told | None:
    if at.caller is not points.CREATE_HUGE:
        return None
    return (WHOLE if fits else PARTIAL).tell(**_about(local["vma"], local["address"], at))


@at_call(points.TAKE_BLOCK, points.TAKE_ZERO)
def _looks(local: Locals, at: At) -> None:
    """From here on compaction works for this fault."""
    _worked(at)


@at_return(points.TAKE_BLOCK)
def _took(local: Locals, block: Any, at: At) -> Told | None:
    return _block_asked(block is not None, at)


@at_return(points.TAKE_ZERO)
def _took_zero(local: Locals, block: Any, at: At) -> Told | None:
    """The huge zero page is there already, as a rule: nothing is asked then."""
    return _block_asked(False, at) if block is None else None


@at_return(points.CHARGE)
def _charged(local: Locals, fits: Any, at: At) -> Told | None:
    if at.caller is not points.ALLOC_HUGE:
        return None
    memcg, mm = local["mm"].memcg, local["mm"].name
    if memcg is None or memcg.max is None:
        return NO_LIMIT.tell(mm=mm)
    return (ROOM if fits else NO_ROOM).tell(mm=mm, entries=at.entries, used=memcg.usage, room=memcg.max)


@at_call(points.ASK_HANDLER)
def _watched(local: Locals, at: At) -> Told | None:
    fault = at.within(points.HANDLE_FAULT)
    if fault is None:
        return None
    vma, address = fault["vma"], fault["address"]
    present = _entry_of(vma, address, at) & _PAGE_PRESENT
    return (WATCHED_WRITE if present else WATCHED).tell(**_about(vma, address, at))


@at_return(points.CREATE_HUGE)
def _tried(local: Locals, huge: Any, at: At) -> Told | None:
    if not huge:
        return None
    vma, address = local["vma"], local["address"]
    zero = is_huge_zero_pmd(at.kernel, at.pmd(vma.mm, address))
    return (HUGE_ZERO if zero else HUGE).tell(**_about(vma, address, at))


@at_return(points.REPLACE_ZERO)
def _replaced(local: Locals, huge: Any, at: At) -> Told | None:
    return REPLACED.tell(**_about(local["vma"], local["address"], at)) if huge else None


@at_return(points.HANDLE_FAULT)
def _filled(local: Locals, returned: Any, at: At) -> Told:
    if at.within(points.FAULT_IN) is not None:
        return FAULTED_IN.tell(**_about(local["vma"], local["address"], at))
    # The variable has the entry as the fault found it.
    first = not local.get("pmd")
    return (FILLED if first else FILLED_SMALL).tell(**_about(local["vma"], local["address"], at))


def policy_asked(vma: Vma, allowed: bool, at: At) -> Told:
    """May this mapping have huge pages?"""
    values: dict[str, Value] = {"mm": vma.mm.name}
    if not vma_is_anonymous(vma):
        fault = at.within(points.HANDLE_FAULT)
        assert fault is not None
        return FROM_FILE.tell(page=at.page(fault["address"]), **values)
    if not allowed:
        why = refusal(vma, TvaType.PAGEFAULT) or "the mapping may not have huge pages"
        return REFUSED.tell(why=why, **values)
    knobs = at.kernel.knobs
    word = knobs.enabled if knobs.hugepage_size_enabled == "inherit" else knobs.hugepage_size_enabled
    why = "enabled is always" if word == "always" else "enabled is madvise and MADV_HUGEPAGE was called"
    return ALLOWED.tell(why=why, **values)


def _worked(at: At) -> tuple[int, int]:
    """How often a task compacted memory itself, and how many pages moved, since this was asked last."""
    stalls, migrated = (vm_event(at.kernel, name) for name in ("compact_stall", "pgmigrate_success"))
    return at.grown("compact_stall", stalls), at.grown("pgmigrate_success", migrated)


def _block_asked(found: bool, at: At) -> Told | None:
    """Is a block free, and if not, could the fault make one?"""
    fault = at.within(points.HANDLE_FAULT)
    if fault is None:
        return None
    stalls, migrated = _worked(at)
    largest = largest_block(at)
    values = {**_about(fault["vma"], fault["address"], at), "migrated": migrated, "largest": largest}
    if found:
        return (MADE_BLOCK if stalls else BLOCK).tell(**values)
    if stalls:
        return MADE_NO_BLOCK.tell(**values)
    return (NO_BLOCK if largest < at.entries else NO_SPARE).tell(**values)
