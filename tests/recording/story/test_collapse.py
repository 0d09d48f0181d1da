"""A collapse is told phase by phase and entry by entry; so is its way back."""

from __future__ import annotations

from itertools import pairwise
from unittest import mock

import pytest

from tests.recording.small import advise, collapse, machine, touch
from tests.recording.story.telling import all_told, of_kind, recorded, sentences, told_at
from thplab import points
from thplab.mm.khugepaged import pages as collapse_pages
from thplab.phases import PHASES
from thplab.recording import Recorder, Recording
from thplab.recording.story import Rank
from thplab.scenario import NAMED

#: Phase of a collapse -> what is told when it is done.
DONE = {
    "get memory": "found_memory", "re-check": "still_there", "fence": "fenced", "isolate": "isolated",
    "copy": "copied", "free": "freed", "publish": "published",
}  # fmt: skip


@pytest.fixture(scope="module")
def made() -> Recording:
    return collapse()


@pytest.fixture(scope="module")
def with_holes() -> Recording:
    """Five pages and three holes."""
    return collapse(pages=5)


def stops(recording: Recording) -> list[int]:
    """Where the story stops: without the first and the last moment, which belong to every granularity."""
    return list(recording.sections["g_event"])[1:-1]


def told_on_the_way(recording: Recording) -> list[str]:
    """The kinds of the stops from the first window that is read to the end of its collapse."""
    kinds = [told.kind for n in stops(recording) if (told := recording.told(n)) is not None]
    first = kinds.index("reads")
    return kinds[first : kinds.index("lets_in", first) + 1]


def said_again(recording: Recording) -> list[str]:
    """What a stop of the story says that the one before it has said."""
    said = [recording.sentence(n) for n in stops(recording)]
    return [sentence for sentence, following in pairwise(said) if sentence == following]


def test_each_phase_ends_with_a_sentence_in_order(made: Recording) -> None:
    kinds = [told.kind for told in all_told(made)]
    where = [kinds.index(kind) for kind in DONE.values()]
    assert where == sorted(where)
    assert set(DONE) <= {phase.step.partition(" ")[2] for phase in PHASES}


def test_the_story_of_a_collapse_has_as_many_stops_as_one_can_tell(note: Recording) -> None:
    assert 10 <= len(told_on_the_way(note)) <= 22


def test_every_phase_is_a_stop_of_the_story(note: Recording) -> None:
    told = told_on_the_way(note)
    assert [kind for kind in told if kind in DONE.values()] == list(DONE.values())


@pytest.mark.parametrize("name", ["note", "refused"])
def test_a_stop_of_the_story_says_something_new(name: str, request: pytest.FixtureRequest) -> None:
    assert said_again(request.getfixturevalue(name)) == []


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in NAMED if name != "S06.AB"])
def test_a_stop_of_the_story_of_each_scenario_says_something_new(name: str) -> None:
    assert said_again(recorded(name)) == []


def test_at_a_stop_of_the_story_a_step_of_it_is_told(note: Recording) -> None:
    for n in stops(note):
        told = note.told(n)
        assert told is not None
        assert (told.moment, told.rank) == (n, Rank.STORY)


def test_the_pmd_is_cleared_and_set_with_its_reason(made: Recording) -> None:
    said = told_at(made, "return", points.SET_PMD)
    assert said[0].endswith("is cleared, so it leads nowhere now.")
    assert said[-1].startswith("A PMD entry becomes a leaf: this one entry maps all frames from 0x")


def test_each_freed_page_says_why(made: Recording) -> None:
    said = "1 page goes back to the allocator, because nothing refers to it any more."
    assert told_at(made, "return", points.FREE_PAGES) == [said] * 8


def test_the_folio_that_was_obtained_is_named(made: Recording) -> None:
    [said] = told_at(made, "return", points.FOLIO_ALLOC)
    assert said.startswith("A folio of 8 pages is allocated, from frame 0x")
    assert said.endswith("khugepaged holds the one reference to it.")


def test_entries_are_isolated_copied_and_let_go_of_one_by_one(with_holes: Recording) -> None:
    """Holes are passed by, filled with zeros, and have nothing to let go of."""
    assert of_kind(with_holes, "isolated_entry", "isolated_hole") == [
        *(f"The page of entry {n} is locked and off its LRU list; it is not freed." for n in range(5)),
        *(f"Entry {n} is a hole, so there is no page to isolate: {n - 4} so far." for n in range(5, 8)),
    ]
    assert of_kind(with_holes, "copied_entry", "zeroed_entry", "half_copied") == [
        *(f"The contents of entry {n} are in the new block now." for n in range(3)),
        "Half of window 0 is copied: the old pages still hold the same contents.",
        "The contents of entry 4 are in the new block now.",
        *(f"Entry {n} is a hole, so its place in the new block is filled with zeros." for n in range(5, 8)),
    ]
    assert of_kind(with_holes, "freed_entry", "freed_hole") == [
        *(f"Entry {n} is cleared and lets go of its old page." for n in range(5)),
        *(f"Entry {n} was a hole, so it has no old page to let go of." for n in range(5, 8)),
    ]


def test_what_is_swapped_out_is_read_in_entry_by_entry() -> None:
    small, app = machine(max_ptes_swap=2)
    touch(app, 0, 8)
    app.madvise(64 * (8 << 12) + (3 << 12), 2 << 12, "pageout")
    recorder = Recorder(small.kernel, "lines")
    with recorder:
        advise(app)
    told = of_kind(recorder.recording, "reads_in", "read_in", "swapped_in")
    assert told[0].startswith(
        "khugepaged reads what is swapped out of the window at 0x200000 back into memory"
    )
    assert told[1:3] == [f"The page of entry {n} was swapped out and is in memory again." for n in (3, 4)]
    assert set(told[3:]) == {"All that was swapped out of the window at 0x200000 is in memory again."}


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
    assert "Entry 2 maps a page that another task took off the LRU list first." in said
    [back] = of_kind(recorder.recording, "puts_back")
    assert back.startswith("2 pages are unlocked and back on the LRU lists, ")
    [again] = of_kind(recorder.recording, "repopulated")
    assert again == (
        "The PMD entry points at the old table again, "
        "so process app reaches the window at 0x200000 as before."
    )
    assert any("'could_not_delete_page_from_lru'" in sentence for sentence in said)
