"""khugepaged's passes and naps: when a pass begins, why it is over, and how long khugepaged sleeps then."""

from __future__ import annotations

from typing import Any

from thplab import points
from thplab.mm.khugepaged.scan import khugepaged_has_work
from thplab.points import Locals
from thplab.recording.story.passes import budget_of, spent_of
from thplab.recording.story.tellers import At, at_call, at_return, at_wakeup, duration
from thplab.recording.story.template import Told, story

PASS_BEGINS = story("pass_begins", "A pass begins: khugepaged may spend {limit} before it naps again.")
PASS_ENDS = story("pass_ends", "{The_pass} is over, because {why}: {spent} of {limit} are spent.")
NAP = story("nap", "Between two passes khugepaged naps for {time}, or until it is woken: {then}.")
NO_WORK = story("no_work", "There is no work left, so khugepaged sleeps until there is some.")
ALLOC_NAP = story(
    "alloc_nap",
    "khugepaged sleeps for {time} in the middle of {the_pass}, because no huge page was available: then it tries once more.",
)
WOKEN_BY_TIME = story("woken_by_time", "khugepaged wakes up, because its nap is over.")
WOKEN_EARLY = story(
    "woken_early", "khugepaged wakes up before its nap is over, because another task wakes it."
)
WOKEN_BY_WORK = story("woken_by_work", "khugepaged wakes up, because there is work for it now.")
#: Why a pass is over, as pictures are told it -> in words.
_WHY_OVER = {
    "told to stop": "khugepaged is told to stop",
    "budget used up": "its budget is used up",
    "end of the list": "it has been through the whole list",
    "list empty": "no process is left on its list",
    "not allowed": "the knobs allow no huge pages any more",
    "no memory": "no huge page was available for the second time",
}
_COUNTED = "pass"


@at_call(points.DO_SCAN)
def _pass_begins(local: Locals, at: At) -> Told:
    return PASS_BEGINS.tell(number=at.count(_COUNTED), **budget_of(at.kernel.knobs.pages_to_scan))


def _pass_words(at: At) -> str:
    """Passes are counted from the first one of the recording on."""
    number = at.counted(_COUNTED)
    return f"pass {number}" if number else "the pass that began before the recording"


@at_return(points.DO_SCAN)
def _pass_ends(local: Locals, returned: Any, at: At) -> Told:
    over = _over(local, at)
    return PASS_ENDS.tell(
        the_pass=_pass_words(at),
        over=over,
        why=_WHY_OVER[over],
        spent=spent_of(at),
        **budget_of(local["pages"]),
    )


def _over(local: Locals, at: At) -> str:
    """Why, by what its loop ends with. At the end of the list it takes its budget for spent."""
    if spent_of(at) >= local["pages"]:
        return "budget used up"
    if local["progress"] >= local["pages"]:
        if khugepaged_has_work(at.kernel):
            return "end of the list"
        return "not allowed" if at.kernel.khugepaged.mm_head else "list empty"
    return "told to stop" if local["thread"].should_stop else "no memory"


def _then(at: At) -> str:
    """Where the next pass begins."""
    scan = at.kernel.khugepaged
    if scan.scan_mm_slot is None:
        return "its next visit is at the head of the list"
    name = scan.scan_mm_slot.mm.name
    if not scan.scan_address:
        return f"its next visit is to process {name}"
    return f"it will go on in process {name} at {at.window(scan.scan_address)}"


@at_call(points.WAIT_WORK)
def _nap(local: Locals, at: At) -> Told:
    if not khugepaged_has_work(at.kernel):
        return NO_WORK.tell()
    return NAP.tell(time=duration(max(at.kernel.knobs.scan_sleep_millisecs, 1)), then=_then(at))


@at_call(points.ALLOC_SLEEP)
def _alloc_nap(local: Locals, at: At) -> Told:
    return ALLOC_NAP.tell(time=duration(at.kernel.knobs.alloc_sleep_millisecs), the_pass=_pass_words(at))


@at_wakeup(points.WAIT_WORK, points.ALLOC_SLEEP)
def _woken(local: Locals, at: At) -> Told:
    thread = at.kernel.khugepaged.thread
    deadline = None if thread is None or thread.wait is None else thread.wait.deadline
    if deadline is None:
        return WOKEN_BY_WORK.tell()
    return (WOKEN_BY_TIME if at.kernel.clock.now >= deadline else WOKEN_EARLY).tell()
