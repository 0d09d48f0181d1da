"""The picture of compaction in numbers: known from the comb, where 128 of 512 frames of a block are used."""

from __future__ import annotations

import pytest

from tests.recording.compacting import proactive, small
from thplab.reading.scene import scene_lines
from thplab.reading.text import TextTwin
from thplab.recording import Recording
from thplab.recording.derive.focus import SCENES


@pytest.fixture(scope="module")
def pinned() -> Recording:
    """Down to a score of 40: block 1 holds a pinned page."""
    return proactive(60, depth="events", pinned=(1,))


def _lines(made: Recording, kind: str, number: int = 0) -> list[str]:
    told = [made.told_as(place) for place in range(len(made.sections["t_moment"]))]
    moment = [each.moment for each in told if each.kind == kind][number]
    return scene_lines(TextTwin(made).moment(moment))


def test_it_begins_at_both_ends(pinned: Recording) -> None:
    """Eight blocks of 512 frames: the last one begins at frame 7 * 512."""
    assert _lines(pinned, "compaction_begins_score") == [
        "kcompactd > compaction",
        (
            "zone Normal, at work: migrate scanner at frame 0, block 0; "
            "free scanner at frame 3584, block 7; 0 pages moved"
        ),
        "score 100, stops at 40 or less; the node's 99, starts above 50",
        "blocks all free: none; spoilt: none",
        "free frames in the blocks: " + ", ".join(["384"] * 8),
    ]


def test_a_batch_is_counted_where_it_was_and_where_it_went(pinned: Recording) -> None:
    lines = _lines(pinned, "batch")
    assert lines[1].endswith("32 pages moved")
    assert lines[4] == "free frames in the blocks: 416, 384, 384, 384, 384, 384, 384, 352"


def test_a_block_with_a_pinned_page_is_spoilt(pinned: Recording) -> None:
    """128 pages of block 0 and 127 of block 1 are in block 7 now, which had 128 of its own."""
    lines = _lines(pinned, "block_spoilt")
    assert lines[1].endswith(f"{128 + 127} pages moved")
    assert lines[3:] == [
        "blocks all free: 0; spoilt: 1",
        "free frames in the blocks: 512, 511, 384, 384, 384, 384, 384, 129",
    ]


def test_the_end_says_why(pinned: Recording) -> None:
    lines = _lines(pinned, "compaction_succeeds_score")
    assert lines[1].startswith(
        "zone Normal, ended, score low enough: migrate scanner at frame 2560, block 5; "
    )
    assert lines[3] == "blocks all free: 0, 2, 3, 4; spoilt: 1"


def test_who_waits_is_named() -> None:
    """A fault with tables of 16 entries."""
    made = small(16)
    assert "wanted: 16 free frames in a row, app waits" in _lines(made, "compaction_begins")
    assert _lines(made, "compaction_captured")[1].startswith("zone Normal, ended, block taken: ")


def test_events_alone_show_where_compaction_begins(pinned: Recording) -> None:
    """Without functions the scene is that of the trace line, from then on."""
    wanted = SCENES.index("compaction")
    begins = next(
        n
        for n in range(len(pinned))
        if pinned.moment(n).trace_lines and _traced(pinned, n) == "mm_compaction_begin"
    )
    assert pinned.sections["m_scene"].tolist() == [0] * begins + [wanted] * (len(pinned) - begins)


def _traced(made: Recording, moment: int) -> str:
    return str(made.header["trace"][made.moment(moment).trace_lines - 1]["event"])


def test_before_the_first_run_there_are_no_numbers(pinned: Recording) -> None:
    first = pinned.sections["m_scene"].index(pinned.sections["m_scene"][-1]) - 1
    assert len(scene_lines(TextTwin(pinned).moment(first))) == 1
