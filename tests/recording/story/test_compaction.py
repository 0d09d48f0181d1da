"""Compaction is told from its beginning to its end: batches, blocks that become whole, and why it stops."""

from __future__ import annotations

import pytest

from tests.mm.compaction.test_direct import SIZE, WINDOW, with_pcp
from tests.recording.story.telling import all_told, of_kind
from tests.recording.story.test_values import wrong_values
from thplab.experiments.comb import comb34
from thplab.recording import Recorder, Recording, record_scenario


def proactive(proactiveness: int) -> Recording:
    """kcompactd on a comb of eight blocks, in each of which every fourth frame of the half is used."""
    machine, _ = comb34("6.18")
    recorder = Recorder(machine.kernel, "functions")
    with recorder:
        machine.write_sysctl("compaction_proactiveness", proactiveness)
    return recorder.recording


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
            "kcompactd0 compacts zone Normal, because its fragmentation score is 100 and above 50: "
            "one reader starts at frame 0, the other at frame 3584."
        )
    ]


def test_each_block_that_becomes_whole_is_a_step_of_the_story(four_blocks: Recording) -> None:
    """128 pages are moved for a block: batches of 32, then all the rest of the block at once."""
    whole = [told.values for told in all_told(four_blocks) if told.kind == "block_whole"]
    assert [values["whole"] for values in whole] == [1, 2, 3, 4]
    assert of_kind(four_blocks, "block_whole")[0] == (
        "All frames of one more block are free, so zone Normal has 1 free block of 512 frames now."
    )
    moved = [int(told.values["moved"]) for told in all_told(four_blocks) if "moved" in told.values]
    assert sum(moved) == 4 * 128
    assert of_kind(four_blocks, "compaction_succeeds") == [
        "kcompactd0 stops compacting zone Normal, because it has reached its aim: 4 blocks are whole."
    ]


def test_blocks_that_were_whole_before_are_no_news() -> None:
    machine, _ = comb34("6.18")
    machine.write_sysctl("compaction_proactiveness", 20)  # two blocks
    recorder = Recorder(machine.kernel, "functions")
    with recorder:
        machine.write_sysctl("compaction_proactiveness", 60)
    whole = [told.values["whole"] for told in all_told(recorder.recording) if told.kind == "block_whole"]
    assert whole == [3, 4]


def test_who_captures_its_block_says_so(captured: Recording) -> None:
    begins, ends = of_kind(captured, "compaction_begins", "compaction_captured")
    assert begins.startswith("P compacts zone Normal, because it wants 512 free frames in a row: ")
    assert ends.startswith("P stops compacting zone Normal, because 512 frames in a row have become free")


def test_where_it_could_not_help_it_does_not_begin() -> None:
    made = record_scenario("S06.nofree", depth="functions")
    told = [each for each in all_told(made) if each.kind == "compaction_skipped"]
    assert told
    assert not of_kind(made, "compaction_begins")
    assert not any("migrate_frame" in each.values for each in told)


@pytest.mark.parametrize("name", ["four_blocks", "captured"])
def test_every_value_is_that_of_its_moment(name: str, request: pytest.FixtureRequest) -> None:
    assert wrong_values(request.getfixturevalue(name)) == []
