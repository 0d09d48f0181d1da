"""A fault is told from the touch to what it maps, and why it is no huge page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.recording.small import ADDRESS, WINDOW, machine, touch
from tests.recording.story.telling import all_told, of_kind
from tests.recording.story.test_claims import false_sentences
from tests.recording.story.test_values import wrong_values
from thplab.lessons.runs.lanes import run_lanes
from thplab.machine import Machine, Process
from thplab.mm.include.errors import KernelError
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
    assert said.startswith(f"Process app {does} page 0 and nothing is mapped in window 0, so ")
    assert of_kind(made, "fault_done", "fault_done_small") == [
        "Page 0 is mapped, so process app goes on where it was."
    ]


def test_the_next_touches_are_entries() -> None:
    made = faults(lambda app: touch(app, 8, 3))
    assert of_kind(made, "touches")[0].startswith(
        "Process app writes to page 8 and nothing is mapped in window 1"
    )
    assert [said.partition(",")[0] for said in of_kind(made, "touches_small")] == [
        "Process app writes to page 9", "Process app writes to page 10",
    ]  # fmt: skip
    assert all("which is not mapped yet" in said for said in of_kind(made, "touches_small"))
    assert len(of_kind(made, "fault_done_small")) == 2


def test_a_huge_page_saves_all_other_faults() -> None:
    made = faults(lambda app: touch(app, 0, 8), enabled="always")
    assert of_kind(made, "fault_allowed") == [
        "This mapping of process app may have huge pages, because enabled is always."
    ]
    assert of_kind(made, "fault_huge") == [
        "The fault maps one huge page of 8 frames, so process app needs no other fault in window 0."
    ]
    assert len(of_kind(made, "touches", "touches_small")) == 1


def test_the_huge_zero_page_saves_no_write() -> None:
    def act(app: Process) -> None:
        app.read(ADDRESS)
        app.write(ADDRESS, 1)

    made = faults(act, enabled="always")
    [said] = of_kind(made, "fault_huge_zero")
    assert said.startswith(
        "The fault maps the huge zero page, which all share, because process app only reads window 0"
    )
    assert len(of_kind(made, "touches", "touches_small")) == 2


def answers(made: Recording) -> list[str]:
    """The kinds of what is told between a touch and its end."""
    return [told.kind for told in all_told(made) if told.kind.startswith("fault_")]


def test_the_questions_are_told_in_the_order_in_which_they_are_asked() -> None:
    made = faults(lambda app: app.write(ADDRESS, 1), enabled="always")
    asked = ["fault_allowed", "fault_whole", "fault_block", "fault_no_limit"]
    assert answers(made) == [*asked, "fault_huge", "fault_done"]


def test_a_window_that_is_not_all_mapped_gets_small_pages() -> None:
    def act(app: Process) -> None:
        app.munmap(ADDRESS + PAGE, PAGE)
        app.write(ADDRESS, 1)

    made = faults(act, enabled="always")
    assert answers(made) == ["fault_allowed", "fault_partial", "fault_done"]
    assert of_kind(made, "fault_partial") == [
        "The fault maps no huge page, because only a part of window 0 lies in this mapping."
    ]


def test_a_full_cgroup_is_not_called_a_missing_block() -> None:
    small, app = machine()
    group = small.cgroup("limited")
    group.max = 4
    app.enter_cgroup(group)
    small.write_sysfs("enabled", "always")
    recorder = Recorder(small.kernel, "functions", focus=(app.mm, ADDRESS))
    with recorder:
        app.write(ADDRESS, 1)
    asked = ["fault_allowed", "fault_whole", "fault_block", "fault_no_room"]
    assert answers(recorder.recording) == [*asked, "fault_done"]
    [said] = of_kind(recorder.recording, "fault_no_room")
    assert said.endswith(
        "the memory cgroup of process app has no room for 8 more pages: 0 of its 4 are used."
    )
    assert not [wrong for wrong in wrong_values(recorder.recording) if " fault_" in wrong]


def test_a_block_that_the_fault_makes_itself_is_told_with_its_price() -> None:
    """Lane B: 128 of the 1024 frames that are used must go, for one block of 512."""
    made = run_lanes("B", depth="functions").recordings["B"]
    assert of_kind(made, "fault_made_block") == [
        "Process P itself made 512 frames in a row free, because none were: 128 pages moved."
    ]
    assert wrong_values(made) == []


def test_a_write_to_the_huge_zero_page_says_what_it_came_upon() -> None:
    made = faults(lambda app: (app.read(ADDRESS), app.write(ADDRESS, 1)), enabled="always")
    [said] = of_kind(made, "touches_small")
    assert "which lies in a huge page that is read-only" in said
    assert len(of_kind(made, "fault_replaced")) == 1


def test_a_small_page_says_why() -> None:
    made = faults(lambda app: app.write(ADDRESS, 1), enabled="madvise")
    assert of_kind(made, "fault_refused") == [
        "The fault maps no huge page, because enabled is madvise, and MADV_HUGEPAGE was not called."
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
    assert said.startswith("The fault maps no huge page, because no 8 free frames in a row were found")
    assert wrong_values(recorder.recording) == []


def test_a_page_that_userfaultfd_supplies_is_not_mapped() -> None:
    """There is no handler on this machine: the write is refused, whatever size of page it would get."""

    def act(app: Process) -> None:
        app.uffd_register(ADDRESS, WINDOW, "missing")
        with pytest.raises(KernelError, match="userfaultfd handler"):
            app.write(ADDRESS + PAGE, 1)

    for word, asked in (("always", ["fault_allowed", "fault_whole"]), ("never", ["fault_refused"])):
        made = faults(act, enabled=word)
        assert answers(made) == [*asked, "fault_watched"]
        [said] = of_kind(made, "fault_watched")
        assert said == (
            "The fault maps nothing, because userfaultfd watches this mapping: "
            "a handler would have to supply page 1 of process app, and this machine has none."
        )
        assert wrong_values(made) == []
        assert false_sentences(made) == []


def test_a_page_that_userfaultfd_protects_is_not_written() -> None:
    def act(app: Process) -> None:
        app.write(ADDRESS, 1)
        app.uffd_register(ADDRESS, WINDOW, "wp")
        app.uffd_writeprotect(ADDRESS, PAGE)
        with pytest.raises(KernelError, match="userfaultfd handler"):
            app.write(ADDRESS, 2)

    made = faults(act)
    [said] = of_kind(made, "fault_watched_write")
    assert said.startswith("The fault changes nothing, because page 0 is write-protected through userfaultfd")
    assert wrong_values(made) == []
    assert false_sentences(made) == []


def test_every_value_is_that_of_its_moment() -> None:
    assert wrong_values(faults(lambda app: touch(app, 0, 4))) == []
    assert wrong_values(faults(lambda app: touch(app, 0, 4), focus=False)) == []
    assert wrong_values(faults(lambda app: (app.read(ADDRESS), touch(app, 0, 4)), enabled="always")) == []
