"""Classify, stop, paint and code: how answers are read, judged, and what is said to wrong ones."""

from __future__ import annotations

from random import Random

import pytest

from thplab.lessons import pairs_table, thresholds, versions_table
from thplab.lessons.catalogue import ask, make
from thplab.lessons.kinds.classify import Classify
from thplab.lessons.kinds.simple import AnswerError
from thplab.lessons.kinds.stopping import Stop
from thplab.lessons.runs.looking import look
from thplab.lessons.widgets.fields import CodeField, GroupsField, StopField
from thplab.lessons.widgets.paint_field import PaintField

# Classify.

FRUIT = Classify(("plum", "leek", "pear"), ("fruit", "other"), (0, 1, 0))


def test_a_letter_for_each_thing() -> None:
    assert FRUIT.read("a b a") == FRUIT.read("ABA") == (0, 1, 0)
    assert FRUIT.accepts((0, 1, 0))
    assert FRUIT.gap((0, 0, 1)) == "1 of 3 are right. Look again at: leek."
    assert FRUIT.show((0, 1, 0)).splitlines()[1] == "leek: other"
    assert "1. plum" in FRUIT.listing


@pytest.mark.parametrize(("text", "complaint"), [("a b", "2 letters for 3 things"), ("a b c", "a to b")])
def test_what_is_no_sorting_is_refused_in_words(text: str, complaint: str) -> None:
    with pytest.raises(AnswerError, match=complaint):
        FRUIT.read(text)


def test_a_drawn_sorting_keeps_each_thing_in_its_group() -> None:
    group_of = {"plum": "fruit", "leek": "other", "pear": "fruit", "kale": "other"}
    drawn = Classify.shuffled(Random(3), group_of, 3)
    assert len(drawn.items) == 3
    assert [drawn.options[g] for g in drawn.right] == [group_of[item] for item in drawn.items]


# Stop: a result, and the entry that decided.

HOLES = Stop(("exceed_none_pte", 411))


@pytest.mark.parametrize(
    "text",
    ["exceed_none_pte 411", "SCAN_EXCEED_NONE_PTE, 411", "exceed_none_pte @411", "Exceed_None_Pte:411"],
)
def test_a_result_goes_by_its_word_or_its_constant(text: str) -> None:
    assert HOLES.accepts(HOLES.read(text))


@pytest.mark.parametrize("text", ["succeeded", "succeed -", "SCAN_SUCCEED none"])
def test_no_entry_is_named_where_all_were_read(text: str) -> None:
    assert Stop(("succeeded", None)).accepts(HOLES.read(text))


def test_what_is_no_result_is_refused_with_near_ones() -> None:
    with pytest.raises(AnswerError, match=r"not a result of Linux 6.18 \(did you mean .*exceed_none_pte\?\)"):
        HOLES.read("exceeds_none_pte 3")
    with pytest.raises(AnswerError, match="'x' is no entry's index"):
        HOLES.read("page_locked x")
    with pytest.raises(AnswerError, match=r"not a result of Linux 7\.3"):
        Stop(("succeeded", None), "7.3").read("pmd_none")


def test_near_misses_are_told_apart() -> None:
    assert "index 0" in HOLES.gap(("exceed_none_pte", 412))
    assert "at which entry" in HOLES.gap(("exceed_none_pte", None))
    assert "did not stop at entry 9" in HOLES.gap(("exceed_none_pte", 9))
    assert "The entry is right" in HOLES.gap(("page_locked", 411))
    assert "all of them were read" in Stop(("succeeded", None)).gap(("succeeded", 3))


# The kernel's rules, as selftests and captures have them: limit passes, limit + 1 does not; first veto wins.


@pytest.mark.parametrize(
    ("text", "knobs", "status", "stopped"),
    [
        ("100x young, 412x none", {"max_ptes_none": 411}, "exceed_none_pte", 511),
        ("412x none, 100x young", {"max_ptes_none": 411}, "exceed_none_pte", 411),
        ("100x young, 412x none", {"max_ptes_none": 412}, "succeeded", None),
        ("64x swap, 448x young", {}, "succeeded", None),
        ("65x swap, 447x young", {}, "exceed_swap_pte", 64),
        ("64x swap, 255x young, 193x old", {}, "lack_referenced_page", None),
        ("10x young, 1x pinned, 501x none", {"max_ptes_none": 411}, "not_suitable_page_count", 10),
        ("512x huge", {}, "page_pmd_mapped", None),
    ],
)
def test_a_look_says_what_the_kernel_says(
    text: str, knobs: dict[str, int], status: str, stopped: int | None
) -> None:
    seen = look(text, **knobs)  # type: ignore[arg-type]
    assert (seen.status, seen.stopped) == (status, stopped)


def test_a_later_veto_is_recognised() -> None:
    question = make("07.stop", 2)
    assert "1x pinned, 237x none" in question.prompt  # the pinned page is entry 78, the 201st hole entry 279
    said = question.judge("exceed_none_pte 279")
    assert said.right is False
    assert said.tag == "M30"
    assert "never got that far" in said.message


def test_the_least_limit_is_the_number_of_holes() -> None:
    question = make("07.limit", 1)
    assert "318x none, 56x old, 33x zero" in question.prompt
    assert question.kind.key == "351"
    assert question.judge(str(512 - 351)).tag == "M6"
    assert "zero page counts" in question.judge("318").message


def test_half_must_be_in_use_if_some_are_swapped_out() -> None:
    question = make("07.in_use")
    assert question.kind.key == "256"
    assert question.judge("1").tag == "M27"


def test_the_rules_are_asked_in_the_kernels_order() -> None:
    # 6.18: uffd-wp, then shared, LRU, locked, references
    question = make("07.rules", 1)
    kind = question.kind
    order = [kind.options[i] for i in kind.read(kind.key)]  # type: ignore[attr-defined]
    assert [words.split()[0].strip("?") for words in order] == [
        "write-protected",
        "shared,",
        "on",
        "locked",
        "held",
    ]


# Paint.


def test_a_painted_window_is_judged_by_the_run() -> None:
    question = make("07.paint", 1)
    assert "pte_uffd_wp at entry 207" in question.prompt
    assert question.judge("207x young, 1x uffd, 304x young").right is True
    assert "it should be entry 207" in question.judge("206x young, 1x uffd, 305x young").message
    assert "It should be pte_uffd_wp" in question.judge("512x young").message
    assert "207 pages are young; 400 should be" in question.judge("207x young, 1x uffd, 304x old").message
    assert question.judge("12x young").message.startswith("That is not a valid answer: window '12x young'")


def test_painting_with_the_brush() -> None:
    field = ask("07.paint").field
    assert isinstance(field, PaintField)
    field.brush.value, field.first.value, field.last.value = "swap", 100, 163
    field.button.click()
    assert field.value == "100x young, 64x swap, 348x young"
    assert "SSSS" in field.picture.value
    field.text.value = "512x none"
    assert "SSSS" not in field.picture.value
    field.text.value = "nonsense"
    field.button.click()  # what can't be read stays as it is
    assert field.value == "nonsense"


# Code: more of it in test_code.py.


def test_the_hole_counter_must_know_the_zero_page_and_the_limit() -> None:
    question = make("07.code")
    key = question.kind.key
    assert "yours says" in question.judge(key.replace('("none", "zero")', '("none",)')).message
    assert "yours says" in question.judge(key.replace("holes > limit", "holes >= limit")).message


# The fields.


def test_each_kind_has_a_field_that_makes_its_text() -> None:
    groups = GroupsField(FRUIT)
    for chooser, letter in zip(groups.lists, "aba", strict=True):
        chooser.value = letter
    assert groups.value == "a b a"
    stop = ask("07.stop").field
    assert isinstance(stop, StopField)
    stop.result.value, stop.entry.value = "page_locked", "17"
    assert stop.value == "page_locked 17"
    code = ask("07.code").field
    assert isinstance(code, CodeField)
    assert code.value.startswith("def stop(")


def test_enter_checks_what_the_field_says() -> None:
    box = ask("07.stop", 2)
    assert isinstance(box.field, StopField)
    box.field.result.value = "not_suitable_page_count"
    box.field.entry.value = "78"
    assert box.given == ["not_suitable_page_count 78"]


def test_another_draws_the_next_seed_into_the_same_box() -> None:
    box = ask("07.stop", 2)
    box.check("page_locked 1")
    text = box.another()
    assert "seed 3" in text
    assert box.question.prompt == make("07.stop", 3).prompt
    assert box.given == []


@pytest.mark.parametrize("name", ["07.stop", "07.paint", "07.code"])
def test_text_form_lists_what_there_is_to_choose(name: str) -> None:
    box = ask(name)
    assert all(line in box.text() for line in box.question.kind.listing)


# Sorting results, and the tables of notebook 07.


def test_results_are_sorted_by_what_the_kernels_do() -> None:
    question = make("07.errno", 1)
    shown = question.kind.show(question.kind.right)
    assert "not_suitable_page_count: EAGAIN" in shown
    assert "exceed_swap_pte: 0" in shown
    assert "pmd_none: EINVAL" in shown
    zero = next(i for i, option in enumerate(question.kind.options) if option.startswith("0:"))
    other = "ab"[zero == 0]
    assert "binds only khugepaged" in question.judge(" ".join([other] * 5)).message
    versions = make("07.versions", 2)
    assert "read-only" in versions.prompt
    assert versions.kind.show(versions.kind.right).count("no_writable_page") == 2  # 6.1 and 6.12


def test_pairs_differ_by_one_and_so_do_their_verdicts() -> None:
    table = pairs_table()
    verdicts = dict(zip(table.column("scenario"), table.column("verdict"), strict=True))
    assert verdicts["S07.none_412"] == verdicts["S07.swap64"] == verdicts["S07.shared256"] == "succeeded"
    stops = dict(zip(table.column("scenario"), table.column("stopped at"), strict=True))
    assert stops["S07.none_411"] == "511"  # in a VMA with more windows behind this one
    assert (stops["S07.swap65"], stops["S07.shared257"], stops["S07.old"]) == ("64", "256", "read all")
    lazy = dict(zip(versions_table().heads, versions_table().rows[1], strict=True))
    assert (lazy["6.18"], lazy["7.3"]) == ("succeeded", "page_lazyfree")


def test_sliders_move_the_limits_and_the_model_answers() -> None:
    shown = thresholds("100x young, 412x none", max_ptes_none=411)
    assert "exceed_none_pte: the scan stopped at entry 511" in shown.text()
    shown.limits["max_ptes_none"].value = 412
    assert "succeeded" in shown.text()
    before = shown.text()
    shown.window.value = "100x nonsense"
    assert "is not accepted" in shown._picture.value
    assert before.splitlines()[1] in shown.text()
