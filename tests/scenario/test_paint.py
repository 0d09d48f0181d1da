"""Painting a window: what the text means, and that the ops make it so on a machine."""

from __future__ import annotations

import pytest

from thplab.reading.text import window_keys
from thplab.recording import record_scenario
from thplab.scenario import Scenario, ScenarioError
from thplab.scenario.paint import paint, repaint

ENTRIES = 16
MACHINE = {"entries": ENTRIES, "memory_pages": 512, "region": 1 << 24}
BEFORE = "nnnnyyyyyyyyyyzz"
KINDS = {"n": "none", "y": "young", "z": "zero", "s": "swap", "h": "shared", "o": "old", "p": "pinned"}


def scenario(ops: list[dict[str, object]]) -> Scenario:
    first = [
        {"op": "mmap", "start": 0, "pages": 32},
        {"op": "write", "pages": [[4, 14]]},
        {"op": "read", "pages": [[14, 16]]},
    ]
    return Scenario.from_data(
        {"machine": MACHINE, "procs": [{"name": "a", "ops": first}], "action": {"type": "ops", "ops": ops}}
    )


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("3x present, 2x none", "young young young none none" + " keep" * 11),
        ("15 swap", "keep " * 15 + "swap"),
        ("0-3: none; 2 old", "none none old none" + " keep" * 12),
        ("2-3 zero, 2x pinned", "keep keep zero zero pinned pinned" + " keep" * 10),
    ],
)
def test_what_a_text_means(text: str, runs: str) -> None:
    assert paint(text, ENTRIES) == runs.split()


@pytest.mark.parametrize(
    "text", ["3x blue", "17x none", "16 none", "5-3 none", "none", "", "3x none, -1 old"]
)
def test_what_is_not_accepted_is_named(text: str) -> None:
    with pytest.raises(
        ScenarioError, match=r"is not accepted; allowed:|does not fit: the window has entries"
    ):
        paint(text, ENTRIES)


@pytest.mark.parametrize(
    "wanted",
    [
        "yyyyyyyyyyyyyyyy",
        "nnnnnnnnnnnnnnnn",
        "nnnnyyyyssssyyzz",
        "zzzznnnnyyyyyyzz",
        "nnnnhhyyyyyyyyzz",
        "nnnnooooyyyyyyzz",
        "ppnnyyyyyyyyyyzz",
        "nsyopphhyyyyyynz",
    ],
)
def test_the_ops_make_it_so(wanted: str) -> None:
    now, after = ([KINDS[letter] for letter in word] for word in (BEFORE, wanted))
    recording = record_scenario(scenario(repaint(now, after)), depth="events")
    assert window_keys(recording, 0) == now
    assert window_keys(recording, len(recording) - 1) == after


def test_what_is_so_already_needs_nothing() -> None:
    assert repaint(["none", "swap"], ["none", "keep"]) == []


def test_what_nobody_can_change_is_refused() -> None:
    with pytest.raises(ScenarioError, match="entry 1 is write-protected by userfaultfd"):
        repaint(["none", "uffd"], ["none", "young"])
