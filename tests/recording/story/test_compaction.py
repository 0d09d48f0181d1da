"""Compaction is told from its beginning to its end: batches, blocks that become whole, and why it stops."""

from __future__ import annotations

import pytest

from tests.mm.compaction.test_direct import SIZE, WINDOW, with_pcp
from tests.recording.compacting import lane, proactive, small
from tests.recording.story.telling import all_told, of_kind
from tests.recording.story.test_values import wrong_values
from thplab.experiments.comb import comb34
from thplab.recording import Recorder, Recording, record_scenario


@pytest.fixture(scope="module")
def four_blocks() -> Recording:
    """The score falls by 16 or 17 with each block: after four it is 33, and not above 40."""
    return proactive(60)


@pytest.fixture(scope="module")
def captured() -> Recording:
    """A fault compacts for itself, on a machine with per-CPU lists."""
    machine = with_pcp()
    process = machine.process("P")
    process.mmap(WINDOW, SIZE)
    process.madvise(WINDOW, SIZE, "hugepage")
    machine.set_knobs([("defrag", "always")])
    recorder = Recorder(machine.kernel, "functions")
    with recorder:
        process.write(WINDOW, 1)
    return recorder.recording


def test_it_begins_for_the_score_at_both_ends_of_the_zone(four_blocks: Recording) -> None:
    """Eight blocks of 512 frames: the last one begins at frame 3584."""
    assert of_kind(four_blocks, "compaction_begins_score") == [
        (
            "kcompactd compacts zone Normal, because the node's free memory is scattered (the node's "
            "score is 99, above 50): one reader takes pages from frame 0 on, the other finds "
            "room from frame 3584 on."
        )
    ]


def test_each_block_that_becomes_whole_is_a_step_of_the_story(four_blocks: Recording) -> None:
    """128 pages are moved for a block: batches of 32, then all the rest of the block at once."""
    whole = [told.values for told in all_told(four_blocks) if told.kind == "block_whole_score"]
    assert [(values["block"], values["whole"]) for values in whole] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert of_kind(four_blocks, "block_whole_score")[0] == (
        "Block 0 is all free, so it joins the free list and the score falls to 83; the work ends "
        "after a block that leaves it at 40 or less."
    )
    moved = [
        (told.values["block"], told.values["moved"]) for told in all_told(four_blocks) if told.kind == "batch"
    ]
    assert moved == [(block, pages) for block in range(4) for pages in (32, 96)]
    assert of_kind(four_blocks, "compaction_succeeds_score") == [
        (
            "kcompactd stops compacting zone Normal, because the score is 33 and not above 40 any more: "
            "4 blocks are all free."
        )
    ]


def test_events_alone_tell_the_same(four_blocks: Recording) -> None:
    """Not what only functions tell, such as who takes a lock."""
    mine = ("compaction", "batch", "block")
    said = [
        [str(told) for told in all_told(made) if told.kind.startswith(mine)]
        for made in (four_blocks, proactive(60, depth="events"))
    ]
    assert said[0] == said[1]


def test_blocks_that_were_whole_before_are_no_news() -> None:
    machine, _ = comb34("6.18")
    machine.write_sysctl("compaction_proactiveness", 20)  # two blocks
    recorder = Recorder(machine.kernel, "functions")
    with recorder:
        machine.write_sysctl("compaction_proactiveness", 60)
    told = [told.values for told in all_told(recorder.recording) if told.kind == "block_whole_score"]
    assert [values["whole"] for values in told] == [3, 4]


def test_a_pinned_page_spoils_its_block() -> None:
    made = proactive(100, depth="events", pinned=(1,))
    assert of_kind(made, "block_spoilt") == [
        (
            "95 pages leave block 1 in vain, because 1 page in it can't be moved: "
            "the block does not become all free."
        )
    ]
    assert of_kind(made, "compaction_complete")[0] == (
        "kcompactd stops compacting zone Normal, because the two readers have met: 5 blocks are all free."
    )
    assert wrong_values(made) == []


def test_who_is_in_a_hurry_passes_a_block_by() -> None:
    """A fault does not begin to empty a block that can't become whole: it takes the next one."""
    made = small(16, pins=(0,))
    assert of_kind(made, "block_passed", "compaction_captured") == [
        "Block 0 is passed by, because 4 pages are in it and not all can be moved.",
        "app stops compacting and takes block 1 at once, because its 16 frames have become free.",
    ]
    assert wrong_values(made) == []


def test_khugepaged_finds_its_block_on_the_free_list() -> None:
    made = lane("F", depth="events")
    assert of_kind(made, "block_whole", "compaction_succeeds") == [
        "Block 0 is all free: its 512 frames are one run now, and zone Normal has 1 such block.",
        (
            "khugepaged stops compacting zone Normal, because 512 frames in a row are free now: "
            "1 block is all free."
        ),
    ]
    waits = {told.values["waits"] for told in all_told(made) if "waits" in told.values}
    assert waits == {"khugepaged"}


def test_who_captures_its_block_says_so(captured: Recording) -> None:
    begins, ends = of_kind(captured, "compaction_begins", "compaction_captured")
    assert begins.startswith("P compacts zone Normal itself, because it wants 512 free frames in a row: ")
    assert ends == "P stops compacting and takes block 0 at once, because its 512 frames have become free."


def test_where_it_could_not_help_it_does_not_begin() -> None:
    made = record_scenario("S06.nofree", depth="functions")
    told = [each for each in all_told(made) if each.kind == "compaction_skipped"]
    assert told
    assert not of_kind(made, "compaction_begins")
    assert not any("migrate_frame" in each.values for each in told)


@pytest.mark.parametrize("name", ["four_blocks", "captured"])
def test_every_value_is_that_of_its_moment(name: str, request: pytest.FixtureRequest) -> None:
    assert wrong_values(request.getfixturevalue(name)) == []
