"""Three routes on one small machine: what the picture shows is what the routes did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from thplab.experiments.routes import ENTRIES, FRAMES, WINDOW, SmallRoute, route
from thplab.export.routes_page import routes_page
from thplab.kernels import PROFILES
from thplab.lessons.runs.route_words import foot, sentences, waits
from thplab.lessons.runs.routes import PROGRAM, facts_of, record, recorded, routes, side_by_side, three_routes
from thplab.reading.route import RouteFacts, read_route
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
    assert "huge at once; A waited" in page.partition("<noscript>")[2].partition("</noscript>")[0]


# the words are those of the run: in another run they are others ------------------------------------------


def read(small: SmallRoute) -> RouteFacts:
    return read_route(record(small), PROGRAM)


def fault_without_a_block(*, may_compact: bool) -> RouteFacts:
    """A's first touch on the machine on which kcompactd has not worked yet."""
    small = route("kcompactd")
    if may_compact:
        small.process.madvise(WINDOW, ENTRIES * 4096, "hugepage")
    return read(replace(small, name="fault", act=lambda: small.process.write(WINDOW, 1)))


def refused_for_a_pin() -> RouteFacts:
    small = route("khugepaged")
    small.process.pin(WINDOW)
    return read(small)


def test_a_fault_that_finds_a_block_clears_it() -> None:
    facts = facts_of("fault")
    assert (facts.worker, facts.in_fault, facts.total.moved, facts.total.cleared) == ("A", True, 0, ENTRIES)
    assert waits(facts, WORK) == "A, in its own fault"
    assert foot(facts, WORK) == ("fills 16 frames with zeros", "nothing is copied")
    assert foot(facts, AFTER) == ("huge at once; A waited", "16 frames filled with zeros")


def test_a_fault_that_finds_none_moves_pages_first() -> None:
    facts = fault_without_a_block(may_compact=True)
    assert facts.worker == "A"
    assert foot(facts, BEFORE) == ("48 frames are free", "but no block of 16 is all free")
    assert foot(facts, WORK) == ("empties a block", "2 pages of B moved so far")
    assert foot(facts, AFTER) == ("huge at once; A waited", "4 pages moved, 16 zeroed")


def test_a_fault_that_may_not_make_room_gets_a_small_page() -> None:
    facts = fault_without_a_block(may_compact=False)
    assert foot(facts, WORK)[0] == "fills 1 frame with zeros"
    assert foot(facts, AFTER)[0] == "not huge; A waited"
    *_, (bold, rest) = sentences([("page fault", facts), ("khugepaged", facts_of("khugepaged"))])
    assert (bold, rest) == (
        "Huge in the end: khugepaged.",
        " One entry maps 16 pages there. page fault: 1 small page.",
    )


def test_khugepaged_is_refused_and_nobody_waits() -> None:
    facts = refused_for_a_pin()
    assert (facts.worker, facts.refused, facts.total.copied) == ("khugepaged", "not pinned?", 0)
    assert waits(facts, WORK) == "nobody"
    assert foot(facts, WORK)[0] == "reads what is there"
    assert foot(facts, AFTER) == ("not huge: refused", "“not pinned?” no")


def test_headlines_count_those_that_came_to_a_huge_page() -> None:
    titled = [(name, facts_of(name)) for name in NAMES]
    before, work, after = sentences(titled)
    assert "3 ways" in before[1]
    assert "On 2 of them" in before[1]
    assert work[1].endswith("khugepaged: A, but only if it touches the window now.")
    assert after[0] == "Huge in the end: fault and khugepaged."
    assert after[1].startswith(f" One entry maps {ENTRIES} pages there.")
    assert " kcompactd: nothing huge, but 1 free block" in after[1]
    before, work, after = sentences([*titled[:1], ("khugepaged", refused_for_a_pin())])
    assert "On 1 of them" in before[1]
    assert work[1] == " kcompactd: nobody; khugepaged: nobody."
    assert after[0] == "Nothing is huge in the end."
    assert "khugepaged: refused" in after[1]


def test_a_kcompactd_that_is_not_woken_wins_no_block() -> None:
    small = route("kcompactd")
    facts = read(replace(small, act=lambda: small.machine.write_sysctl("compaction_proactiveness", 0)))
    assert (facts.worker, facts.gained) == ("", 0)
    assert foot(facts, WORK)[0] == "nobody works"
    assert foot(facts, AFTER) == ("not huge, no free block", "nothing moved")


def test_who_waits_for_a_lock_is_named_with_it() -> None:
    facts = replace(facts_of("khugepaged"), waited=(("A", "mmap_lock of A (read)"),))
    assert waits(facts, WORK) == "A, for a lock"
    assert sentences([("khugepaged", facts)])[1][1] == " khugepaged: A, for mmap_lock of A (read)."
    assert foot(facts, AFTER)[0] == "huge, later; A had to wait"


def test_picture_and_text_of_another_run_have_its_words() -> None:
    widget = side_by_side({"khugepaged": refused_for_a_pin()})
    (drawn,) = widget.data["routes"]
    assert [cut["end"] for cut in drawn["cuts"]] == ["", "", "nothing"]
    assert "not huge: refused" in widget.text(AFTER)


def test_at_work_no_more_is_on_its_way_than_must_be() -> None:
    assert cut("kcompactd", WORK).frames.count("n") == 0
    assert cut("khugepaged", WORK).frames.count("n") == ENTRIES - 4
