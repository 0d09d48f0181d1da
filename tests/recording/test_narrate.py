"""Sentences say why: locks, allocations, the PMD, freed pages, the cursor, sleep."""

from __future__ import annotations

import ast
import inspect
from unittest import mock

import pytest

from tests.recording.small import advise, collapse, machine, touch
from tests.recording.test_verdicts import sentences
from thplab import points
from thplab.mm.include.mm_types import VM_HUGEPAGE
from thplab.mm.khugepaged import pages as collapse_pages
from thplab.mm.khugepaged.enter import khugepaged_enter_vma
from thplab.recording import Recorder, Recording, lock_words, narrate, record_scenario, verdicts
from thplab.recording.lock_words import lock_sentence


@pytest.fixture(scope="module")
def made() -> Recording:
    return collapse()


def said_at(made: Recording, kind: str, function: str) -> list[str]:
    found, n = [], made.find(kind, -1, name=function)
    while n is not None:
        found.append(made.moment(n).sentence)
        n = made.find(kind, n, name=function)
    return found


@pytest.mark.parametrize("function", ["down_read", "down_write", "up_read", "up_write"])
def test_each_lock_taken_or_given_back_says_why(function: str, made: Recording) -> None:
    said = said_at(made, "call", function)
    assert said
    for sentence in said:
        verb = "Release" if function.startswith("up") else "Take"
        assert sentence.startswith(verb)
        assert ": " in sentence, sentence
        assert sentence.endswith(".")


def test_mmap_lock_is_given_back_for_the_allocation(made: Recording) -> None:
    assert "Release mmap_lock app: an allocation may take long, and nobody should wait for it." in sentences(
        made
    )


def test_a_lock_that_is_not_to_be_had_names_its_holder() -> None:
    small, app = machine()
    touch(app, 0, 8)
    app.mm.mmap_lock.writer = "somebody"
    recorder = Recorder(small.kernel)
    vma = app.mm.vmas[0]
    vma.vm_flags |= VM_HUGEPAGE
    with recorder:
        khugepaged_enter_vma(vma, vma.vm_flags)
        small.run_ready()
    assert any("is held for writing by somebody: not now" in said for said in sentences(recorder.recording))


def test_the_pmd_is_cleared_and_set_with_its_reason(made: Recording) -> None:
    said = said_at(made, "call", "set_pmd_at")
    assert "leads nowhere now" in said[0]
    assert said[-1].startswith("Set the PMD as a leaf: this one entry maps all pages from pfn 0x")


def test_each_freed_page_says_why(made: Recording) -> None:
    assert (
        said_at(made, "call", "__free_pages")
        == ["Nobody refers to it any more: the page goes back to the allocator."] * 8
    )


def test_the_folio_that_was_obtained_is_named(made: Recording) -> None:
    [said] = said_at(made, "return", "__folio_alloc")
    assert said.startswith("A folio of 8 pages is allocated: pfn 0x")


def test_the_cursor_and_the_counters_speak_when_they_change(made: Recording) -> None:
    said = sentences(made)
    assert any(sentence.startswith("The cursor moves on to 0x") for sentence in said)
    assert "pages_collapsed is 1 now." in said
    assert any("full scan number" in sentence for sentence in said)


def test_sleep_begins_and_ends_with_its_reason() -> None:
    small, app = machine()
    touch(app, 0, 3)
    advise(app)
    recorder = Recorder(small.kernel)
    with recorder:
        small.wake_khugepaged()
        small.run_for(10_001)
    said = sentences(recorder.recording)
    assert "khugepaged wakes up: somebody has woken it." in said
    assert "khugepaged wakes up: its time is over." in said
    assert "The pass is over. khugepaged sleeps 10000 ms, or until it is woken." in said


def test_a_rollback_is_told() -> None:
    small, app = machine(max_ptes_none=7)
    touch(app, 0, 8)
    recorder = Recorder(small.kernel)

    real = collapse_pages.folio_isolate_lru
    taken: list[int] = []

    def third_is_gone(mem_map: object, folio: int) -> bool:
        taken.append(folio)
        return len(taken) != 3 and real(mem_map, folio)  # type: ignore[arg-type]

    with mock.patch.object(collapse_pages, "folio_isolate_lru", third_is_gone), recorder:
        advise(app)
    said = sentences(recorder.recording)
    assert "Entry 2: somebody else took the page off the LRU first." in said
    assert "Rollback: 2 pages go back on the LRU, unlocked." in said
    assert "Rollback: the PMD points at the old table again." in said
    assert any("'could_not_delete_page_from_lru'" in sentence for sentence in said)


@pytest.mark.parametrize("name", ["S07.none_411", "note"])
def test_a_trace_line_with_a_verdict_is_told_with_the_sentence_of_its_function(name: str) -> None:
    """The line is printed before the function returns: the reader who goes from trace line to trace line
    hears the verdict there, not what was said before the loop.
    """
    made = record_scenario(name, depth="functions")
    told = {n: made.moment(n).sentence for n in range(len(made)) if made.moment(n).kind == "event"}
    assert told
    for number, sentence in told.items():
        function = made.stack(number)[0].function
        if function in verdicts.VERDICT_FUNCTIONS:
            returned = made.find("verdict", number, name=function)
            assert returned is not None
            assert sentence == made.moment(returned).sentence


@pytest.mark.parametrize("module", [narrate, verdicts, lock_words])
def test_no_sentence_hangs_on_a_line_number(module: object) -> None:
    names = {
        node.attr
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Attribute)
    }  # type: ignore[arg-type]
    assert not names & {"f_lineno", "lineno", "co_firstlineno", "line"}


def test_an_unknown_lock_still_has_a_sentence() -> None:
    assert lock_sentence(points.DOWN_WRITE, "strange lock", None) == "Take strange lock for writing."
    assert (
        lock_sentence(points.UP_WRITE, "strange lock", None)
        == "Release strange lock: what it guarded is done."
    )
