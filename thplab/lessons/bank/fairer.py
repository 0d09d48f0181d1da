"""What if khugepaged chose otherwise who comes next? A reader's rule, tried on the model.

The model's own khugepaged_scan_mm_slot runs unchanged; only the cursor is put where the rule wants it, before
each of its calls.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from thplab.lessons.kinds.coding import Code
from thplab.lessons.kinds.question import Question
from thplab.lessons.runs.passes import Pass, passes, two_tenants
from thplab.lessons.trial.job import Wrong
from thplab.lessons.trial.words import shown
from thplab.mm.include.khugepaged import MmSlot
from thplab.mm.khugepaged import scan as khugepaged

#: (names in list order, who had the last turn or None) -> who has the next one
Rule = Callable[[list[str], str | None], str]

_PASSES = 6


@contextmanager
def _rule_in_force(rule: Rule, processes: tuple[str, ...]) -> Iterator[None]:
    """Let ``rule`` place the cursor among ``processes`` before each visit, as long as the block lasts."""
    original = khugepaged.khugepaged_scan_mm_slot
    goes_on_at: dict[str, int] = {}
    last: list[str | None] = [None]

    @functools.wraps(original)
    def by_rule(kernel: Any, pages: int, cc: Any) -> Any:
        scan = kernel.khugepaged
        slots: dict[str, MmSlot] = {slot.mm.name: slot for slot in scan.mm_head if slot.mm.name in processes}
        if not slots:
            return original(kernel, pages, cc)
        name = rule(list(slots), last[0])
        if type(name) is not str or name not in slots:
            raise Wrong(f"next_slot returned {shown(name)}; on the list are {', '.join(slots)}.")
        last[0] = name
        scan.scan_mm_slot, scan.scan_address = slots[name], goes_on_at.get(name, 0)
        answer = original(kernel, pages, cc)
        goes_on_at[name] = scan.scan_address if scan.scan_mm_slot is slots[name] else 0
        # The end of the list ends no lap here: whose turn it is, the rule says.
        scan.scan_mm_slot = scan.scan_mm_slot or slots[name]
        return answer

    khugepaged.khugepaged_scan_mm_slot = by_rule
    try:
        yield
    finally:
        khugepaged.khugepaged_scan_mm_slot = original


def passes_by_rule(rule: Rule, first: int, second: int, wakeups: int = _PASSES) -> list[Pass]:
    """Two tenants, a before b, with so many windows each, under a rule."""
    with _rule_in_force(rule, ("a", "b")):
        return passes(two_tenants(first, second, wakeups))


def _collapsed(runs: list[Pass], name: str) -> int:
    return sum(proc == name and status == "succeeded" for each in runs for proc, _, status in each.scans)


def _turn_for_each(names: list[str], last: str | None) -> str:
    """The example, for what it costs."""
    return names[0] if last is None else names[(names.index(last) + 1) % len(names)]


def _served(runs: list[Pass], name: str) -> list[int]:
    """The passes, from 1 on, in which a process had a window collapsed."""
    return [n for n, each in enumerate(runs, 1) if any(proc == name for proc, _, _ in each.scans)]


_TEMPLATE = """def next_slot(names, last):
    # names: the processes in list order; last: who had the last turn, or None
    return names[0]"""

_EXAMPLE = """def next_slot(names, last):
    if last is None:
        return names[0]
    return names[(names.index(last) + 1) % len(names)]"""


def check_rule(rule: Rule, first: int, second: int) -> str:
    """What is wrong with a rule, in words; empty if nothing is."""
    runs = passes_by_rule(rule, first, second)
    a, b = _served(runs, "a"), _served(runs, "b")
    if not b or b[0] > 2:
        when = f"in pass {b[0]}" if b else f"not within {len(runs)} passes"
        return f"b has its first window {when}; it should be served within two."
    if not a or a[0] > 2:
        return "Now a waits: it is not served within two passes."
    return ""


def fairer(random: Random) -> Question:
    """Write a rule under which a small process does not wait for a large one."""
    first, second = random.randrange(40, 60), random.randrange(2, 5)
    usual, fair = passes(two_tenants(first, second, 8)), passes_by_rule(_turn_for_each, first, second)
    return Question(
        "06.fairer",
        f"Tenant a has {first} windows and comes first, tenant b has {second}. As the kernel does it, b is "
        f"first served in pass {_served(usual, 'b')[0]}. Write next_slot(names, last): who comes next, each "
        "time khugepaged has given a lock back? Both tenants are to be served within two passes.",
        Code("next_slot", _TEMPLATE, _EXAMPLE, check_rule, (first, second)),
        f"With a turn for each, a has {_collapsed(fair, 'a')} huge pages after {_PASSES} passes; as the "
        f"kernel "
        f"does it, {_collapsed(usual[:_PASSES], 'a')}. Who is done takes turns, too: that is the price.",
        (
            "A turn for each: who comes after the one that had the last turn?",
            "names.index(last) is the place of the last one; at the end of the list begin anew.",
        ),
    )


QUESTIONS: dict[str, Callable[[Random], Question]] = {"06.fairer": fairer}
