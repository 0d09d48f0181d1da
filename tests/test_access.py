"""Patterns over real page tables: how often memory is faulted in, and how much of it, per size of page."""

from __future__ import annotations

import pytest

from thplab.access import AccessReport, run_pattern, sequential, strided
from thplab.machine import Machine, Process
from thplab.mm.tlb import Tlb

REGION = 0x100000000000
MIB, GIB = 1 << 20, 1 << 30
PAGE, WINDOW = 4096, 2 * MIB


def process(length: int, advice: str, resident: int) -> Process:
    """A process with so much mapped, on a machine with room for ``resident`` bytes of it."""
    made = Machine(memory_pages=resident // PAGE + 4096).process("app")
    made.mmap(REGION, length)
    made.madvise(REGION, length, advice)
    return made


def test_touched_once_64_mib_are_16384_small_faults_or_32_large_ones() -> None:
    small, huge = (
        run_pattern(process(64 * MIB, how, 64 * MIB), Tlb(), sequential(REGION, 64 * MIB), write=True)
        for how in ("nohugepage", "hugepage")
    )
    assert (small.faults, huge.faults) == (16_384, 32)
    assert small.rss == huge.rss == 16_384


@pytest.mark.parametrize(("advice", "resident"), [("nohugepage", 2 * MIB), ("hugepage", GIB)])
def test_one_byte_in_each_2_mib_of_1_gib(advice: str, resident: int) -> None:
    report = run_pattern(process(GIB, advice, resident), Tlb(), strided(REGION, GIB, WINDOW), write=True)
    assert report.faults == 512
    assert report.rss * PAGE == resident


def test_a_report_counts_only_its_own_accesses() -> None:
    app, tlb = process(WINDOW, "nohugepage", WINDOW), Tlb()
    run_pattern(app, tlb, sequential(REGION, 16 * PAGE), write=True)
    second = run_pattern(app, tlb, sequential(REGION, 20 * PAGE), write=True)
    assert second == AccessReport(accesses=20, hits=16, walks=4, references=16, faults=4, rss=20)
    assert str(second) == (
        "20 accesses: 16 TLB hits (80.0%), 4 walks that read 16 entries, 4 faults; 20 pages resident"
    )
    assert run_pattern(app, tlb, []).hit_rate == 0
