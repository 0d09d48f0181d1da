"""The questions of notebook 06 about numbers: budget, naps, and who waits how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from thplab import points
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Number
from thplab.lessons.kinds.vote import Vote
from thplab.lessons.runs.passes import (
    passes,
    small_first,
    touched,
    two_tenants,
    wait_sweep,
    windows_in_a_pass,
)
from thplab.reading.facts import call_of, event_of, span
from thplab.recording import record_scenario
from thplab.scenario import Scenario

_WINDOW = 512
_WINDOWS_OF_A_GIB = 512


def units(random: Random) -> Question:
    """How many units does the first pass spend?"""
    budget = random.choice((1024, 2048, 4096, 8192))
    windows = budget // _WINDOW + random.randrange(2, 9)
    data = touched(windows, budget)
    first = passes(data)[0]
    return Question(
        "06.units",
        f"A process has {windows} windows, and each of them can be collapsed. pages_to_scan is {budget}. "
        "A pass begins. How many units has khugepaged counted when it ends?",
        Number(first.units, "units"),
        f"{first.collapsed} windows, each with 512 for the window and 1 for the visit: "
        f"{first.collapsed} x 513 = {first.units}.",
        (
            "A collapse gives the lock back, so every window needs a visit of its own.",
            "The budget is compared after a window, not before: the last window may go beyond it.",
        ),
        (
            Mistake.gives(
                budget, "The budget is no wall: it is compared after a window, and visits cost a unit each."
            ),
            Mistake.gives(first.collapsed, "PTEs or windows? One window is 512 entries."),
            Mistake.gives(
                first.units - 513, "One more: before its last window the budget was not spent yet."
            ),
        ),
        vote=lambda: _first_pass(data),
    )


def _first_pass(data: Scenario) -> Vote:
    """From the beginning of the first pass to its end."""
    recording = record_scenario(data, depth="functions")
    begin, end = span(recording, points.DO_SCAN)
    return Vote(recording, begin, end)


def small(random: Random) -> Question:
    """How many windows are left for, after VMAs that are too small?"""
    count = random.randrange(600, 1400, 50)
    first = passes(small_first(count))[0]
    without = windows_in_a_pass(8 * _WINDOW)
    return Question(
        "06.small",
        f"A process has {count} VMAs of one page each, and then 16 windows that can be collapsed. "
        "pages_to_scan is 4096. How many windows does the first pass collapse?",
        Number(first.collapsed, "windows"),
        f"Each small VMA costs a unit, though nothing in it is read: {count} + {first.collapsed} x 513 = "
        f"{first.units}, and that is the first sum that reaches 4096.",
        (
            "What does a VMA cost that is visited and passed over?",
            f"After the small VMAs {4096 - count} units are left. Windows come at 513.",
        ),
        (
            Mistake.gives(without, "As many as without the small VMAs? Each of them costs a unit."),
            Mistake.gives(
                first.collapsed - 1,
                "One more: a pass ends when the budget is reached, not before it would be.",
            ),
        ),
    )


def lap(random: Random) -> Question:
    """How long does one lap over so much memory take?"""
    gib, sleep = random.randrange(2, 65), random.choice((1000, 5000, 10_000, 20_000))
    budget = random.choice((2048, 4096, 8192, 32_768))
    each = windows_in_a_pass(budget)
    windows = gib * _WINDOWS_OF_A_GIB
    rounds = -(-windows // each)
    right = rounds * sleep // 1000
    return Question(
        "06.lap",
        f"{gib} GiB are registered, all of it windows that can be collapsed. pages_to_scan is {budget}, "
        f"scan_sleep_millisecs {sleep}. How many seconds does one lap take, if only the nap after each pass "
        "is counted?",
        Number(right, "seconds"),
        f"{windows} windows at {each} in a pass are {rounds} passes; times {sleep / 1000:g} s.",
        (
            "How many windows of 2 MiB are that, and how many of them does one pass do?",
            f"A pass of the run does {each} windows, so {rounds} passes are needed.",
        ),
        (
            Mistake(
                lambda n: n in (right * 512, right // 512), "PTEs or windows? One window is 512 entries."
            ),
            Mistake.gives(rounds * 30, "That 30 is an old comment in the source; read the knob."),
            Mistake(lambda n: n in (right * 1000, rounds), "Seconds, not milliseconds, and not passes."),
            Mistake.gives(
                windows * sleep // 1000, "One window in each pass? The budget is good for more of them."
            ),
        ),
        vote=lambda: replace(_first_pass(touched(each + 2, budget)), evidence=()),
    )


def wait(random: Random) -> Question:
    """In which pass is B served?"""
    windows = 8 * random.randrange(2, 6) - random.choice((0, 0, 3))
    row = wait_sweep((windows,))[0]
    return Question(
        "06.wait",
        f"Tenant A has {row.a_mib} MiB, tenant B {row.b_mib} MiB; every window can be collapsed, A stands "
        "before B on the list, the knobs are at their defaults. In which pass is B's first window collapsed? "
        "(The first pass is number 1.)",
        Number(row.first_pass),
        f"A's {windows} windows come first, 8 in a pass; B begins in pass {row.first_pass}, "
        f"{row.wait_s:g} s after the first.",
        (
            "khugepaged finishes one process before it goes to the next.",
            f"A has {windows} windows. How many passes are they?",
        ),
        (
            Mistake(
                lambda n: n in (1, 2),
                "That would be a turn for everybody. The cursor stays in A until A's end is reached.",
                values=(2,),
            ),
            Mistake.gives(row.first_pass - 1, "That is a pass in which A is still being served."),
            Mistake.gives(windows + 1, "One window in each pass? The budget is good for 8."),
        ),
        vote=lambda: _until_b(two_tenants(windows, 8, row.first_pass)),
    )


def _until_b(data: Scenario) -> Vote:
    """From the first pass to the first verdict on a window of another process than the first."""
    recording = record_scenario(data, depth="functions")
    verdicts = [line for line in recording.header["trace"] if line["event"] == "mm_khugepaged_scan_pmd"]
    others = [n for n, line in enumerate(verdicts) if line["fields"]["mm"] != verdicts[0]["fields"]["mm"]]
    shows = event_of(recording, "mm_khugepaged_scan_pmd", others[0] + 1)
    return Vote(recording, call_of(recording, points.DO_SCAN), shows, evidence=())


QUESTIONS: dict[str, Callable[[Random], Question]] = {
    "06.units": units,
    "06.small": small,
    "06.lap": lap,
    "06.wait": wait,
}
