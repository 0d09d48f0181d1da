"""The text of a page fault's picture, against what is known of the lanes."""

from __future__ import annotations

import pytest

from thplab.experiments.comb import COMB_FRAMES
from thplab.lessons.runs.lanes import run_lanes
from thplab.reading.scenes.fault import QUESTIONS, fault_lines, short_time
from thplab.reading.text import TextTwin
from thplab.recording import Recording

#: Lane B empties one of eight blocks, in each of which every fourth frame is used.
MOVED = 512 // 4


def lane(letter: str) -> Recording:
    return run_lanes(letter, depth="functions", ledger=True).recordings[letter]


def lines(recording: Recording, kind: str, which: int = 0) -> list[str]:
    """The picture in words at a sentence of this kind."""
    all_told = (recording.told_as(n) for n in range(len(recording.sections["t_moment"])))
    moments = [told.moment for told in all_told if told.kind == kind]
    return fault_lines(TextTwin(recording).moment(moments[which]))


def test_nothing_is_known_before_the_first_fault() -> None:
    assert fault_lines(TextTwin(lane("A")).moment(0)) == []


def test_without_a_block_and_without_compaction_pages_are_small() -> None:
    """Lane A: defrag is never, and no block of 512 is free."""
    touch, asked, end = lines(lane("A"), "fault_no_block")
    assert touch == "process P writes to 0x7f0000000000: PMD empty, 0 of 512 entries mapped"
    assert asked == "PMD empty yes, allowed yes, fits yes, block free no, block made no"
    assert end == "the way leads to: small pages; waited 0 µs"


def test_each_next_touch_of_the_window_finds_a_table() -> None:
    touch, asked, end = lines(lane("A"), "fault_done_small", 41)
    assert (
        touch == f"process P writes to {0x7F0000000000 + 42 * 4096:#x}: PMD table, 43 of 512 entries mapped"
    )
    assert asked == "PMD empty no"
    assert end.startswith("mapped: small pages")


def test_a_block_that_is_made_comes_late() -> None:
    recording = lane("B")
    assert COMB_FRAMES == 8 * 512
    touch, asked, end = lines(recording, "fault_done")
    assert touch.endswith("PMD huge, it maps 512 pages")
    assert asked == "PMD empty yes, allowed yes, fits yes, block free no, block made yes, cgroup yes"
    paid = sum(recording.sections["b_ns"])
    assert end == f"mapped: huge, after a wait; waited {short_time(int(paid))}"
    steps, header = recording.sections["b_step"], recording.header["ledger"]
    moves = [i for i, step in enumerate(steps) if header["steps"][step] == "compaction: move a page"]
    assert sum(recording.sections["b_count"][i] for i in moves) == MOVED


@pytest.mark.parametrize(
    ("ns", "words"),
    [(0, "0 µs"), (2567, "2.5 µs"), (92_000, "92.0 µs"), (930_416, "930 µs"), (1_125_926, "1.1 ms")],
)
def test_times_are_short(ns: int, words: str) -> None:
    assert short_time(ns) == words


def test_every_question_has_words() -> None:
    assert len(set(QUESTIONS.values())) == len(QUESTIONS)
