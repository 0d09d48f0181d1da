"""Phases and locks of a collapse: which lock is held in which phase is the kernel's rule."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.mm.lab import before, page_at, ready
from thplab.ledger import Meter, bill_of
from thplab.mm.include.page import PG_locked
from thplab.mm.khugepaged import collapse
from thplab.phases import PHASES, SWAP_IN
from thplab.plots.spans import LOCKS, Span, collapse_spans
from thplab.recording import Recorder, Recording, record_scenario


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record_scenario("S08.100of512", depth="functions", alongside=Meter)


def held(locks: list[Span], row: str) -> list[tuple[int, int]]:
    """When, leaving out holds that take no time."""
    return [(span.begin, span.end) for span in locks if span.row == row and span.end > span.begin]


def test_phases_follow_each_other(recording: Recording) -> None:
    phases, _ = collapse_spans(recording)
    assert [span.row for span in phases] == [str(phase) for phase in PHASES if phase is not SWAP_IN]
    assert phases[0].begin == 0
    assert all(a.end == b.begin for a, b in pairwise(phases))
    assert phases[-1].end == bill_of(recording).ns("khugepaged")


def test_which_lock_in_which_phase(recording: Recording) -> None:
    phases, locks = collapse_spans(recording)
    at = {span.row: (span.begin, span.end) for span in phases}
    isolate, copied = at["4 isolate"], at["5 copy"]
    assert held(locks, "mmap_lock (read)") == [at["look, decide"]]  # not during the allocation
    assert held(locks, "mmap_lock (WRITE)") == [(isolate[0], copied[1])]
    assert held(locks, "VMA lock") == [(isolate[0], copied[1])]
    assert held(locks, "anon_vma lock") == [isolate]
    assert held(locks, "page table locks")[:2] == [at["look, decide"], isolate]
    allocating = at["1 get memory"]
    assert allocating[1] > allocating[0]
    assert not any(
        b < allocating[1] and allocating[0] < e for row in LOCKS.values() for b, e in held(locks, row)
    )


def test_61_has_no_vma_lock() -> None:
    _, locks = collapse_spans(record_scenario("S08.100of512", "6.1", depth="functions", alongside=Meter))
    assert not any(span.row == "VMA lock" for span in locks)
    assert held(locks, "mmap_lock (WRITE)")


def test_pages_are_swapped_in_under_mmap_lock_for_reading() -> None:
    phases, locks = collapse_spans(record_scenario("S07.swap64", depth="functions", alongside=Meter))
    swap = next(span for span in phases if span.row == str(SWAP_IN))
    assert swap.end > swap.begin
    assert (swap.begin, swap.end) in held(locks, "mmap_lock (read)")


def test_a_collapse_that_fails_ends_with_its_last_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    process = ready(pages=64)
    page, flags = page_at(process), process.mm.kernel.mem_map.flags
    before(
        monkeypatch, collapse, "__collapse_huge_page_isolate",
        lambda: flags.__setitem__(page, flags[page] | PG_locked),
    )  # fmt: skip
    with Meter(process.machine), Recorder(process.mm.kernel, "functions") as recorder:
        process.machine.wake_khugepaged()
    phases, locks = collapse_spans(recorder.recording)
    assert phases[-1].row == "4 isolate"
    assert not any(span.row == "7 publish" for span in phases)
    assert not held(locks, "mmap_lock (WRITE)")  # the first page spoils it: nothing was isolated


def test_the_second_collapse() -> None:
    process = ready(2, pages=1)
    with Meter(process.machine), Recorder(process.mm.kernel, "functions") as recorder:
        process.machine.wake_khugepaged()
    first, second = (collapse_spans(recorder.recording, n)[0] for n in (0, 1))
    assert first == second  # two windows alike, each timed from its own scan
    with pytest.raises(ValueError, match=r"collapse 2; this recording has 2"):
        collapse_spans(recorder.recording, 2)


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(ValueError, match="alongside=Meter"):
        collapse_spans(record_scenario("S08.clean512", depth="functions"))
    with pytest.raises(ValueError, match="allowed: functions, lines"):
        collapse_spans(record_scenario("S08.clean512", depth="events", alongside=Meter))
    with pytest.raises(ValueError, match="this recording has 0"):
        collapse_spans(record_scenario("S07.none_411", depth="functions", alongside=Meter))
