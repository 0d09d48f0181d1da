"""The questions of notebook 07 in which results are sorted: by step, by errno, by kernel."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from thplab import points
from thplab.kernels import PROFILES, profile
from thplab.lessons.kinds.classify import Classify
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Choice
from thplab.lessons.kinds.vote import Vote
from thplab.lessons.runs.looking import look_at
from thplab.lessons.runs.scan_tables import VERSION_CASES
from thplab.lessons.runs.verdict_gallery import Exhibit, exhibits
from thplab.reading.facts import span
from thplab.recording import record_scenario
from thplab.scenario import Scenario, scenario


def _drawn(random: Random, groups: Callable[[Exhibit], str], count: int = 5) -> dict[str, str]:
    """Some results that runs lead to, each in its group, and not all of one group."""
    reached = [each for each in exhibits() if each.scenario is not None]
    while True:
        chosen = random.sample(reached, count)
        found = {each.result.value: groups(each) for each in chosen}
        if len(set(found.values())) > 2:
            return found


def step(random: Random) -> Question:
    """At which step does a run end with this result?"""

    def of(each: Exhibit) -> str:
        return each.evidence.step if each.evidence else ""

    kind = Classify.shuffled(random, _drawn(random, of))
    told = {each.result.value: each.scenario.story for each in exhibits() if each.scenario is not None}
    return Question(
        "07.step",
        "Five results. At which step of its work does khugepaged come to each of them, in the runs of the "
        "gallery?",
        kind,
        " ".join(f"{item}: {told[item]}" for item in kind.items),
        (
            (
                "What stands in the page table is found at the look; what only a race can change, after a "
                "lock gap."
            ),
            "Choose the result in the gallery: the step is marked there.",
        ),
    )


def errno(random: Random) -> Question:
    """Is another try worth it?"""
    found = _drawn(random, lambda each: each.errno if each.under_collapse == each.errno else "0", 5)
    meaning = {
        "0": "0: collapsed, or it was huge already",
        "EAGAIN": "EAGAIN: another try may do",
        "EBUSY": "EBUSY: a limit is reached, or a watcher is in the way",
        "ENOMEM": "ENOMEM: there is no free block",
        "EINVAL": "EINVAL: do not try again before something has changed",
    }
    kind = Classify.shuffled(random, {item: meaning[name] for item, name in found.items()})
    bound = [item for item, name in found.items() if name == "0"]
    return Question(
        "07.errno",
        "khugepaged comes to these results with five windows of the gallery. Now the program says "
        "MADV_COLLAPSE for "
        "the very same windows. What does each call return?",
        kind,
        "The limits and the accessed marks bind khugepaged only." if bound else "So the runs say.",
        (
            "Which of these may be over by the next try? And which rules does MADV_COLLAPSE not keep to?",
            (
                "EAGAIN: somebody holds, locks or has isolated a page. The max_ptes limits do not bind "
                "MADV_COLLAPSE."
            ),
        ),
        (
            Mistake(
                lambda given: any(
                    kind.items[n] in bound and not kind.options[group].startswith("0:")
                    for n, group in enumerate(given)
                ),
                "One of these is a limit or a mark that binds only khugepaged.",
            ),
        ),
    )


def versions(random: Random) -> Question:
    """The same window under four kernels."""
    words = random.choice(list(VERSION_CASES))
    chosen = scenario(VERSION_CASES[words])
    found = {f"Linux {kernel}": look_at(chosen, kernel).status for kernel in PROFILES}
    oldest, *_, newest = found
    groups = tuple(sorted({*found.values(), "succeeded", profile("6.1").without_pte_table.value}))
    kind = Classify(tuple(found), groups, tuple(groups.index(status) for status in found.values()))
    return Question(
        "07.versions",
        f"A window of 512 pages, {words}. What does khugepaged say to it under each kernel?",
        kind,
        "The same run under each kernel: its profile says which rules and which results there are.",
        (
            "Rules come and go; here one did, or a result got another name.",
            f"Under {oldest} it is {found[oldest]}, under {newest} it is {found[newest]}.",
        ),
    )


def read_only(random: Random) -> Question:
    """A window that was only ever read, under one kernel."""
    kernel = random.choice(list(PROFILES))
    words = "all of it read-only"
    chosen = scenario(VERSION_CASES[words])
    found = {each: look_at(chosen, each).status for each in PROFILES}
    others = {*found.values(), "exceed_none_pte", "page_locked"} - {found[kernel]}
    kind = Choice.shuffled(random, found[kernel], *sorted(others))
    told = ", ".join(f"{each}: {status}" for each, status in found.items())
    return Question(
        "07.read_only",
        f"A window of 512 pages, {words}. What does khugepaged of Linux {kernel} say to it?",
        kind,
        f"A rule went away between two kernels. {told}.",
        (
            "What could be bad about a huge page that nobody ever writes to? Opinions changed.",
            f"Under {min(set(PROFILES) - {kernel})} it is {found[min(set(PROFILES) - {kernel})]}.",
        ),
        (
            Mistake(
                lambda i: kind.options[i] in found.values(),
                f"That is what another kernel says; this one is {kernel}.",
            ),
            Mistake(
                lambda i: kind.options[i] == "exceed_none_pte",
                "A page that is read-only is a page: the entry is not empty.",
            ),
        ),
        vote=lambda: _scan(chosen, kernel),
    )


def _scan(chosen: Scenario, kernel: str) -> Vote:
    """From the beginning of the scan to its verdict."""
    recording = record_scenario(chosen, kernel, depth="functions")
    return Vote(recording, *span(recording, points.SCAN))


QUESTIONS: dict[str, Callable[[Random], Question]] = {
    "07.step": step,
    "07.errno": errno,
    "07.versions": versions,
    "07.read_only": read_only,
}
