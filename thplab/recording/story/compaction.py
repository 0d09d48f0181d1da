"""Compaction: who begins it and for what, each batch that moves, each block that becomes all free, and the end.

All but what is not begun is told where the kernel prints a trace line, so that a recording of events alone
tells the same.
"""

from __future__ import annotations

from typing import Any

from thplab import points
from thplab.mm.compaction.control import CompactControl, CompactResult, compact_scanners_met
from thplab.mm.compaction.suitable import (
    fragmentation_score_node,
    fragmentation_score_wmark,
    fragmentation_score_zone,
)
from thplab.mm.include.mmzone import Zone
from thplab.mm.include.page import PG_buddy
from thplab.mm.include.trace_events import TraceEvent
from thplab.points import Locals
from thplab.recording.story.tellers import At, at_event, at_return
from thplab.recording.story.template import Template, Told, Value, story

_READERS = (
    "one reader takes pages from frame {migrate_frame} on, the other finds room from frame {free_frame} on."
)
BEGINS_DIRECT = story(
    "compaction_begins",
    f"{{who}} compacts zone {{zone}} itself, because it wants {{wanted}} free frames in a row: {_READERS}",
)
BEGINS_ASKED = story(
    "compaction_begins_asked",
    f"{{who}} compacts zone {{zone}}, because it was asked for {{wanted}} free frames in a row: {_READERS}",
)
BEGINS_FOR_SCORE = story(
    "compaction_begins_score",
    "{who} compacts zone {zone}, because the node's free memory is scattered (the node's score is "
    f"{{node_score}}, above {{high}}): {_READERS}",
)
BEGINS_ALL = story(
    "compaction_begins_all", f"{{who}} compacts all of zone {{zone}}, because it was told to: {_READERS}"
)
BATCH = story(
    "batch",
    "{moved|page moves|pages move} from block {block} to free places in later blocks, because a block becomes all free only "
    "when every page has left it.",
)
STUCK = story(
    "batch_stuck",
    "{moved|page moves|pages move} out of block {block} and {stuck|stays|stay}, because what another task uses can't be "
    "moved now.",
)
NO_PLACE = story(
    "batch_no_place",
    "{moved|page moves|pages move} out of block {block} and {stuck|stays|stay}, because no free place is left for more.",
)
SPOILT = story(
    "block_spoilt",
    "{moved|page leaves|pages leave} block {block} in vain, because {stays|page|pages} in it can't be moved: the block "
    "does not become all free.",
)
PASSED = story(
    "block_passed",
    "Block {block} is passed by, because {stays|page is|pages are} in it and not all can be moved.",
)
WHOLE = story(
    "block_whole",
    "Block {block} is all free: its {block_frames} frames are one run now, and zone {zone} has {whole|such block|such blocks}.",
)
WHOLE_FOR_SCORE = story(
    "block_whole_score",
    "Block {block} is all free, so it joins the free list and the score falls to {score}; the work ends after a block "
    "that leaves it at {low} or less.",
)
ONE_MORE_WHOLE = story(
    "block_whole_elsewhere",
    "One more block is all free: zone {zone} has {whole|free block|free blocks} of {block_frames} frames now.",
)
CAPTURED = story(
    "compaction_captured",
    "{who} stops compacting and takes block {block} at once, because its {wanted} frames have become free.",
)
NOT_NEEDED = story(
    "compaction_not_needed",
    "{who} does not compact zone {zone}, because {wanted} frames in a row are free there already.",
)
NO_HELP = story(
    "compaction_skipped",
    "{who} does not compact zone {zone}, because that could not help: {free|frame is|frames are} free.",
)
LOW_SCORE = story(
    "compaction_succeeds_score",
    "{who} stops compacting zone {zone}, because the score is {score} and not above {low} any more: "
    "{whole|block is|blocks are} all free.",
)
FOUND = story(
    "compaction_succeeds",
    "{who} stops compacting zone {zone}, because {wanted} frames in a row are free now: {whole|block is|blocks are} all free.",
)
MET = story(
    "compaction_complete",
    "{who} stops compacting zone {zone}, because the two readers have met: {whole|block is|blocks are} all free.",
)
MET_PARTIAL = story(
    "compaction_partial",
    "{who} stops compacting zone {zone}, because the two readers have met, but this run did not begin at the zone's "
    "ends: {whole|block is|blocks are} all free.",
)
YIELDS = story(
    "compaction_yields",
    "{who} stops compacting zone {zone}, because kswapd frees memory now: {whole|block is|blocks are} all free.",
)
CONTENDED = story(
    "compaction_contended",
    "{who} gives up compacting zone {zone}, because no free place is left to move pages to.",
)


def _block(cc: CompactControl, pfn: int, order: int) -> int:
    """The pageblock of a frame, counted from the zone's first one."""
    return (pfn >> order) - (cc.zone.zone_start_pfn >> order)


def _last_block(cc: CompactControl, at: At) -> int:
    """The block that the migrate scanner has read last."""
    return _block(cc, cc.migrate_pfn - 1, at.kernel.geometry.HPAGE_PMD_ORDER)


def _aim(cc: CompactControl) -> str:
    if cc.proactive_compaction:
        return "score"
    return "block" if cc.order >= 0 else "all"


def _about(cc: CompactControl, at: At) -> dict[str, Value]:
    """Where the two readers are, frames counted from the zone's first one, and what is whole."""
    zone, order = cc.zone, at.kernel.geometry.HPAGE_PMD_ORDER
    readers: dict[str, Value] = {}
    if cc.migrate_pfn >= zone.zone_start_pfn:
        readers = {
            "migrate_frame": cc.migrate_pfn - zone.zone_start_pfn,
            "free_frame": cc.free_pfn - zone.zone_start_pfn,
        }
    return {
        "who": at.who, "zone": zone.name, "block_frames": 1 << order, "aim": _aim(cc),
        **({"wanted": 1 << cc.order} if cc.order >= 0 else {}), **readers,
        "waits": at.who if cc.direct_compaction else "nobody",
        "whole": whole_blocks(zone, order), "free": zone.free_pages,
        "score": fragmentation_score_zone(at.kernel, zone), "node_score": fragmentation_score_node(at.kernel),
        "low": fragmentation_score_wmark(at.kernel, low=True), "high": fragmentation_score_wmark(at.kernel, low=False),
    }  # fmt: skip


def whole_blocks(zone: Zone, order: int) -> int:
    """Free blocks of ``order`` frames and more, counted as blocks of that order."""
    return sum(zone.nr_free[each] << each - order for each in range(order, zone.max_order + 1))


def _is_whole(at: At, block: int, zone: Zone) -> bool:
    """Does the pageblock lie in a free block of its size or a larger one?"""
    mem_map, least = at.kernel.mem_map, at.kernel.geometry.HPAGE_PMD_ORDER
    first = ((zone.zone_start_pfn >> least) + block) << least
    for order in range(least, zone.max_order + 1):
        head = (first & -(1 << order)) - mem_map.start_pfn
        if head >= 0 and mem_map.flags[head] & PG_buddy and mem_map.order[head] == order:
            return True
    return False


def _stays(end_pfn: int, at: At) -> int:
    """How many frames are in use in the block that ends here; 0 if none does: it is not read to its end."""
    order, mem_map = at.kernel.geometry.HPAGE_PMD_ORDER, at.kernel.mem_map
    if end_pfn & (1 << order) - 1:
        return 0
    end = end_pfn - mem_map.start_pfn
    return sum(mem_map.refcount[page] > 0 for page in range(max(end - (1 << order), 0), end))


@at_event("mm_compaction_begin")
def _begins(event: TraceEvent, at: At) -> Told | None:
    cc = at.kernel.compact_control
    assert cc is not None
    values = _about(cc, at)
    at.rises(f"whole blocks of {cc.zone.name}", int(values["whole"]))  # those that were there before
    if cc.proactive_compaction:
        return BEGINS_FOR_SCORE.tell(**values)
    if cc.order < 0:
        return BEGINS_ALL.tell(**values)
    return (BEGINS_DIRECT if cc.direct_compaction else BEGINS_ASKED).tell(**values)


@at_event("mm_compaction_isolate_migratepages")
def _reads(event: TraceEvent, at: At) -> Told | None:
    """Nothing was taken from the rest of a block, though something is left in it."""
    cc, end = at.kernel.compact_control, int(event.value("end_pfn"), 16)
    assert cc is not None
    if int(event.value("nr_taken")) or not (stays := _stays(end, at)):
        return None
    block = _block(cc, end - 1, at.kernel.geometry.HPAGE_PMD_ORDER)
    return PASSED.tell(block=block, stays=stays, **_about(cc, at))


@at_event("mm_compaction_migratepages")
def _batch(event: TraceEvent, at: At) -> Told | None:
    cc = at.kernel.compact_control
    assert cc is not None
    moved, stuck = int(event.value("nr_migrated")), int(event.value("nr_failed"))
    values = {**_about(cc, at), "block": _last_block(cc, at), "moved": moved, "stuck": stuck}
    if stuck:
        # A place that was found for a page that stays is given back and kept: with none kept they ran out.
        return (STUCK if cc.nr_freepages else NO_PLACE).tell(**values)
    stays = _stays(cc.migrate_pfn, at)
    return SPOILT.tell(stays=stays, **values) if stays else BATCH.tell(**values)


@at_event("mm_compaction_finished")
def _looks(event: TraceEvent, at: At) -> Told | None:
    """After each batch: has a block become whole?"""
    cc = at.kernel.compact_control
    assert cc is not None
    values, block = _about(cc, at), _last_block(cc, at)
    if not at.rises(f"whole blocks of {cc.zone.name}", int(values["whole"])):
        return None
    if not _is_whole(at, block, cc.zone):
        return ONE_MORE_WHOLE.tell(**values)
    return (WHOLE_FOR_SCORE if cc.proactive_compaction else WHOLE).tell(block=block, **values)


@at_event("mm_compaction_end")
def _ends(event: TraceEvent, at: At) -> Told | None:
    cc, capture = at.kernel.compact_control, at.kernel.capture_control
    assert cc is not None
    values = _about(cc, at)
    if capture is not None and capture.page is not None:
        pfn = capture.page + at.kernel.mem_map.start_pfn
        return CAPTURED.tell(block=_block(cc, pfn, at.kernel.geometry.HPAGE_PMD_ORDER), **values)
    return _why_it_ends(cc, CompactResult[event.value("status").upper()], at).tell(**values)


def _why_it_ends(cc: CompactControl, result: CompactResult, at: At) -> Template:
    if result is CompactResult.SUCCESS:
        return LOW_SCORE if cc.proactive_compaction else FOUND
    if result is CompactResult.PARTIAL_SKIPPED:
        return MET_PARTIAL if compact_scanners_met(at.kernel, cc) else YIELDS
    return MET if result is CompactResult.COMPLETE else CONTENDED


@at_return(points.COMPACT)
def _does_not_begin(local: Locals, result: Any, at: At) -> Told | None:
    cc = local["cc"]
    if cc.migrate_pfn >= cc.zone.zone_start_pfn:  # the scanners were placed, and the end is told
        return None
    return (NOT_NEEDED if result is CompactResult.SUCCESS else NO_HELP).tell(**_about(cc, at))
