"""The narrator asks the tellers: at calls, returns, entries of loops, changes and trace lines."""

from __future__ import annotations

import ast
import inspect

import pytest

from tests.recording.small import collapse
from tests.recording.story.telling import all_told
from thplab import points
from thplab.recording import Recording, record_scenario
from thplab.recording.story import LOOPS, tellers
from thplab.recording.story.tellers import at_call, duration
from thplab.recording.story.windows import VERDICT_FUNCTIONS


@pytest.mark.parametrize("name", ["S07.none_411", "note"])
def test_a_trace_line_with_a_verdict_is_told_with_the_sentence_of_its_function(name: str) -> None:
    """The line is printed before the function returns: the reader who goes from trace line to trace line
    hears the verdict there, not what was told before the loop.
    """
    made = record_scenario(name, depth="functions")
    told = {n: made.moment(n).sentence for n in range(len(made)) if made.moment(n).kind == "event"}
    assert told
    for number, sentence in told.items():
        function = made.stack(number)[0].function
        if function in VERDICT_FUNCTIONS:
            returned = made.find("verdict", number, name=function)
            assert returned is not None
            assert sentence == made.moment(returned).sentence


@pytest.mark.parametrize("point", tellers.ENTRIES, ids=lambda point: point.name)
def test_a_loop_begins_where_its_head_stands(point: points.Point) -> None:
    """One loop over the entries in each function that has a teller of them."""
    [line] = LOOPS[id(point.code)]
    lines, first = inspect.getsourcelines(point.function)
    head = lines[line - first].strip()
    assert head.startswith(("for ", "while "))
    assert points.ENTRY in {
        node.id for node in ast.walk(ast.parse(head + "\n  pass")) if isinstance(node, ast.Name)
    }


@pytest.mark.parametrize("depth", ["events", "functions", "lines"])
def test_sentences_stand_in_order_and_one_at_a_moment(depth: str) -> None:
    moments = [told.moment for told in all_told(collapse(depth=depth))]
    assert moments == sorted(set(moments))


def test_entries_need_lines(note: Recording, calls: Recording) -> None:
    entries = {"entry_used", "isolated_entry", "copied_entry", "freed_entry"}
    assert entries <= {told.kind for told in all_told(note)}
    assert not entries & {told.kind for told in all_told(calls)}


def test_of_two_sentences_at_one_moment_the_step_of_the_story_is_told() -> None:
    """A visit ends as khugepaged_mm_lock has been taken again: the lock is a detail."""
    made = collapse(depth="functions")
    left = [told.moment for told in all_told(made) if told.kind == "visit_ends"]
    assert [made.moment(n).function for n in left] == ["khugepaged_scan_mm_slot"] * len(left)


def test_no_point_has_two_tellers() -> None:
    point = next(iter(tellers.CALLS))
    with pytest.raises(ValueError, match="two functions tell what happens at"):
        at_call(point)(lambda local, at: None)


@pytest.mark.parametrize(
    ("ms", "words"), [(1, "1 ms"), (999, "999 ms"), (1000, "1 s"), (1500, "1.5 s"), (1234, "1234 ms")]
)
def test_a_duration_is_for_people(ms: int, words: str) -> None:
    assert duration(ms) == words
