"""What processes ask for, and what the daemons beside khugepaged do."""

from __future__ import annotations

from thplab import points
from thplab.mm.compaction.kcompactd import kcompactd_work_requested
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.trace_events import TraceEvent
from thplab.mm.vmscan.kswapd import MAX_RECLAIM_RETRIES
from thplab.points import Locals
from thplab.recording.story.tellers import At, at_call, at_change, at_event
from thplab.recording.story.template import Told, Value, detail, story

ADVISES = story("advises", "Process {mm} calls madvise(MADV_{advice}) for {which}.")
COLLAPSES = story(
    "collapses", "Process {mm} asks for huge pages itself: MADV_COLLAPSE for {which}, in its own time."
)
MAPS = story("maps", "Process {mm} maps {which} with mmap().")
UNMAPS = story("unmaps", "Process {mm} unmaps {which} with munmap().")
PROTECTS = story("protects", "Process {mm} changes the protection of {which} to '{prot}' with mprotect().")
MOVES = story("moves", "Process {mm} moves {which} to page {to} with mremap().")
LOCKS = story("locks_memory", "Process {mm} locks {which} in memory with mlock().")
UNLOCKS = story("unlocks_memory", "Process {mm} lets {which} be reclaimed again with munlock().")
FORKS = story(
    "forks",
    "Process {mm} forks, and {child} is the new process: the two share all pages until one of them writes.",
)
EXITS = story("exits", "Process {mm} exits, so its memory goes.")
PINS = story("pins", "Process {mm} pins page {page}: an extra reference, so that the page can't be moved.")
PRCTL = story("prctl", "Process {mm} switches huge pages {state} for itself with prctl().")
WATCHES = story("watches", "Process {mm} registers {which} with its userfaultfd.")
MARKS = story("marks", "Process {mm} changes the write protection of {which} through its userfaultfd.")
RECLAIMS = story(
    "reclaims",
    "{who} must free memory itself before it goes on, because too little is free: {free|frame|frames}.",
)
BALANCES = story("balances", "kswapd frees memory until enough is free: {free|frame is|frames are} free now.")
RUNS = detail("runs", "{who} runs now.")
IDLES = detail("idles", "No task runs now.")
ASKS_KSWAPD = detail("asks_kswapd", "{who} wakes kswapd, because free memory is short.")
ASKS_KCOMPACTD = story(
    "asks_kcompactd",
    "{who} asks kcompactd for {wanted} free frames in a row, so that no allocation has to wait for them later.",
)
KNOB_WAKES_KCOMPACTD = story(
    "knob_wakes_kcompactd", "kcompactd wakes up, because a value was written to compaction_proactiveness."
)
KCOMPACTD_WORKS = story(
    "kcompactd_works", "kcompactd begins to work, because it was asked for {wanted} free frames in a row."
)
KCOMPACTD_SLEEPS = detail("kcompactd_sleeps", "kcompactd goes to sleep, because no request waits for it.")
KCOMPACTD_GOES_ON = detail(
    "kcompactd_goes_on", "kcompactd does not go to sleep, because another request waits for it."
)
KSWAPD_SLEEPS = detail("kswapd_sleeps", "kswapd goes to sleep, because enough memory is free.")
KSWAPD_GIVES_UP = detail(
    "kswapd_gives_up", "kswapd goes to sleep, because it has tried in vain again and again to free memory."
)


def pages_of_call(local: Locals, start: str, length: str, at: At) -> dict[str, Value]:
    """The pages of a system call, the last one included."""
    address, size = local[start], local[length]
    first, last = at.page(address), at.page(address + max(size, 1) - 1)
    which = f"page {first}" if first == last else f"pages {first} to {last}"
    return {"mm": local["mm"].name, "first": first, "last": last, "which": which}


@at_call(points.DO_MADVISE)
def _advises(local: Locals, at: At) -> Told:
    values = pages_of_call(local, "start", "length", at)
    advice = str(local["advice"])
    return COLLAPSES.tell(**values) if advice == "collapse" else ADVISES.tell(advice=advice.upper(), **values)


@at_call(points.MMAP)
def _maps(local: Locals, at: At) -> Told:
    return MAPS.tell(**pages_of_call(local, "start", "length", at))


@at_call(points.MUNMAP)
def _unmaps(local: Locals, at: At) -> Told:
    return UNMAPS.tell(**pages_of_call(local, "start", "length", at))


@at_call(points.MPROTECT)
def _protects(local: Locals, at: At) -> Told:
    return PROTECTS.tell(prot=local["prot"], **pages_of_call(local, "start", "length", at))


@at_call(points.MREMAP)
def _moves(local: Locals, at: At) -> Told:
    return MOVES.tell(to=at.page(local["new"]), **pages_of_call(local, "old", "old_length", at))


@at_call(points.MLOCK, points.MUNLOCK)
def _locks(local: Locals, at: At) -> Told:
    template = LOCKS if local.point is points.MLOCK else UNLOCKS
    return template.tell(**pages_of_call(local, "start", "length", at))


@at_call(points.FORK)
def _forks(local: Locals, at: At) -> Told:
    return FORKS.tell(mm=local["parent"].name, child=local["name"])


@at_call(points.EXIT_BEGINS)
def _exits(local: Locals, at: At) -> Told:
    return EXITS.tell(mm=local["mm"].name)


@at_call(points.PIN)
def _pins(local: Locals, at: At) -> Told:
    return PINS.tell(mm=local["mm"].name, page=at.page(local["address"]))


@at_call(points.PRCTL)
def _prctl(local: Locals, at: At) -> Told:
    return PRCTL.tell(mm=local["mm"].name, state="off" if local["disable"] else "on")


@at_call(points.UFFD_REGISTER)
def _watches(local: Locals, at: At) -> Told:
    return WATCHES.tell(**pages_of_call(local, "start", "length", at))


@at_call(points.UFFD_PROTECT)
def _marks(local: Locals, at: At) -> Told:
    return MARKS.tell(**pages_of_call(local, "start", "length", at))


@at_call(points.RECLAIM)
def _reclaims(local: Locals, at: At) -> Told:
    return RECLAIMS.tell(who=at.who, free=at.free_frames())


@at_call(points.BALANCE)
def _balances(local: Locals, at: At) -> Told:
    return BALANCES.tell(free=at.free_frames())


@at_change(Kernel, "current")
def _runs(kernel: Kernel, at: At) -> Told:
    return RUNS.tell(who=at.who) if kernel.current.pid else IDLES.tell()


@at_event("mm_vmscan_wakeup_kswapd")
def _asks_kswapd(event: TraceEvent, at: At) -> Told:
    return ASKS_KSWAPD.tell(who=at.who)


@at_event("mm_compaction_wakeup_kcompactd")
def _asks_kcompactd(event: TraceEvent, at: At) -> Told:
    order = int(event.value("order"))
    if order < 0:
        return KNOB_WAKES_KCOMPACTD.tell()
    return ASKS_KCOMPACTD.tell(who=at.who, wanted=1 << order)


@at_event("mm_compaction_kcompactd_wake")
def _kcompactd_works(event: TraceEvent, at: At) -> Told:
    return KCOMPACTD_WORKS.tell(wanted=1 << int(event.value("order")))


@at_event("mm_compaction_kcompactd_sleep")
def _kcompactd_sleeps(event: TraceEvent, at: At) -> Told:
    return (KCOMPACTD_GOES_ON if kcompactd_work_requested(at.kernel) else KCOMPACTD_SLEEPS).tell()


@at_event("mm_vmscan_kswapd_sleep")
def _kswapd_sleeps(event: TraceEvent, at: At) -> Told:
    hopeless = at.kernel.node.kswapd_failures >= MAX_RECLAIM_RETRIES
    return (KSWAPD_GIVES_UP if hopeless else KSWAPD_SLEEPS).tell()
