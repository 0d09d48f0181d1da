"""Compare what the model shows with what a kernel showed, fact by fact.

Compared: the photograph before (unless MADV_PAGEOUT, which is best effort, took part in making it) and
after, all trace events in order, results of system calls, states after touches, whether the daemon runs,
and that every page reads back what was written. Not compared, because they belong to the whole machine or
to its clock: vmstat_delta, full_scans, times, Referenced, Shared_Dirty and LazyFree of smaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tests.conformance.captures import Row

__all__ = ["differences"]

_EVENT_KEYS = {
    "scan_pmd": ("ev", "proc", "window", "status", "none_or_zero", "unmapped", "referenced"),
    "isolate": ("ev", "proc", "window", "status", "none_or_zero", "referenced"),
    "collapse": ("ev", "proc", "window", "status", "isolated"),
    "swapin": ("ev", "proc", "window", "referenced", "swapped_in", "ret"),
    "scan_file": ("ev", "proc", "window", "status", "present", "swap"),
    "collapse_file": ("ev", "proc", "window", "status"),
}
_PHOTOGRAPH = ("windows", "huge", "rss_pages", "anon_huge_kb")
_VMA = ("start", "pages", "prot", "flags")
_SCANS = ("scan_pmd", "scan_file")


def differences(row: Row, seen: dict[str, Any]) -> list[str]:
    """Each fact in which ``seen`` (the model's run) and the recorded run disagree, as one line."""
    if row.scenario.get("budget"):
        return [*_budget_steps(row, seen), *_photographs("after", row, seen)]
    found = [] if row.uses_pageout else [*_photographs("before", row, seen), *_vmas(row, seen)]
    for number, (theirs, ours) in enumerate(zip(row.observed["steps"], seen["steps"], strict=True)):
        found += [f"step {number}: {line}" for line in _step(row, theirs, ours)]
    found += _photographs("after", row, seen)
    return found + [f"verify {name}: {v['bad'][:5]}" for name, v in seen["verify"].items() if not v["ok"]]


def _difference(what: str, theirs: object, ours: object) -> Iterable[str]:
    if theirs != ours:
        yield f"{what}: kernel {theirs!r}, model {ours!r}"


def _photographs(when: str, row: Row, seen: dict[str, Any]) -> list[str]:
    return [
        line
        for name, photo in row.observed[when].items()
        for key in _PHOTOGRAPH
        for line in _difference(f"{when} {name}.{key}", photo[key], seen[when].get(name, {}).get(key))
    ]


def _vmas(row: Row, seen: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for name, photo in row.observed["before"].items():
        theirs, ours = (
            [tuple(sorted(vma[key]) if key == "flags" else vma[key] for key in _VMA) for vma in each]
            for each in (photo["vmas"], seen["before"][name]["vmas"])
        )
        found += _difference(f"before {name}.vmas", theirs, ours)
    return found


def _step(row: Row, theirs: dict[str, Any], ours: dict[str, Any]) -> Iterable[str]:
    for number, wakeup in enumerate(theirs.get("wakeups", ())):
        mine = ours["wakeups"][number]
        yield from _difference(f"wakeup {number} daemon_runs", wakeup["daemon_runs"], mine["daemon_runs"])
        yield from _events(f"wakeup {number} ", row, wakeup["events"], mine["events"])
    if "calls" in theirs:
        results = [[(tuple(c["pages"]), c["ret"], c["errno"]) for c in s["calls"]] for s in (theirs, ours)]
        yield from _difference("calls", *results)
        yield from _events("", row, theirs["events"], ours["events"])
    for theirs_touch, ours_touch in zip(theirs.get("touches", ()), ours.get("touches", ()), strict=True):
        what = f"touch of page {theirs_touch['page']}"
        yield from _difference(what, theirs_touch["state"], ours_touch["state"])


def _events(
    what: str, row: Row, theirs: Sequence[dict[str, Any]], ours: Sequence[dict[str, Any]]
) -> list[str]:
    settings = [row.scenario.get(key, {}).get("enabled") for key in ("settings", "setup_settings")]
    if "always" in settings:  # children were not told apart from the machine's other processes there
        ours = [event for event in ours if "." not in event["proc"]]
    left, right = [_facts(event) for event in theirs], [_facts(event) for event in ours]
    for number, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return list(_difference(f"{what}event {number}", a, b))
    if len(left) != len(right):
        rest = (left if len(left) > len(right) else right)[min(len(left), len(right))]
        return [f"{what}events: kernel {len(left)}, model {len(right)}; first of the surplus {rest}"]
    return []


def _facts(event: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(event[key] for key in _EVENT_KEYS[event["ev"]] if key in event)


def _budget_steps(row: Row, seen: dict[str, Any]) -> list[str]:
    """The windows of each wakeup, up to the end of the first lap where the list held strangers."""
    strangers = len(row.observed["scan_list"]["others"]) != 1
    lap: dict[str, int] = {}
    found: list[str] = []
    for number, (theirs, ours) in enumerate(zip(row.observed["steps"], seen["steps"], strict=True)):
        if theirs["type"] == "set" and strangers and "enabled" in row.steps[number].get("settings", {}):
            return [*found, *_forgot_cursor(row, seen, number)]
        for count, (wakeup, mine) in enumerate(
            zip(theirs.get("wakeups", ()), ours.get("wakeups", ()), strict=True)
        ):
            left, right = _scans(wakeup["events"]), _scans(mine["events"])
            ended = strangers and mine["full_scans"]
            if ended:
                left, right = _within_lap(left, dict(lap)), _within_lap(right, dict(lap))
            found += _difference(f"step {number} wakeup {count}", left, right)
            if not strangers:
                what = f"step {number} wakeup {count} full_scans"
                found += _difference(what, wakeup["full_scans"], mine["full_scans"])
            if ended:
                return found
            lap.update({proc: window for proc, window, _ in left})
    return found


def _scans(events: Iterable[dict[str, Any]]) -> list[tuple[str, int, str]]:
    return [(e["proc"], e["window"], e["status"]) for e in events if e["ev"] in _SCANS]


def _within_lap(scans: list[tuple[str, int, str]], lap: dict[str, int]) -> list[tuple[str, int, str]]:
    """The scans before the first one that begins the next lap: at or below a window that was there."""
    kept = []
    for proc, window, status in scans:
        if window <= lap.get(proc, -1):
            break
        lap[proc] = window
        kept.append((proc, window, status))
    return kept


def _forgot_cursor(row: Row, seen: dict[str, Any], step: int) -> list[str]:
    """After the daemon was stopped and started it must not go on where it was."""
    before = [
        s for each in seen["steps"][:step] for w in each.get("wakeups", ()) for s in _scans(w["events"])
    ]
    after = [s for each in seen["steps"][step:] for w in each.get("wakeups", ()) for s in _scans(w["events"])]
    next_window = (before[-1][0], before[-1][1] + 1)
    if after and after[0][:2] == next_window:
        return [f"the daemon goes on at {next_window} after it was stopped"]
    return []
