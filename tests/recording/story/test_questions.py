"""What a scan asks: the model's checks, one after the other, for each kernel."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator

import pytest

from thplab.kernels import PROFILES, ScanResult
from thplab.mm.khugepaged import scan
from thplab.recording.story.questions import OF_ALL, OF_ENTRY, STATES, Question, asks, ended_by


def steps(function: Callable[..., object]) -> Iterator[str]:
    """Results that a function sets, and variables to which it adds one, in the order of the lines."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    found = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "ScanResult"
        ):
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            found.append((node.lineno, node.target.id))
    return (name for _, name in sorted(found))


def of(questions: tuple[Question, ...]) -> list[str]:
    """The same of a list of questions: first it is counted, then the limit is asked."""
    return [
        name
        for question in questions
        for name in (question.counts, *(result.name for result in question.results))
        if name
    ]


def test_each_entry_is_asked_in_the_order_of_the_loop() -> None:
    known = {*of(OF_ENTRY)}
    loop = [name for name in steps(scan.scan_pmd) if name in known]
    # A swapped-out entry is asked whether userfaultfd watches it as soon as it is counted.
    assert loop.count("PTE_UFFD_WP") == 2
    loop.remove("PTE_UFFD_WP")
    assert loop == of(OF_ENTRY)


def test_no_result_of_the_loop_is_without_a_question() -> None:
    results = {name for name in steps(scan.scan_pmd) if name in ScanResult.__members__}
    assert results - {"SUCCEED"} == {result.name for question in OF_ENTRY for result in question.results}


def test_the_last_questions_are_those_of_the_whole_scan() -> None:
    decided = [name for name in steps(scan._verdict_of_a_whole_scan) if name != "SUCCEED"]
    assert decided == of(OF_ALL)


@pytest.mark.parametrize("kernel", sorted(PROFILES))
def test_a_kernel_asks_what_it_refuses_for(kernel: str) -> None:
    profile = PROFILES[kernel]
    asked = {*asks((*OF_ENTRY, *OF_ALL), profile, True).split()}
    assert ("wanted" in asked) == profile.refuses_lazyfree
    assert ("writable" in asked) == profile.needs_writable_pte
    ends = {result for each in (*OF_ENTRY, *OF_ALL) if each.key in asked for result in each.results}
    assert ends <= {*profile.results}


def test_madvise_does_not_ask_what_was_used() -> None:
    profile = PROFILES["7.3"]
    only = {*asks(OF_ENTRY, profile, True).split()} - {*asks(OF_ENTRY, profile, False).split()}
    assert only == {"wanted", "used"}
    assert asks(OF_ALL, profile, False) == ""


def test_a_result_belongs_to_the_question_that_was_answered_with_no() -> None:
    assert ended_by(ScanResult.EXCEED_SHARED_PTE) == "unshared"
    assert ended_by(ScanResult.LACK_REFERENCED_PAGE) == "enough"
    assert ended_by(ScanResult.PMD_NULL) == "table"


def test_a_state_leaves_the_loop_at_a_question() -> None:
    keys = {question.key for question in OF_ENTRY}
    assert {state.leaves for state in STATES.values()} <= keys | {""}


@pytest.mark.parametrize("question", [*OF_ENTRY, *OF_ALL], ids=lambda question: question.key)
def test_the_words_fit_their_box(question: Question) -> None:
    most = 12 if question in OF_ENTRY else 24
    assert len(question.words) <= most
    assert question.words.endswith("?")
    assert len(question.looks_at) <= 12
