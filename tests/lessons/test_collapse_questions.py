"""Notebook 08: phases, locks, races and rollback, against the order and the locks that kernels have."""

from __future__ import annotations

from functools import cache

import pytest

from tests.lessons.test_questions import letters
from thplab.lessons.bank.isolate_code import ISOLATE, check_isolate
from thplab.lessons.catalogue import make
from thplab.lessons.kinds.classify import Classify
from thplab.lessons.runs.collapse_phases import (
    bytes_table,
    frames_table,
    lock_table,
    lock_words,
    rollback_table,
)
from thplab.lessons.runs.races import race, races_table
from thplab.lessons.runs.stalls import stall_table
from thplab.lessons.widgets.injector import RaceInjector
from thplab.phases import ISOLATE as ISOLATE_PHASE
from thplab.phases import READING, WRITING, Phase
from thplab.recording import Recording, record_scenario


@cache
def recorded(name: str, kernel: str = "6.18") -> Recording:
    return record_scenario(name, kernel, depth="functions")


# mm/khugepaged.c, 6.18: which lock in which phase; the huge page is taken first, the old pages go last.
LOCKS = {
    "look, decide": "mmap R, page table",
    "1 get memory": "none",
    "2 re-check (reading)": "mmap R",
    "2 re-check (writing)": "mmap W, VMA W",
    "3 fence": "mmap W, VMA W, anon_vma W, page table",
    "4 isolate": "mmap W, VMA W, anon_vma W, page table",
    "5 copy": "mmap W, VMA W",
    "6 free": "mmap W, VMA W, page table",
    "7 publish": "mmap W, VMA W, page table",
}


def test_locks_and_free_frames_of_each_phase() -> None:
    table = lock_table(recorded("S08.clean512"))
    assert dict(zip(table.column("phase"), table.column("locks held in it"), strict=True)) == LOCKS
    assert table.column("free frames since the start") == ("+0", *["-512"] * 6, "+0", "+0")
    assert table.column("isolated pages") == (*["0"] * 5, "512", "512", "0", "0")


def test_there_is_no_vma_lock_in_6_1_and_one_phase_more_with_swapped_pages() -> None:
    assert not any(
        "VMA" in held for held in lock_table(recorded("S08.clean512", "6.1")).column("locks held in it")
    )
    assert "2 re-check (swap-in)" in lock_table(recorded("S07.swap64")).column("phase")


def test_phases_that_are_not_reached_are_not_in_the_table() -> None:
    assert lock_table(recorded("S08.race.munmap.after_alloc")).column("phase") == tuple(LOCKS)[:3]
    assert lock_table(recorded("S08.race.pin.before_fence")).column("phase")[-1] == "4 isolate"


def test_locks_in_words() -> None:
    held = ("page table lock 4 for writing", "mmap_lock a for reading", "anon_vma 2 for writing")
    assert lock_words(held) == ("mmap R", "anon_vma W", "page table")


def test_rollback_leaves_a_counter_and_nothing_else() -> None:
    rows = {row[0]: row[1:] for row in rollback_table(recorded("S08.race.pin.before_fence")).rows}
    assert rows["base pages behind the window"] == ("the same", "the same", "the same")
    before, deepest, after = (int(cell) for cell in rows["free frames"])
    assert (before - deepest, before - after) == (512, 0)
    assert rows["isolated pages"] == ("0", "511", "0")
    before, _, after = (int(cell) for cell in rows["thp_collapse_alloc"])
    assert after == before + 1


def test_what_is_copied_and_where_it_lies() -> None:
    assert [row[1:] for row in bytes_table(recorded("S08.100of512")).rows] == [
        ("100", "400 KiB"), ("412", "1648 KiB"), ("412", "1648 KiB"),
    ]  # fmt: skip
    table = frames_table(recorded("note"))
    assert int(table.column("pieces")[0]) > 500
    assert table.column("pieces")[1] == "1"


def test_the_allocation_is_not_in_the_time_in_which_faults_wait() -> None:
    free, comb = stall_table().rows
    assert free[2] == comb[2]  # the move itself takes as long
    assert int(comb[1]) > int(comb[2]) > int(free[1])
    assert int(comb[3]) == pytest.approx(int(comb[1]) + int(comb[2]), abs=1)


# Races: whoever needs a lock that is held has to wait; whoever acts is noticed by the next look.


@pytest.mark.parametrize(
    ("kind", "gap", "status", "caught", "waited"),
    [
        ("munmap", "after_alloc", "not_suitable_address_range", READING, False),
        ("munmap", "recheck", "not_suitable_address_range", WRITING, True),  # it needs mmap_lock for writing
        ("munmap", "write_locked", "succeeded", None, True),
        # GUP-fast needs no lock while there is a table
        ("pin", "before_fence", "not_suitable_page_count", ISOLATE_PHASE, False),
        ("pin", "after_fence", "succeeded", None, True),
        ("exit", "after_alloc", "no_process_for_page", READING, False),
        ("swapout", "write_locked", "pte_non_present", ISOLATE_PHASE, False),
        ("fault_fills_hole", "after_alloc", "succeeded", None, False),
    ],
)
def test_a_race(kind: str, gap: str, status: str, caught: Phase | None, waited: bool) -> None:
    seen = race(kind, gap)
    assert (seen.status, seen.caught, seen.waited) == (status, caught, waited)


def test_races_in_a_table() -> None:
    table = races_table(("pin", "munmap"), ("after_alloc", "after_fence"))
    assert table.column("munmap") == ("not_suitable_address_range", "huge, later")
    with pytest.raises(ValueError, match="no race 'unmap'; there are pin, munmap"):
        races_table(("unmap",))
    with pytest.raises(ValueError, match="no race at 'before_publish'; races happen at after_alloc, recheck"):
        races_table(("pin",), ("before_publish",))


def test_the_injector_runs_what_is_chosen() -> None:
    box = RaceInjector()
    assert "noticed in phase 4 isolate" in box.text()
    said = box.run("munmap", "write_locked")
    assert "after waiting for mmap_lock" in said
    assert "The collapse succeeded." in said
    assert (box.kind.value, box.gap.value) == ("munmap", "write_locked")
    assert said.split(" The other")[0].replace("'", "&#x27;") in box.said.value
    with pytest.raises(ValueError, match="no race"):
        box.run("unmap", "write_locked")
    assert box.kind.value == "munmap"


# Questions.

ORDER = ("charge it", "for reading", "for writing", "clear the PMD", "lock the base", "copy the contents",
         "free the base", "set the PMD leaf")  # fmt: skip


def test_parsons_with_lines_that_never_happen() -> None:
    question = make("08.parsons", 1)
    options = [
        each for each in question.kind.options if "still in use" not in each and "then fill" not in each
    ]
    order = [next(option for option in options if part in option) for part in ORDER]
    right = " ".join("abcdefghijk"[question.kind.options.index(option)] for option in order)
    assert question.judge(right).right is True
    for line, tag in (("as soon as", "M4"), ("still in use", "M28"), ("then fill", "")):
        verdict = question.judge(letters(question, *order[:5], line))
        assert (verdict.right, verdict.tag) == (False, tag)


def test_the_lock_table_to_fill_in() -> None:
    question = make("08.locks", 2)
    kind = question.kind
    assert isinstance(kind, Classify)
    right = dict(zip(kind.items, (kind.options[g] for g in kind.right), strict=True))
    assert right["get a free block of order 9, and charge it"] == "nothing"
    assert (
        right["lock the base pages and take them off the LRU"]
        == "mmap_lock for writing, and the anon_vma's lock"
    )
    assert right["copy the contents, and clear holes"] == "mmap_lock for writing"
    assert right["read swapped pages in"] == "mmap_lock for reading"
    assert question.judge("c" * len(kind.items)).tag == "M29"
    assert question.judge("a" * len(kind.items)).tag == "M28"


@pytest.mark.parametrize("seed", range(3))
def test_kib_that_are_moved(seed: int) -> None:
    question = make("08.moved", seed)
    used = int(question.prompt.split()[0])
    pages = used if "copied" in question.prompt else 512 - used
    assert question.judge(str(pages * 4)).right is True
    assert "In KiB?" in question.judge(str(pages)).message


def test_free_frames_page_tables_and_what_is_put_back() -> None:
    flat = next(q for q in (make("08.frames", seed) for seed in range(20)) if "in isolate" in q.prompt)
    assert flat.judge("0").right is True
    assert flat.judge("100").tag == "M4"
    assert make("08.tables").judge("0").right is True
    assert make("08.tables").judge("1").tag == "M15"
    wasted = make("08.wasted", 2)
    index = int(wasted.prompt.partition("index ")[2].partition(".")[0])
    assert wasted.judge(str(index)).right is True
    assert make("08.left").judge(letters(make("08.left"), "thp_collapse_alloc")).right is True


# Isolate, to write.


def test_an_isolate_that_is_right_and_several_that_are_not() -> None:
    assert make("08.isolate").judge(ISOLATE.example).right is True
    wrong = {
        "def isolate(window):\n    return True": "is not isolated",
        "def isolate(window):\n    return all(p.trylock() and p.take_off_lru() for p in window)": "still",
        ISOLATE.example.replace("            page.unlock()\n", ""): "still locked",
        ISOLATE.example.replace("page.pinned or ", ""): "another task holds a reference",
        ISOLATE.example.replace(
            "        done.append(page)", "        done.append(page); page.free()"
        ): "Isolate frees nothing",
        ISOLATE.example.replace("not page.trylock()", "False"): "without its lock",
    }
    for source, complaint in wrong.items():
        verdict = make("08.isolate").judge(source)
        assert verdict.right is False
        assert complaint in verdict.message, (source, verdict.message)


def test_putting_back_what_was_never_taken() -> None:
    def isolate(window):  # type: ignore[no-untyped-def]
        for page in window:
            page.put_back()
        return True

    assert "put back, but you had not taken it" in check_isolate(isolate)
