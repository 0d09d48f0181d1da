"""The picture of a window in numbers: the twin of stage/js/scenes/window.js."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from thplab.reading.moment import ReadMoment
from thplab.reading.scenes.told import told_before
from thplab.recording.recording import Sentence
from thplab.recording.story.questions import OF_ALL, OF_ENTRY, STATES
from thplab.recording.story.template import Value

_BEGINS = "looks"
_WORDS = {each.key: each.words for each in (*OF_ENTRY, *OF_ALL)}
#: count -> its words, and the value that has its limit; the last one has a minimum instead
_COUNTS = {
    "none": ("empty", "max_none"), "unmapped": ("swapped out", "max_swap"),
    "shared": ("shared", "max_shared"), "referenced": ("used lately", ""),
}  # fmt: skip


@dataclass
class _Scan:
    """What was told of a scan up to a moment. ``last``: an entry or the verdict, whichever came last."""

    begin: Sentence
    states: str = ""
    entry: Sentence | None = None
    verdict: Sentence | None = None
    done: Sentence | None = None
    asks: list[str] = field(default_factory=list)
    asks_last: list[str] = field(default_factory=list)

    @property
    def last(self) -> Sentence:
        return self.verdict or self.entry or self.begin

    @property
    def veto(self) -> str:
        """The question that ended it, if one has."""
        return str(self.verdict.values.get("question", "")) if self.verdict else ""


def window_lines(at: ReadMoment) -> list[str]:
    """How far the scan of the moment's window is; nothing before it begins."""
    scan = _scan(at)
    if scan is None:
        return []
    read, current, is_open = _how_far(scan, at.cursor)
    return [_count_line(scan, read), *_entry_line(scan, current, is_open), _decision_line(scan)]


def _scan(at: ReadMoment) -> _Scan | None:
    """The last scan that has begun, if it is of the moment's window."""
    told: list[Sentence] = []
    for each in told_before(at):
        told.append(each)
        if each.kind == _BEGINS:
            break
    windows = at.recording.sections["m_window"]
    if not told or told[-1].kind != _BEGINS or windows[told[-1].moment] != windows[at.number]:
        return None
    begin = told[-1]
    scan = _Scan(
        begin, asks=str(begin.values["asks"]).split(), asks_last=str(begin.values["asks_last"]).split()
    )
    for each in reversed(told):
        if each.kind == "reads":
            scan.states = _unpacked(str(each.values["states"]))
        elif each.kind == "scan_done":
            scan.done = scan.done or each
        elif scan.verdict is None and each.kind.startswith("entry_"):
            scan.entry = each
        elif scan.verdict is None and (each.kind.startswith("accepted") or each.values.get("question")):
            scan.verdict = each
    return scan


def _unpacked(runs: str) -> str:
    """``100u412e`` as one letter for each entry."""
    return "".join(state * int(many) for many, state in re.findall(r"(\d+)(\w)", runs))


def _how_far(scan: _Scan, cursor: int) -> tuple[int, int, bool]:
    """Entries read, the one in hand (or -1), and whether it still has to answer."""
    if scan.veto == "table":
        return 0, -1, False
    if scan.verdict and (not scan.veto or scan.veto in scan.asks_last):
        return int(scan.begin.values["entries"]), -1, False
    entry = int(scan.last.values.get("entry", -1))
    if scan.verdict:
        cursor = -1
    return entry + 1, max(entry, cursor), cursor > entry


def _count_line(scan: _Scan, read: int) -> str:
    begin, now = scan.begin.values, scan.last.values
    counts = [
        f"{now.get(name, 0)} {words} ({_rule(scan, limit)})" for name, (words, limit) in _COUNTS.items()
    ]
    return f"{read} of {begin['entries']} entries read: {', '.join(counts)}"


def _rule(scan: _Scan, limit: str) -> str:
    begin = scan.begin.values
    if not begin["bound"]:
        return "no limit" if limit else "not asked"
    need: Value = scan.last.values.get("need", begin["need"])
    return f"at most {begin[limit]}" if limit else f"at least {need}"


def _entry_line(scan: _Scan, current: int, is_open: bool) -> list[str]:
    if current < 0 or not scan.states:
        return []
    if is_open:
        return [f"entry {current} is in hand"]
    state = scan.states[current]
    answers = zip(scan.asks, _answers(scan.asks, state, scan.veto), strict=True)
    said = "; ".join(f"{_WORDS[key]} {answer}" for key, answer in answers)
    return [f"entry {current}, {STATES[state].words}: {said}"]


def _answers(asks: list[str], state: str, veto: str) -> list[str]:
    """What an entry answers: no is a veto, and counted is a no that is only counted."""
    found, left = [], False
    for key in asks:
        if key == veto:
            found.append("no")
        elif left:
            found.append("unasked")
        elif key == STATES[state].leaves or (key == "unshared" and state in "hH"):
            found.append("counted")
        elif key == "used":
            found.append("counts" if state in "uH" else "without")
        else:
            found.append("yes")
        left = left or key in (veto, STATES[state].leaves)
    return found


def _decision_line(scan: _Scan) -> str:
    if scan.verdict is None:
        return "no veto so far"
    if scan.done:
        return f"accepted, and the collapse ended with '{scan.done.values['result']}'"
    if not scan.veto:
        return "accepted"
    return "no table to read" if scan.veto == "table" else f"refused at: {_WORDS[scan.veto]}"
