"""Locks: each that is taken or given back says why; who waits says for whom."""

from __future__ import annotations

import pytest

from tests.recording.small import advise, collapse, machine, touch
from tests.recording.story.telling import all_told, of_kind, sentences, told_at
from thplab import points
from thplab.mm.include.lock import Lock
from thplab.mm.include.mm_types import VM_HUGEPAGE
from thplab.mm.khugepaged.enter import khugepaged_enter_vma
from thplab.points import Point
from thplab.recording import Recorder, Recording, record_scenario
from thplab.recording.story.locks import LOCK_KINDS, kind_of

TAKING = (points.DOWN_READ, points.DOWN_WRITE, points.DOWN_READ_TRYLOCK)


@pytest.fixture(scope="module")
def made() -> Recording:
    return collapse()


@pytest.mark.parametrize("point", [*TAKING, points.UP_READ, points.UP_WRITE], ids=lambda point: point.name)
def test_each_lock_taken_or_given_back_says_who_and_why(point: Point, made: Recording) -> None:
    """One sentence for each call: whoever takes or releases it is its subject."""
    told = told_at(made, "return", point)
    calls = [n for n in range(len(made)) if (m := made.moment(n)).kind == "call" and m.function == point.name]
    assert len(told) == len(calls) > 0
    verb = "takes" if point in TAKING else "releases"
    for sentence in told:
        assert f" {verb} " in sentence
        assert sentence.startswith(("khugepaged ", "app "))
        assert any(word in sentence for word in ("because ", ", so "))


def test_mmap_lock_is_given_back_for_the_allocation(made: Recording) -> None:
    """The collapse itself says more about its locks than another function does."""
    aside, out, lets_in = of_kind(made, "steps_aside", "locks_out", "lets_in")
    assert aside.startswith("khugepaged releases mmap_lock of app before it looks for memory, because")
    assert out.startswith("khugepaged takes mmap_lock of app for writing, so no other task can change")
    assert lets_in == "khugepaged releases mmap_lock of app, so process app can map, unmap and fault again."


@pytest.mark.parametrize(
    ("name", "caller", "why"),
    [
        ("page table lock", points.FENCE, "the PMD entry is about to be cleared"),
        ("page table lock", points.PUBLISH, "the huge PMD is about to be set"),
        ("page table lock", points.SCAN, "the entries of this table must not change meanwhile"),
        ("mmap_lock", points.RECHECK, "no mapping may change while this task looks"),
        ("khugepaged_mm_lock", points.DO_SCAN, "khugepaged's list and its cursor must hold still"),
    ],
)
def test_the_reason_is_that_of_the_lock_or_of_who_asks(
    name: str, caller: Point, why: str, made: Recording
) -> None:
    taken = [
        told for told in all_told(made) if told.kind == "takes" and str(told.values["lock"]).startswith(name)
    ]
    by = {made.stack(told.moment)[1].function: str(told) for told in taken}
    assert by[caller.name].endswith(f", because {why}.")


def test_a_lock_that_is_not_to_be_had_names_its_holder() -> None:
    small, app = machine()
    touch(app, 0, 8)
    app.mm.mmap_lock.writer = "painter"
    recorder = Recorder(small.kernel)
    vma = app.mm.vmas[0]
    vma.vm_flags |= VM_HUGEPAGE
    with recorder:
        khugepaged_enter_vma(vma, vma.vm_flags)
        small.run_ready()
    assert (
        "khugepaged passes process app by, because painter holds mmap_lock of app for writing and "
        "khugepaged never "
        "waits for a process." in sentences(recorder.recording)
    )


def test_who_waits_says_for_what_and_for_whom() -> None:
    made = record_scenario("S08.race.munmap.after_fence", depth="functions")
    assert of_kind(made, "waits") == [
        "a calls munmap, but it must wait, because mmap_lock of a is held by khugepaged for writing."
    ]


def test_a_lock_that_is_made_is_neither_taken_nor_given_back() -> None:
    """A mapping that is split gets a lock of its own."""
    small, app = machine()
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        app.madvise(64 * (8 << 12) + (4 << 12), 1 << 12, "nohugepage")
    told = [each for each in all_told(recorder.recording) if each.kind in ("takes", "releases")]
    at = {recorder.recording.moment(each.moment).function for each in told}
    assert at == {"down_write", "up_write"}
    assert len([each for each in told if each.kind == "takes"]) * 2 == len(told)


def test_a_lock_of_no_kind_still_has_a_sentence() -> None:
    small, app = machine()
    touch(app, 0, 3)
    small.kernel.khugepaged.mm_lock = Lock("strange lock")
    recorder = Recorder(small.kernel, "functions")
    with recorder:
        advise(app)
    said = sentences(recorder.recording)
    assert "app takes strange lock for writing, because it uses what the lock guards." in said
    assert "app releases strange lock, because what it guarded is done." in said


def test_a_kind_is_known_by_the_beginning_of_a_name() -> None:
    for kind in LOCK_KINDS:
        assert kind_of(f"{kind.name} app") is kind
    assert kind_of("strange lock").name == ""
