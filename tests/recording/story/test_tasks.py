"""What processes ask for is told with the pages that they ask it for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.recording.small import ADDRESS, WINDOW, machine, touch
from tests.recording.story.telling import of_kind, sentences
from tests.recording.story.test_values import wrong_values
from thplab.machine import Process
from thplab.recording import Recorder, record_scenario

PAGE = 1 << 12

CALLS: list[tuple[Callable[[Process], object], str]] = [
    (
        lambda a: a.madvise(ADDRESS, WINDOW, "hugepage"),
        "Process app calls madvise(MADV_HUGEPAGE) for pages 0 to 7.",
    ),
    (
        lambda a: a.madvise(ADDRESS + PAGE, PAGE, "dontneed"),
        "Process app calls madvise(MADV_DONTNEED) for page 1.",
    ),
    (
        lambda a: a.madvise(ADDRESS, WINDOW, "collapse"),
        "Process app asks for huge pages itself: MADV_COLLAPSE for pages 0 to 7, in its own time.",
    ),
    (lambda a: a.mmap(ADDRESS + 2 * WINDOW, PAGE), "Process app maps page 16 with mmap()."),
    (lambda a: a.munmap(ADDRESS + WINDOW, WINDOW), "Process app unmaps pages 8 to 15 with munmap()."),
    (
        lambda a: a.mprotect(ADDRESS, 2 * PAGE, "r"),
        "Process app changes the protection of pages 0 to 1 to 'r' with mprotect().",
    ),
    (
        lambda a: a.mremap(ADDRESS, WINDOW, WINDOW, ADDRESS + 4 * WINDOW),
        "Process app moves pages 0 to 7 to page 32 with mremap().",
    ),
    (lambda a: a.mlock(ADDRESS, PAGE), "Process app locks page 0 in memory with mlock()."),
    (lambda a: a.munlock(ADDRESS, PAGE), "Process app lets page 0 be reclaimed again with munlock()."),
    (
        lambda a: a.fork("child"),
        "Process app forks, and child is the new process: the two share all pages until one of them writes.",
    ),
    (lambda a: a.exit(), "Process app exits, so its memory goes."),
    (
        lambda a: a.pin(ADDRESS + PAGE),
        "Process app pins page 1: an extra reference, so that the page can't be moved.",
    ),
    (lambda a: a.prctl_thp_disable(), "Process app switches huge pages off for itself with prctl()."),
    (
        lambda a: a.prctl_thp_disable(disable=False),
        "Process app switches huge pages on for itself with prctl().",
    ),
]


@pytest.mark.parametrize(("call", "said"), CALLS, ids=lambda each: each if isinstance(each, str) else "")
def test_a_call_is_told_as_it_begins(call: Callable[[Process], object], said: str) -> None:
    small, app = machine()
    touch(app, 0, 8)
    recorder = Recorder(small.kernel, "functions", focus=(app.mm, ADDRESS))
    with recorder:
        call(app)
    told = sentences(recorder.recording)
    assert said in told
    assert told.index(said) <= 1  # before all that comes of it
    assert wrong_values(recorder.recording) == []


def test_who_runs_is_told_where_it_changes() -> None:
    made = record_scenario("S06.one16", depth="events")
    told = of_kind(made, "runs", "idles")
    assert "khugepaged runs now." in told
    assert told[-1] == "No task runs now."


def test_short_memory_is_told_with_what_is_free() -> None:
    made = record_scenario("S06.nofree", depth="functions")
    told = of_kind(made, "reclaims")
    assert told
    assert all(said.startswith("khugepaged must free memory itself before it goes on") for said in told)


def test_each_page_that_munmap_frees_is_told_with_who_unmaps_what() -> None:
    small, app = machine()
    touch(app, 0, 3)
    recorder = Recorder(small.kernel, "functions", focus=(app.mm, ADDRESS))
    with recorder:
        app.munmap(ADDRESS, 2 * PAGE)
    freed = of_kind(recorder.recording, "page_freed_unmapped")
    assert freed == 2 * [
        "Process app frees 1 page in its munmap() of pages 0 to 1, because nothing refers to it any more."
    ]
    assert wrong_values(recorder.recording) == []
