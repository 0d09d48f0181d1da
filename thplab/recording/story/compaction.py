"""Compaction: who begins it and for what, each batch that moves, each block that becomes whole, and the end."""

from __future__ import annotations

from typing import Any

from thplab import points
from thplab.mm.compaction.control import CompactControl, CompactResult
from thplab.mm.compaction.suitable import fragmentation_score_wmark, fragmentation_score_zone
from thplab.points import Locals
from thplab.recording.story.tellers import At, at_return
from thplab.recording.story.template import Template, Told, Value, entry, story

BEGINS_FOR_BLOCK = story(
    "compaction_begins",
    "{who} compacts zone {zone}, because it wants {wanted} free frames in a row: one reader starts at frame "
    "{migrate_frame}, the other at frame {free_frame}.",
)
BEGINS_FOR_SCORE = story(
    "compaction_begins_score",
    "{who} compacts zone {zone}, because its fragmentation score is {score} and above {high}: one reader starts at frame "
    "{migrate_frame}, the other at frame {free_frame}.",
)
BEGINS_ALL = story(
    "compaction_begins_all",
    "{who} compacts all of zone {zone}, because it was told to: one reader starts at frame {migrate_frame}, the other at "
    "frame {free_frame}.",
)
BATCH = entry(
    "batch",
    "{moved|page moves|pages move} to the other end of zone {zone}: the migrate scanner is at frame {migrate_frame}, the free "
    "scanner at frame {free_frame}.",
)
STUCK = entry(
    "batch_stuck",
    "{moved|page moves|pages move}, and {stuck|page stays where it is, because it|pages stay where they are, because they} can't be moved now.",
)
WHOLE = story(
    "block_whole",
    "All frames of one more block are free, so zone {zone} has {whole|free block|free blocks} of {block_frames} frames now.",
)
CAPTURED = story(
    "compaction_captured",
    "{who} stops compacting zone {zone}, because {wanted} frames in a row have become free: it takes them at once.",
)
NOT_NEEDED = story(
    "compaction_not_needed",
    "{who} does not compact zone {zone}, because {wanted} frames in a row are free there already.",
)
_ENDS: dict[CompactResult, Template] = {
    CompactResult.SUCCESS: story("compaction_succeeds", "{who} stops compacting zone {zone}, because it has reached its aim: {whole|block is|blocks are} whole."),
    CompactResult.COMPLETE: story("compaction_complete", "{who} stops compacting zone {zone}, because the two readers have met: {whole|block is|blocks are} whole."),
    CompactResult.PARTIAL_SKIPPED: story("compaction_partial", "{who} stops compacting zone {zone} before all of it was read: {whole|block is|blocks are} whole."),
    CompactResult.CONTENDED: story("compaction_contended", "{who} gives up compacting zone {zone}, because there are no free frames left to move pages to."),
    CompactResult.SKIPPED: story("compaction_skipped", "{who} does not compact zone {zone}, because that could not help: {free|frame is|frames are} free."),
    CompactResult.NOT_SUITABLE_ZONE: story("compaction_not_suitable", "{who} does not compact zone {zone}, because memory is short there, not scattered."),
    CompactResult.DEFERRED: story("compaction_put_off", "{who} does not compact zone {zone} now, because it failed there lately."),
}  # fmt: skip


def _about(cc: CompactControl, at: At) -> dict[str, Value]:
    """Where the two readers are, frames counted from the zone's first one, and what is whole."""
    zone, order = cc.zone, at.kernel.geometry.HPAGE_PMD_ORDER
    placed = cc.migrate_pfn >= zone.zone_start_pfn
    readers: dict[str, Value] = {
        "migrate_frame": cc.migrate_pfn - zone.zone_start_pfn, "free_frame": cc.free_pfn - zone.zone_start_pfn,
    }  # fmt: skip
    return {
        "who": at.who, "zone": zone.name, "block_frames": 1 << order,
        **({"wanted": 1 << cc.order} if cc.order >= 0 else {}), **(readers if placed else {}),
        "whole": whole_blocks(cc, order), "free": zone.free_pages, "score": fragmentation_score_zone(at.kernel, zone),
        "low": fragmentation_score_wmark(at.kernel, low=True), "high": fragmentation_score_wmark(at.kernel, low=False),
    }  # fmt: skip


def whole_blocks(cc: CompactControl, order: int) -> int:
    """Free blocks of ``order`` frames and more, counted as blocks of that order."""
    zone = cc.zone
    return sum(zone.nr_free[each] << each - order for each in range(order, zone.max_order + 1))


@at_return(points.PLACE_SCANNERS)
def _begins(local: Locals, returned: Any, at: At) -> Told:
    cc, values = local["cc"], _about(local["cc"], at)
    at.rises(f"whole blocks of {cc.zone.name}", int(values["whole"]))  # those that were there before
    if cc.proactive_compaction:
        return BEGINS_FOR_SCORE.tell(**values)
    return (BEGINS_FOR_BLOCK if cc.order >= 0 else BEGINS_ALL).tell(**values)


@at_return(points.BATCH)
def _batch(local: Locals, returned: Any, at: At) -> Told:
    cc, moved = local["cc"], local["moved"]
    stuck = local["taken"] - moved
    values = {**_about(cc, at), "moved": moved, "stuck": stuck}
    if at.rises(f"whole blocks of {cc.zone.name}", values["whole"]):
        return WHOLE.tell(**values)
    return (STUCK if stuck else BATCH).tell(**values)


@at_return(points.COMPACT)
def _ends(local: Locals, result: Any, at: At) -> Told | None:
    template, capture = _ENDS.get(result), at.kernel.capture_control
    if result is CompactResult.SUCCESS and capture is not None and capture.page is not None:
        template = CAPTURED
    elif result is CompactResult.SUCCESS and not local["cc"].migrate_pfn:
        template = NOT_NEEDED
    return None if template is None else template.tell(**_about(local["cc"], at))
