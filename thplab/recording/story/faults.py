"""A page fault: the touch, the questions on the way to a huge page, and what it maps in the end."""

from __future__ import annotations

from typing import Any

from thplab import points
from thplab.mm.include.huge_mm import TvaType
from thplab.points import Locals
from thplab.recording.story.tellers import At, at_call, at_return
from thplab.recording.story.template import Told, Value, detail, entry, story
from thplab.recording.story.windows import largest_block
from thplab.scenario.reasons import refusal

TOUCHES = story(
    "touches",
    "{mm} {does} page {page} and nothing is mapped in {window}, so the processor asks the kernel: a page fault.",
)
TOUCHES_SMALL = entry(
    "touches_small",
    "{mm} {does} page {page}, and its entry does not allow it, so the processor asks the kernel: a page fault.",
)
FAULTS_IN = entry(
    "faults_in", "The kernel itself faults in page {page} of {mm}, because a system call needs it in memory."
)
FAULTED_IN = entry("faulted_in", "Page {page} of {mm} is mapped, so the system call goes on.")
ALLOWED = detail("fault_allowed", "{Window} may have a huge page, so the fault tries to get one.")
REFUSED = story("fault_refused", "The fault maps a small page, because {why}.")
NO_BLOCK = story(
    "fault_no_block",
    "The fault maps a small page, because no {entries} free frames in a row were found: the largest free block has {largest}.",
)
HUGE = story(
    "fault_huge",
    "The fault maps one huge page of {entries} frames, so {mm} needs no other fault in {window}.",
)
HUGE_ZERO = story(
    "fault_huge_zero",
    "The fault maps the huge zero page, which all share, because {mm} only reads {window}: its first write faults again.",
)
FILLED = story("fault_done", "Page {page} is mapped, so {mm} goes on where it was.")
FILLED_SMALL = entry("fault_done_small", "Page {page} is mapped, so {mm} goes on where it was.")


def _about(vma: Any, address: int, at: At) -> dict[str, Value]:
    return {
        "who": at.who, "mm": vma.mm.name, "window": at.window(address), "page": at.page(address),
        "entries": at.kernel.geometry.HPAGE_PMD_NR, "free": at.free_frames(),
    }  # fmt: skip


def _is_first(local: Locals) -> bool:
    """Is the PMD still empty, so that a huge page is possible?"""
    return not local.get("pmd")


@at_call(points.HANDLE_FAULT)
def _touches(local: Locals, at: At) -> Told:
    vma, address = local["vma"], local["address"]
    does = "writes to" if local["write"] else "reads"
    if at.within(points.FAULT_IN) is not None:
        return FAULTS_IN.tell(**_about(vma, address, at))
    empty = not at.pmd(vma.mm, address)
    return (TOUCHES if empty else TOUCHES_SMALL).tell(does=does, **_about(vma, address, at))


@at_return(points.CREATE_HUGE)
def _tried(local: Locals, huge: Any, at: At) -> Told | None:
    if not huge:
        return None
    zero = not local["write"] and at.kernel.knobs.use_zero_page
    return (HUGE_ZERO if zero else HUGE).tell(**_about(local["vma"], local["address"], at))


@at_call(points.ALLOC_HUGE)
def _tries(local: Locals, at: At) -> Told | None:
    fault = at.within(points.CREATE_HUGE)
    return ALLOWED.tell(window=at.window(fault["address"])) if fault else None


@at_return(points.ALLOC_HUGE)
def _allocated(local: Locals, folio: Any, at: At) -> Told | None:
    if folio is not None:
        return None
    entries = at.kernel.geometry.HPAGE_PMD_NR
    return NO_BLOCK.tell(entries=entries, largest=largest_block(at))


@at_return(points.HANDLE_FAULT)
def _filled(local: Locals, returned: Any, at: At) -> Told:
    if at.within(points.FAULT_IN) is not None:
        return FAULTED_IN.tell(**_about(local["vma"], local["address"], at))
    return (FILLED if _is_first(local) else FILLED_SMALL).tell(**_about(local["vma"], local["address"], at))


def refused_by_policy(vma: Any, at: At) -> Told:
    """A fault asks whether its mapping may have a huge page, and the answer is no."""
    return REFUSED.tell(
        why=refusal(vma, TvaType.PAGEFAULT) or "the mapping may not have huge pages", mm=vma.mm.name
    )
