"""Passes read from runs, and the questions of notebook 06, against the accounting that kernels have."""

from __future__ import annotations

from string import ascii_lowercase

import pytest

from thplab.lessons.catalogue import make
from thplab.lessons.kinds.question import Question
from thplab.lessons.runs.passes import (
    already_huge_table,
    first_pass_of,
    naps_table,
    nofree_table,
    passes,
    passes_table,
    speed_table,
    two_tenants,
    wait_sweep,
)


def test_sixteen_windows_and_six_hundred_small_vmas() -> None:
    # 6.1 to 6.18: 512 for a window, 1 for a visit, 1 for a VMA that is passed over
    table = passes_table("S06.one16")
    assert table.column("collapsed") == ("8", "8", "0")
    assert table.column("units") == ("4104", "4104", "4098")
    small = passes_table("S06.600vmas")
    assert small.column("collapsed") == ("7", "8", "1")
    assert small.column("units")[0] == "4191"
    assert small.column("overhead")[0] == "607"


def test_cursor_after_an_exit_and_a_busy_lock() -> None:
    assert passes("S06.exit")[0].cursor == ("a", 8)
    assert [proc for proc, _, _ in passes("S06.exit")[1].scans][:2] == ["b", "b"]
    assert passes("S06.busyA")[0].scans[0][:2] == ("b", 0)


def test_first_pass_of_a_tenant() -> None:
    # 20 windows at 8 in a pass: a's last are in pass 3, with b's first
    assert first_pass_of(two_tenants(20, 4, 4), "b") == 3
    assert first_pass_of(two_tenants(24, 4, 4), "b") == 4
    with pytest.raises(LookupError, match="no pass collapses a window of 'b'"):
        first_pass_of(two_tenants(24, 4, 2), "b")


def test_naps_and_sleeps() -> None:
    assert naps_table().rows == (("0 s", "8", "8"), ("10 s", "8", "16"), ("20 s", "8", "24"))
    # alloc_sleep 60 s within a pass, scan_sleep 10 s after it
    table = nofree_table()
    assert table.column("after") == ("0 s", "60 s", "70 s", "130 s", "140 s")
    assert table.column("window") == ("0", "1", "2", "3", "0")
    assert set(table.column("status")) == {"alloc_huge_page_failed"}


def test_speed_at_the_defaults() -> None:
    table = speed_table()
    assert table.column("passes") == ("4096", "512", "512")
    assert table.column("time for 64 GiB") == ("11 h 23 min", "1 h 25 min", "512 s")
    assert table.column("speed") == ("1.6 MiB/s", "12.8 MiB/s", "128 MiB/s")


def test_what_is_huge_already_costs_less_since_7_2() -> None:
    table = already_huge_table(12)
    assert table.column("looked at in the first pass") == ("8", "12")


def test_wait_grows_with_the_other() -> None:
    assert wait_sweep((8, 16)).column("first_pass") == [2, 3]


def of(question: Question, fragment: str) -> str:
    options = question.kind.options
    return ascii_lowercase[next(i for i, option in enumerate(options) if fragment in option)]


@pytest.mark.parametrize("seed", range(4))
def test_units_of_a_pass(seed: int) -> None:
    question = make("06.units", seed)
    budget = int(question.prompt.partition("pages_to_scan is ")[2].partition(".")[0])
    right = -(-budget // 513) * 513
    assert question.judge(str(right)).right is True
    assert "no wall" in question.judge(str(budget)).message
    assert "PTEs or windows" in question.judge(str(right // 513)).message


@pytest.mark.parametrize("seed", range(2))
def test_windows_after_small_vmas(seed: int) -> None:
    question = make("06.small", seed)
    count = int(question.prompt.partition(" has ")[2].split()[0])
    assert question.judge(str(-(-(4096 - count) // 513))).right is True
    assert "costs a unit" in question.judge("8").message


@pytest.mark.parametrize("seed", range(3))
def test_time_of_a_lap(seed: int) -> None:
    question = make("06.lap", seed)
    gib = int(question.prompt.split()[0])
    budget = int(question.prompt.partition("pages_to_scan is ")[2].partition(",")[0])
    sleep = int(question.prompt.partition("millisecs ")[2].partition(".")[0])
    rounds = -(-gib * 512 // (-(-budget // 513)))
    assert question.judge(str(rounds * sleep // 1000)).right is True
    assert "old comment" in question.judge(str(rounds * 30)).message


@pytest.mark.parametrize("seed", range(2))
def test_b_waits_for_all_of_a(seed: int) -> None:
    question = make("06.wait", seed)
    windows = int(question.prompt.partition("A has ")[2].split()[0]) // 2
    right = windows // 8 + 1
    assert question.judge(str(right)).right is True
    assert "a turn for everybody" in question.judge("1").message


@pytest.mark.parametrize("seed", range(6))
def test_the_cursor_never_stays(seed: int) -> None:
    question = make("06.cursor", seed)
    leaves = "exited" in question.prompt or "is taken" in question.prompt
    right = of(question, "the next process" if leaves else "next window of the same process")
    assert question.judge(right).right is True
    assert "moved on already" in question.judge(of(question, "the same window again")).message


def test_order_without_memory_and_laps() -> None:
    question = make("06.order", 2)
    good = ("begin", "take the process", "read the", "and get none", "sleep alloc", "the window after", "nap")
    letters = [of(question, each) for each in good]
    letters[3] = of(question, "order 9")
    assert question.judge(" ".join(letters)).right is True
    assert "moved on already" in question.judge(f"{letters[0]} {of(question, 'same window once')}").message
    laps = make("06.full_scans")
    assert laps.judge(of(laps, "end of the list")).right is True
    assert "two things" in laps.judge(of(laps, "a pass")).message
