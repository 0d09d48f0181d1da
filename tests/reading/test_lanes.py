"""Lanes and ledger as text: who runs, who waits for what, who pays."""

from __future__ import annotations

import pytest

from thplab.ledger import Meter, bill_of
from thplab.reading.lanes import Lanes, duration
from thplab.reading.ledger import NO_LEDGER, ledger_lines
from thplab.reading.moment import Reader
from thplab.recording import Recording, record_scenario


@pytest.fixture(scope="module")
def race() -> Recording:
    """A munmap that arrives when the huge page is there, and waits for khugepaged from the write lock on."""
    return record_scenario("S08.race.munmap.after_fence", depth="functions", alongside=Meter)


def lines_at(recording: Recording, number: int) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in Lanes(recording).at(number))


def test_processes_stand_before_the_daemons(race: Recording) -> None:
    rows = Lanes(race).rows
    assert rows[-1] == "khugepaged"
    assert "a" in rows
    assert "swapper" not in rows


def test_the_one_who_runs_holds_what_the_locks_say(race: Recording) -> None:
    fence = race.find_call("pmdp_collapse_flush")
    assert fence is not None
    said = lines_at(race, fence)["khugepaged"]
    assert said.startswith("runs; holds mmap_lock a (write) since ")
    for lock in ("vma lock a", "anon_vma"):
        assert f"holds {lock}" in said
    at_the_ends = [lines_at(race, number)["khugepaged"] for number in (0, len(race) - 1)]
    assert at_the_ends == ["asleep", "asleep"]


def test_who_has_to_wait_waits_until_the_lock_is_given_back(race: Recording) -> None:
    lanes = Lanes(race)
    [wait] = [span for span in lanes.spans if span.what == "waits"]
    assert (wait.who, lanes.lock_of(wait)) == ("a", "mmap_lock a (write)")
    first, over = wait.first, wait.end
    published = race.find_call("_publish_huge_pmd")
    assert published is not None
    assert first < published < over
    assert "a" in [line.split(":")[0] for line in lanes.at(first) if "waits for mmap_lock a (write)" in line]
    for moment, waiters in ((first - 1, 0), (first, 1), (over - 1, 1), (over, 0)):
        state = race.state(moment)
        lock = next(lock for lock in state.objects("Lock") if lock.id == wait.lock)
        assert len(state.get(lock, "waiters")) == waiters
    assert race.state(over).get(lock, "writer") != "khugepaged"


def test_the_ledger_sums_up_to_the_bill(race: Recording) -> None:
    reader, bill = Reader(race), bill_of(race)
    assert ledger_lines(reader.read(0))[0] == "Processes spent 0 µs in the kernel, daemons 0 µs"
    lines = ledger_lines(reader.read(len(race) - 1))
    daemons, processes = bill.ns("khugepaged"), bill.waited()
    assert lines[0] == f"Processes spent {duration(processes)} in the kernel, daemons {duration(daemons)}"
    copies = bill.count("copy_page", "khugepaged")
    assert any(line.startswith(f"khugepaged, collapse: copy a page, {copies}x: ") for line in lines)
    assert lines[-1].startswith("Shape, not measurement")


def test_the_ledger_says_who_waited(race: Recording) -> None:
    lines = ledger_lines(Reader(race).read(len(race) - 1))
    [waited] = [line for line in lines if line.startswith("a waited ")]
    assert waited.endswith(" for mmap_lock a (write)")
    assert not waited.startswith("a waited 0 ")


def test_without_a_meter_there_is_no_ledger_and_no_time(events: Recording) -> None:
    assert ledger_lines(Reader(events).read(3)) == [NO_LEDGER]
    assert not Lanes(events).timed


@pytest.mark.parametrize(
    ("ns", "text"), [(0, "0 µs"), (85_200, "85.20 µs"), (1_500_000, "1.50 ms"), (10e9, "10.00 s")]
)
def test_durations(ns: float, text: str) -> None:
    assert duration(ns) == text
