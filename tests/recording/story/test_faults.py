"""A fault is told from the touch to what it maps, and why it is no huge page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.recording.small import ADDRESS, WINDOW, machine, touch
from tests.recording.story.telling import of_kind
from tests.recording.story.test_values import wrong_values
from thplab.machine import Machine, Process
from thplab.recording import Recorder, Recording

PAGE = 1 << 12


def faults(act: Callable[[Process], object], focus: bool = True, **knobs: str) -> Recording:
    """What a process does is recorded; its first window is window 0."""
    small, app = machine()
    for name, value in knobs.items():
        small.write_sysfs(name, value)
    recorder = Recorder(small.kernel, "functions", focus=(app.mm, ADDRESS) if focus else None)
    with recorder:
        act(app)
    return recorder.recording


@pytest.mark.parametrize(("write", "does"), [(True, "writes to"), (False, "reads")])
def test_the_first_touch_of_a_window_is_a_step_of_the_story(write: bool, does: str) -> None:
    made = faults(lambda app: app.write(ADDRESS, 1) if write else app.read(ADDRESS))
    [said] = of_kind(made, "touches", "touches_small")
    assert said.startswith(f"app {does} page 0 and nothing is mapped in window 0, so ")
    assert of_kind(made, "fault_done", "fault_done_small") == [
        "Page 0 is mapped, so app goes on where it was."
    ]


def test_the_next_touches_are_entries() -> None:
    made = faults(lambda app: touch(app, 8, 3))
    assert of_kind(made, "touches")[0].startswith("app writes to page 8 and nothing is mapped in window 1")
    assert [said.partition(",")[0] for said in of_kind(made, "touches_small")] == [
        "app writes to page 9", "app writes to page 10",
    ]  # fmt: skip
    assert len(of_kind(made, "fault_done_small")) == 2


def test_a_huge_page_saves_all_other_faults() -> None:
    made = faults(lambda app: touch(app, 0, 8), enabled="always")
    assert of_kind(made, "fault_allowed") == ["Window 0 may have a huge page, so the fault tries to get one."]
    assert of_kind(made, "fault_huge") == [
        "The fault maps one huge page of 8 frames, so app needs no other fault in window 0."
    ]
    assert len(of_kind(made, "touches", "touches_small")) == 1


def test_the_huge_zero_page_saves_no_write() -> None:
    def act(app: Process) -> None:
        app.read(ADDRESS)
        app.write(ADDRESS, 1)

    made = faults(act, enabled="always")
    [said] = of_kind(made, "fault_huge_zero")
    assert said.startswith(
        "The fault maps the huge zero page, which all share, because app only reads window 0"
    )
    assert len(of_kind(made, "touches", "touches_small")) == 2


def test_a_small_page_says_why() -> None:
    made = faults(lambda app: app.write(ADDRESS, 1), enabled="madvise")
    assert of_kind(made, "fault_refused") == [
        "The fault maps a small page, because enabled is madvise, and MADV_HUGEPAGE was not called."
    ]


def test_without_a_free_block_it_says_how_large_the_largest_is() -> None:
    small = Machine("6.18", memory_pages=128, start_pfn=0x200, entries=8)
    small.set_knobs([("enabled", "never"), ("defrag", "never")])
    app = small.process("app")
    app.mmap(ADDRESS, 32 * WINDOW)
    page = ADDRESS
    while any(small.kernel.zone.nr_free[3:]):
        app.write(page, 1)
        page += PAGE
    small.set_knobs([("enabled", "always")])
    empty = (page + WINDOW) & -WINDOW
    largest = max(1 << order for order, blocks in enumerate(small.kernel.zone.nr_free) if blocks)
    recorder = Recorder(small.kernel, "functions", focus=(app.mm, ADDRESS))
    with recorder:
        app.write(empty, 1)
    assert largest < 8
    [said] = of_kind(recorder.recording, "fault_no_block")
    assert said.startswith("The fault maps a small page, because no 8 free frames in a row were found")
    assert wrong_values(recorder.recording) == []


def test_every_value_is_that_of_its_moment() -> None:
    assert wrong_values(faults(lambda app: touch(app, 0, 4))) == []
    assert wrong_values(faults(lambda app: touch(app, 0, 4), focus=False)) == []
    assert wrong_values(faults(lambda app: (app.read(ADDRESS), touch(app, 0, 4)), enabled="always")) == []
