"""Questions: keys come from runs, wrong answers get their cause, the same seed gives the same question."""

from __future__ import annotations

from string import ascii_lowercase

import pytest

from tests.sampling import some
from thplab.lessons.catalogue import ask, make, predict, questions
from thplab.lessons.kinds.question import Question
from thplab.lessons.kinds.simple import AnswerError, Choice, Number, Order
from thplab.lessons.widgets.box import QuestionBox
from thplab.mm.include.geometry import X86_64
from thplab.table import Table

WINDOW = X86_64.HPAGE_PMD_NR


def letters(question: Question, *fragments: str) -> str:
    """The letters of the options that contain the fragments."""
    options = question.kind.options
    return " ".join(
        ascii_lowercase[next(i for i, option in enumerate(options) if each in option)] for each in fragments
    )


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 6))])
@pytest.mark.parametrize("name", some(questions(), 35))
def test_every_question_can_be_answered_from_what_it_shows_and_is_the_same_for_everybody(
    name: str, seed: int
) -> None:
    question, again = make(name, seed), make(name, seed)
    kind = question.kind
    assert question.judge(kind.key).right is True
    assert question.prompt
    assert len(set(question.hints)) == 2
    assert question.because
    if kind.options:
        assert len(set(kind.options)) == len(kind.options)
    assert (question.prompt, kind.options, kind.key) == (again.prompt, again.kind.options, again.kind.key)
    assert (question.because, question.hints) == (again.because, again.hints)


@pytest.mark.parametrize(
    "name",
    some(
        [
            "05.caller",
            "05.referenced",
            "05.gfp",
            "05.pfn",
            "05.index",
            "05.order",
            "05.chain",
            "07.stop",
            "07.mirrored",
            "07.limit",
            "07.paint",
            "07.rules",
        ],
        4,
    ),
)
def test_other_seeds_draw_other_questions(name: str) -> None:
    drawn = {(q.prompt, q.kind.options) for q in (make(name, seed) for seed in range(5))}
    assert len(drawn) > 2


def test_an_unknown_question_is_named_with_near_matches() -> None:
    with pytest.raises(ValueError, match=r"no question '05.isolat' \(did you mean 05.isolate\?\)"):
        make("05.isolat")


# The keys, against what the kernels do (not against what the model says).


def test_isolate_frees_nothing() -> None:
    # 6.18: pages are freed in __collapse_huge_page_copy_succeeded
    question = make("05.isolate")
    assert question.kind.right == 0
    said = question.judge(str(WINDOW))
    assert said.right is False
    assert "roll back" in said.message


def test_no_lock_is_held_while_the_huge_page_is_allocated() -> None:
    question = make("05.locks")
    assert question.judge(letters(question, "none")).right is True
    assert "giving it back" in question.judge(letters(question, "reading")).message


def test_order_of_a_collapse() -> None:
    question = make("05.order", 3)
    good = (
        "say yes", "charge it", "for reading", "for writing", "clear the PMD", "off the LRU", "copy",
        "free the base", "PMD leaf",
    )  # fmt: skip
    assert question.judge(letters(question, *good)).right is True
    freed_early = (*good[:6], "free the base", "copy", "PMD leaf")
    assert "contents are safe" in question.judge(letters(question, *freed_early)).message
    assert "through its TLB" in question.judge(letters(question, *good[:4], "copy", "clear the PMD")).message
    assert (
        "may take long" in question.judge(letters(question, "say yes", "clear the PMD", "charge it")).message
    )
    assert "Nothing is glued" in question.judge(letters(question, *good[:6], "glue")).message
    assert "something is missing after the 3" in question.judge(letters(question, *good[:3])).message
    assert "The first 1 are right" in question.judge(letters(question, good[0], good[2])).message


@pytest.mark.parametrize("seed", range(2))
def test_referenced_counts_young_entries(seed: int) -> None:
    # khugepaged: each entry with the accessed mark counts once
    question = make("05.referenced", seed)
    young = question.kind.right
    assert isinstance(young, int)
    assert f"first {young} pages" in question.prompt
    assert "not accesses" in question.judge(str(young * 1000)).message
    assert "clear_refs took" in question.judge(str(WINDOW)).message
    assert "old ones" in question.judge(str(WINDOW - young)).message


@pytest.mark.parametrize("seed", range(2))
def test_budget_after_some_collapses(seed: int) -> None:
    # captures README: a window that was tried to collapse costs 512 + 1, as the mm is entered again
    question = make("05.budget", seed)
    windows = 2 if "2 windows" in question.prompt else 3
    assert question.kind.right == 4096 - (windows - 1) * 513
    assert "visit" in question.judge(str(4096 - (windows - 1) * 512)).message


def test_caller_is_read_from_a_real_stack() -> None:
    for seed in range(8):
        question = make("05.caller", seed)
        daemon = "collapse_huge_page" in question.prompt
        assert question.judge(letters(question, "own thread" if daemon else "page fault")).right is True
        assert "never a huge page" in question.judge(letters(question, "kcompactd")).message


def test_gfp_masks_say_who_works() -> None:
    # include/linux/gfp_types.h: bit 10 is direct reclaim, bit 11 wakes kswapd
    words = {0: "nobody: what", 1: "the caller itself may", 2: "kswapd is woken; the", 3: "both"}
    for seed in range(8):
        question = make("05.gfp", seed)
        mask = int(question.prompt.partition("gfp=")[2].partition(".")[0])
        assert question.judge(letters(question, words[mask >> 10 & 3])).right is True


def test_pfn_of_a_struct_page() -> None:
    for seed in range(2):
        question = make("05.pfn", seed)
        pointer = int(question.prompt.partition("page=")[2].partition(".")[0], 16)
        pfn = (pointer - 0xFFFFEA0000000000) // 64
        assert question.judge(f"{pfn:#x}").right is True
        assert pfn % WINDOW == 0
        assert "distance in bytes" in question.judge(str(pfn * 64)).message
        assert "physical address" in question.judge(str(pfn * 4096)).message


def test_only_the_registered_process_is_scanned() -> None:
    question = make("05.chain", 1)
    assert question.judge(letters(question, "write, then MADV_HUGEPAGE")).right is not None
    right = question.kind.right
    assert isinstance(right, int)
    assert question.kind.options[right] == "write, then MADV_HUGEPAGE"


def test_the_data_moves() -> None:
    question = make("00.where")
    assert question.judge(letters(question, "other frames")).right is True
    assert "glued" in question.judge(letters(question, "same frames")).message


def test_who_works_and_how_many_entries_go() -> None:
    assert make("00.who").judge(letters(make("00.who"), "thread of the kernel")).right is True
    assert "not there yet" in make("00.who").judge(letters(make("00.who"), "page fault")).message
    assert make("00.entries").kind.right == WINDOW
    assert "divide" in make("00.entries").judge("2048").message


# Kinds of answers.


@pytest.mark.parametrize("text", ["42", " 42 ", "0x2a", "0X2A"])
def test_numbers_are_read_as_people_write_them(text: str) -> None:
    assert Number(42).read(text) == 42


def test_large_numbers_may_have_separators() -> None:
    assert (
        Number(0).read("1,048,576") == Number(0).read("1_048_576") == Number(0).read("1 048 576") == 1 << 20
    )


@pytest.mark.parametrize("text", ["", "many", "4.5", "0x"])
def test_what_is_no_number_is_refused_in_words(text: str) -> None:
    with pytest.raises(AnswerError, match="is not a number"):
        Number(1).read(text)


def test_a_choice_is_a_letter() -> None:
    assert Choice(("yes", "no"), 0).read("B") == 1
    with pytest.raises(AnswerError, match="a to b"):
        Choice(("yes", "no"), 0).read("c")
    with pytest.raises(AnswerError, match="a to b"):
        Choice(("yes", "no"), 0).read("ab")


@pytest.mark.parametrize("text", ["cab", "c a b", "c, a, b", "C-A-B"])
def test_an_order_is_letters(text: str) -> None:
    assert Order(("x", "y", "z"), (0, 1, 2)).read(text) == (2, 0, 1)


def test_an_empty_order_is_no_answer() -> None:
    with pytest.raises(AnswerError, match="type letters"):
        Order(("x", "y"), (0, 1)).read(" ")


# The widget.


def test_box_checks_hints_and_reveals() -> None:
    box = ask("05.isolate")
    assert "Try first" in box.reveal()
    assert box.check("nothing").startswith("That is not a valid answer")
    assert box.given == []
    assert box.check("7").startswith("The run gives a different result")
    assert box.hint().startswith("Hint 1")
    assert box.hint().startswith("Hint 2")
    assert box.hint().startswith("Hint 2")
    assert "0 frames" in box.reveal()
    assert box.check(0).startswith("Yes.")
    assert box.given == ["7", "0"]


def test_two_hints_open_the_answer() -> None:
    box = ask("05.isolate")
    box.hint()
    box.hint()
    assert "The run says" in box.reveal()


def test_a_prediction_is_kept_beside_what_happens() -> None:
    box = predict("05.referenced")
    assert isinstance(box, QuestionBox)
    assert "Guess first" in box.reveal()
    said = box.check("5")
    assert "Your prediction: 5 entries" in said
    assert "The run says: " in said


def test_typing_and_clicking() -> None:
    from ipywidgets import Button, HBox, Text

    box = ask("05.order", 3)
    field = next(child for child in box.children if isinstance(child, Text))
    row = next(child for child in box.children if isinstance(child, HBox))
    by_letter = {b.description: b for b in row.children if isinstance(b, Button)}
    by_letter["c"].click()
    by_letter["a"].click()
    assert field.value == "c a"
    assert box.given == []  # clicking letters does not check yet
    field.value = "a b"  # Enter
    assert box.given == ["a b"]


def test_text_form_where_widgets_are_off() -> None:
    box = ask("05.locks")
    bundle = box._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    text = data["text/plain"]
    assert all(option in text for option in box.question.kind.options)
    assert "_.check(" in text
    assert "<" not in box.question.prompt  # text is escaped where it becomes HTML


def test_a_table_unfolds_with_the_answer_and_not_before() -> None:
    table = Table.of(["what"], [("seen",)])
    box = predict("05.referenced", shows=lambda: table)
    assert "seen" not in box.check("what?")
    assert "seen" in box.check("512")
    strict = ask("05.isolate", shows=lambda: table)
    assert "seen" not in strict.check("512")
    assert "seen" in strict.check("0")
