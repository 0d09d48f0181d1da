"""A collapse that must succeed."""

from __future__ import annotations

from tests.mm.lab import COLLAPSE, ISOLATE, SCAN, lines

TRANSHUGE, LIGHT = 0x1C24CA, 0x1C20CA


def collapsed(process) -> None:
    process.machine.wake_khugepaged()
    assert lines(process.machine) == [(ISOLATE, "succeeded"), (COLLAPSE, "succeeded"), (SCAN, "succeeded")]
