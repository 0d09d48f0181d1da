"""Notebooks 09 and 10: scanners, marks, blocks and lanes, against the numbers of a comb counted by hand."""

from __future__ import annotations

import pytest

from tests.lessons.test_questions import letters
from thplab.lessons.catalogue import make
from thplab.lessons.kinds.classify import Classify
from thplab.lessons.runs.cases import cases_table
from thplab.lessons.runs.scanners import batches, batches_table, blocks_table, comb_run, looks_table
from thplab.lessons.runs.stalls import bills_of_lanes


def test_the_scanners_walk_towards_each_other_until_they_meet() -> None:
    recording = comb_run(100)
    seen = list(batches(recording))
    assert [batch.migrate[0] for batch in seen] == sorted(batch.migrate[0] for batch in seen)
    lowest_target = min(batch.free[0] for batch in seen if batch.free)
    assert max(batch.migrate[1] for batch in seen) == lowest_target == 6 * 512
    assert sum(batch.moved for batch in seen) == 6 * 128  # 1024 used frames fill two blocks; the rest moves
    assert blocks_table(recording).column("after") == (*["512"] * 6, "0", "0")
    assert batches_table(recording).column("in block")[0] == "0"


def test_it_comes_back_after_32_seconds_if_it_was_of_no_use() -> None:
    # HPAGE_FRAG_CHECK_INTERVAL_MSEC << COMPACT_MAX_DEFER_SHIFT: 500 ms times 64
    free, pinned = looks_table(40).rows
    assert free[1] == "0 s"
    assert free[3] == "2"
    assert pinned[1] == "0 s, 32 s"
    assert pinned[3] == "0"


def number(prompt: str, before: str) -> int:
    return int(prompt.partition(before)[2].split()[0].strip(".,;?"))


@pytest.mark.parametrize("seed", range(4))
def test_where_it_stops(seed: int) -> None:
    # Of 6 blocks that can be had b are free: it goes on while the score is above the low mark.
    question = make("09.stop", seed)
    low = 100 - number(question.prompt, "proactiveness is ")
    right = next(b for b in range(7) if b == 6 or 100 * (6 - b) // 6 <= low)
    assert question.judge(str(right)).right is True
    if right != 6:
        assert "perfection costs copies" in question.judge("6").message


def test_copies_and_pins() -> None:
    question = make("09.copies", 1)
    assert question.judge(str(128 * number(question.prompt, "kcompactd makes "))).right is True
    assert "need not move" in question.judge("1024").message
    pins = make("09.pins", 1)
    spoilt = pins.prompt.partition("pinned: ")[2].partition(".")[0].count(",") + 1
    assert pins.judge(str(6 - spoilt)).right is True
    assert pins.judge("6").tag == "M19"


def test_it_starts_above_the_mark_and_not_at_it() -> None:
    # Score 99, high mark 110 - proactiveness: above it from 12 on.
    question = make("09.start", 5)
    values = sorted(int(option) for option in question.kind.options)
    right = min(value for value in values if value >= 12)
    assert question.judge(letters(question, str(right))).right is True
    below = max(value for value in values if value < 12)
    assert "above the mark" in question.judge(letters(question, str(below))).message


def test_kcompactd_maps_nothing_and_works_for_nobody_in_particular() -> None:
    assert make("09.huge").judge("0").right is True
    assert make("09.huge").judge("6").tag == "M2"
    kind = make("09.who", 3).kind
    assert isinstance(kind, Classify)
    who = dict(zip(kind.items, (kind.options[g] for g in kind.right), strict=True))
    assert who["khugepaged, own defrag=1"] == "khugepaged"
    assert who["MADV_COLLAPSE"] == who["fault, defrag=always"] == "the program itself"
    assert who["khugepaged, own defrag=0"] == "nobody"


def test_the_next_batch_begins_where_this_one_ended() -> None:
    question = make("09.batch", 2)
    begin, read = number(question.prompt, "began at frame "), number(question.prompt, "and read ")
    assert question.judge(str(begin + read)).right is True
    assert "in use" in question.judge(str(begin + number(question.prompt, "it took "))).message


# Notebook 10. Lanes as the curriculum has them, corrected by captures/lanes.


def test_results_of_lanes() -> None:
    question = make("10.result", 1)
    kind = question.kind
    assert isinstance(kind, Classify)
    right = dict(zip(kind.items, (kind.options[g] for g in kind.right), strict=True))
    assert right["kcompactd, proactive"] == "free blocks, and no huge page"
    assert right["khugepaged, own defrag=0"] == "an allocation that failed"
    assert right["fault, defrag=defer"].startswith("512 small pages")
    given = ["abcd"[g] for g in kind.right]
    for lane, tag in (("kcompactd, proactive", "M2"), ("khugepaged, own defrag=0", "M1")):
        wrong = list(given)
        wrong[kind.items.index(lane)] = "abcd"[kind.options.index("a huge page")]
        assert question.judge(" ".join(wrong)).tag == tag


def test_prices_waiters_knobs_and_complaints() -> None:
    price = make("10.price", 0)
    daemon = next(o for o in price.kind.options if o not in (
        "fault, defrag=never", "fault, defrag=always", "kcompactd, proactive"))  # fmt: skip
    order = ("defrag=never", "defrag=always", "proactive", daemon)
    assert price.judge(letters(price, *order)).right is True
    knob = make("10.knob", 2)
    assert knob.judge(letters(knob, "khugepaged/defrag")).right is True
    position = knob.kind.options.index("transparent_hugepage/defrag")
    assert knob.judge("abcd"[position]).tag == "M14"
    waits = make("10.waits").kind
    assert isinstance(waits, Classify)
    who = dict(zip(waits.items, (waits.options[g] for g in waits.right), strict=True))
    assert who["fault, defrag=always"] == who["MADV_COLLAPSE"] == "the program"
    assert who["kcompactd, proactive"] == "nobody"
    lanes = {
        "first writes": "defrag=always",
        "every try": "own defrag=0",
        "buddyinfo": "kcompactd",
        "One system call": "MADV_COLLAPSE",
        "some time later": "own defrag=1",
        "nothing ever fails": "defrag=never",
    }
    for seed in range(12):
        question = make("10.complaint", seed)
        lane = next(lane for words, lane in lanes.items() if words in question.prompt)
        assert question.judge(letters(question, lane)).right is True


def test_nine_reasons() -> None:
    table = cases_table()
    assert len(table.rows) == 9
    modelled = [row for row in table.rows if row[2] != "not modelled"]
    assert {row[2] for row in modelled} == {"small"}
    assert {row[3] for row in modelled} == {"huge"}


def test_bills_name_who_paid() -> None:
    bills = bills_of_lanes("B")
    assert [bill.parties() for bill in bills.values()] == [["P"]]
    assert list(bills) == ["B  fault, defrag=always"]
