"""Memory, free lists and address spaces as text: against what the model itself says of its frames."""

from __future__ import annotations

import pytest

from thplab.reading.memory import buddy_lines, frame_keys, memory_lines, space_lines
from thplab.reading.text import TextTwin
from thplab.recording import Recording


def test_at_the_start_the_notes_pages_are_counted(note: Recording) -> None:
    """512 pages of data and a table for each of PGD, PUD, PMD and PTE."""
    keys = frame_keys(note.state(0))
    assert keys.count("anon") == 512
    assert keys.count("pagetable") == 4
    assert keys.count("huge") == 0


def test_at_the_end_they_are_one_huge_folio(note: Recording) -> None:
    keys = frame_keys(note.state(len(note) - 1))
    first = keys.index("huge")
    assert keys[first : first + 512] == ["huge"] * 512
    assert keys.count("huge") == 512
    assert keys.count("anon") == 0
    assert (first + note.state(0).path("mem_map.start_pfn")) % 512 == 0


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 1.0])
def test_the_free_frames_are_those_on_the_lists(part: float, note: Recording) -> None:
    scene = TextTwin(note).moment(int(part * (len(note) - 1)))
    zone, *types = buddy_lines(scene)
    told = sum(
        int(count) << int(order)
        for line in types
        for count, order in (each.split("x order ") for each in line.partition(": ")[2].split(", "))
    )
    free = scene.state.path("node.zones")[0]
    assert told == scene.state.get(free, "free_pages")
    assert zone == f"zone Normal: {told} pages free"
    assert frame_keys(scene.state).count("free") == told


def test_a_line_for_each_kind_of_pageblock(note: Recording) -> None:
    lines = memory_lines(TextTwin(note).moment(0))
    assert lines[0] == "pageblock 0, Movable: 508x anonymous page, 4x page table"
    assert "pageblocks 2 to 8, each Movable: 512x free" in lines


def test_windows_of_an_address_space(note: Recording) -> None:
    start, end = (space_lines(TextTwin(note).moment(step)) for step in (0, len(note) - 1))
    assert start[1].endswith(": 1x a table of entries; 7x empty")
    assert end[1].endswith("hugepage: 1x one huge page; 7x empty")
    assert end[0] == "app: 512 pages resident"
