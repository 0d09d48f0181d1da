"""Three routes on one small machine: what the picture shows is what the routes did."""

from __future__ import annotations

import pytest

from thplab.experiments.routes import ENTRIES, FRAMES
from thplab.export.routes_page import routes_page
from thplab.kernels import PROFILES
from thplab.lessons.runs.routes import recorded, routes, three_routes
from thplab.reading.small_machine import SmallMachine, small_machine

NAMES = ("kcompactd", "fault", "khugepaged")
BEFORE, WORK, AFTER = range(3)


def cut(name: str, at: int, kernel: str = "6.18") -> SmallMachine:
    return next(each for each in routes(kernel) if each.name == name).cuts[at].machine


@pytest.mark.parametrize("kernel", PROFILES)
def test_two_routes_end_in_a_huge_page_and_one_in_a_block(kernel: str) -> None:
    assert [cut(name, AFTER, kernel).huge for name in NAMES] == [False, True, True]
    assert [len(cut(name, AFTER, kernel).whole) for name in NAMES] == [1, 0, 0]
    assert not any(cut(name, BEFORE, kernel).huge for name in NAMES)


def test_kcompactd_moves_four_pages_and_frees_none() -> None:
    assert cut("kcompactd", BEFORE).free == cut("kcompactd", AFTER).free == FRAMES - FRAMES // 4
    assert cut("kcompactd", WORK).frames.count("m") == 2
    assert cut("kcompactd", AFTER).frames.count("m") == ENTRIES // 4
    assert cut("kcompactd", AFTER).arcs == ((0, 3),)


def test_a_fault_copies_nothing() -> None:
    assert cut("fault", WORK).frames.count("z") == ENTRIES
    assert cut("fault", WORK).task == "A"
    assert cut("fault", AFTER).frames.count("0") == 1  # what A wrote


def test_khugepaged_copies_eight_pages_behind_a_fence() -> None:
    work, after = cut("khugepaged", WORK), cut("khugepaged", AFTER)
    assert (work.task, work.fenced, after.fenced) == ("khugepaged", True, False)
    assert work.arcs == ((0, 2), (1, 2))
    assert [after.frames.count(sign) for sign in "0123z"] == [2, 2, 2, 2, ENTRIES // 2]
    assert after.frames.count("n") == 0 < work.frames.count("n")


@pytest.mark.parametrize("name", NAMES)
def test_no_frame_is_lost(name: str) -> None:
    """At rest each frame is free or somebody's."""
    recording = recorded(name)
    for n in (0, len(recording) - 1):
        machine = small_machine(recording, n, "A")
        assert machine.frames.count(".") == machine.free
        assert len(machine.frames) == FRAMES


def test_text_has_all_routes_at_each_moment() -> None:
    widget = three_routes()
    for at, word in enumerate(("before", "at work", "after")):
        lines = widget.text(at).splitlines()
        assert lines[0].startswith(f"{word}: ")
        assert [line.partition(":")[0] for line in lines[1:]] == ["kcompactd", "page fault", "khugepaged"]
    assert widget.text(1) in repr(widget)


def test_page_asks_nobody_and_has_the_text() -> None:
    page = routes_page(three_routes())
    assert "default-src 'none'" in page
    assert "A waited, once" in page.partition("<noscript>")[2].partition("</noscript>")[0]
