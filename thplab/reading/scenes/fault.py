"""The picture of a page fault in numbers: the twin of stage/js/scenes/fault.js."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from thplab.mm.include import pgtable as bits
from thplab.reading.moment import ReadMoment
from thplab.reading.scenes.told import told_before
from thplab.reading.walk import WalkStep, table_in, walk
from thplab.reading.window import read_window
from thplab.recording import Recording, State
from thplab.recording.recording import Sentence
from thplab.recording.tracer import NO_FRAME

_TOUCHES = ("touches", "touches_small", "faults_in")
#: A handler is asked, and nothing is mapped.
_STOPPED = ("fault_watched", "fault_watched_write")
_DONE = ("fault_done", "fault_done_small", "faulted_in", *_STOPPED)
_HUGE = {"fault_huge": "huge", "fault_replaced": "huge", "fault_huge_zero": "zero"}
#: Kind of a sentence -> the answers that it gives.
_ANSWERS: dict[str, dict[str, str]] = {
    "fault_allowed": {"allowed": "yes"}, "fault_refused": {"allowed": "no"},
    "fault_whole": {"whole": "yes"}, "fault_partial": {"whole": "no"},
    "fault_block": {"block": "yes"}, "fault_made_block": {"block": "no", "make": "yes"},
    "fault_no_block": {"block": "no", "make": "no"}, "fault_no_spare": {"block": "no", "make": "no"},
    "fault_made_no_block": {"block": "no", "make": "no"},
    "fault_no_limit": {"room": "yes"}, "fault_room": {"room": "yes"}, "fault_no_room": {"room": "no"},
}  # fmt: skip
#: The questions in the order in which the kernel asks them.
QUESTIONS = {
    "empty": "PMD empty", "allowed": "allowed", "whole": "fits", "block": "block free",
    "make": "block made", "room": "cgroup",
}  # fmt: skip
_OUTCOMES = {
    "huge": "huge at once",
    "late": "huge, after a wait",
    "zero": "huge zero page",
    "small": "small pages",
    "stopped": "stopped: userfaultfd watches the page",
}
_CALL, _RETURN = 1, 2


def fault_lines(at: ReadMoment) -> list[str]:
    """What was touched, asked and decided in the last fault; nothing before the first."""
    said = _since_touch(at)
    if not said:
        return []
    touch, *told = said
    first, end = _bounds(at.recording, touch)
    shown = min(end, at.number)
    told = [each for each in told if each.moment <= shown]
    state = at.state if shown == at.number else at.recording.state(shown)
    address = _address(at, touch)
    walked = _walk(at.recording, state, touch, address)
    was = _kind(_walk(at.recording, at.recording.state(touch.moment), touch, address))
    answers = {"empty": "yes" if was == "empty" else "no"}
    for each in told:
        answers |= _ANSWERS.get(each.kind, {})
    outcome = _outcome(told, answers, was, _kind(walked))
    does = touch.values.get("does")
    mm = f"process {touch.values['mm']}"
    who = f"{mm} {does}" if does else f"a call of {mm} needs"
    mapped, entries = _mapped(at, state, walked), at.header["geometry"]["entries"]
    asked = ", ".join(f"{words} {answers[name]}" for name, words in QUESTIONS.items() if name in answers)
    done = any(each.kind in _DONE for each in told)
    way = "nothing is mapped" if outcome == "stopped" else "mapped" if done else "the way leads to"
    result = f"{way}: {_OUTCOMES[outcome]}" if outcome else "not decided yet"
    if at.header["ledger"]:
        # What the fault itself costs is paid when it is over.
        result += f"; waited {short_time(_paid(at.recording, first, end + 1 if done else at.number))}"
    pmd = _kind(walked)
    what = f"it maps {entries} pages" if pmd == "huge" else f"{mapped} of {entries} entries mapped"
    return [f"{who} {address:#x}: PMD {pmd}, {what}", asked, result]


def short_time(ns: int) -> str:
    """A time of the virtual clock in words."""

    def tenths(unit: int) -> str:
        return f"{ns // unit}.{ns % unit // (unit // 10)}"

    if ns < 100:
        return "0 µs"
    if ns < 100_000:
        return f"{tenths(1000)} µs"
    return f"{ns // 1000} µs" if ns < 1_000_000 else f"{tenths(1_000_000)} ms"


def _paid(recording: Recording, first: int, last: int) -> int:
    """What all tasks paid after one moment and up to another, in ns."""
    s = recording.sections
    return int(sum(ns for n, ns in zip(s["b_moment"], s["b_ns"], strict=True) if first < n <= last))


def _since_touch(at: ReadMoment) -> list[Sentence]:
    """What is told of the last fault, the touch first."""
    found: list[Sentence] = []
    for each in told_before(at):
        if each.kind in (*_TOUCHES, *_DONE) or each.kind in _ANSWERS or each.kind in _HUGE:
            found.append(each)
        if each.kind in _TOUCHES:
            return found[::-1]
    return []


def _bounds(recording: Recording, touch: Sentence) -> tuple[int, int]:
    """The first and the last moment of the call that the fault is."""
    s = recording.sections
    frames, kinds = s["m_frame"], s["m_kind"]
    touched = frames[touch.moment]
    outer = 0 if touched == NO_FRAME else s["f_parent"][touched]
    call = outer - 1 if outer else NO_FRAME
    before = range(touch.moment, 0, -1) if outer else range(0)
    first = next((n for n in before if frames[n] == call and kinds[n] == _CALL), touch.moment)
    place = bisect_right(s["t_moment"], touch.moment)
    following = (recording.told_as(n) for n in range(place, len(s["t_moment"])))
    last = next((each.moment - 1 for each in following if each.kind in _TOUCHES), len(recording) - 1)
    moments = range(touch.moment, last)
    return first, next((n for n in moments if frames[n] == call and kinds[n] == _RETURN), last)


def _address(at: ReadMoment, touch: Sentence) -> int:
    page, focus = touch.values["page"], at.header["focus"]
    if isinstance(page, str):
        return int(page, 0)
    start = int(focus["address"]) if focus else 0
    return start + (page << int(at.header["geometry"]["page_shift"]))


def _walk(recording: Recording, state: State, touch: Sentence, address: int) -> tuple[WalkStep, ...]:
    focus = recording.sections["m_window"][touch.moment]
    window = read_window(recording, touch.moment, state, focus) if focus else None
    return walk(recording, state, window.mm, address) if window and window.mm else ()


def _kind(walked: Sequence[WalkStep]) -> str:
    """What the PMD entry is; also where no table has it yet."""
    if len(walked) < 3 or not walked[2].entry:
        return "empty"
    return "huge" if walked[2].entry & bits._PAGE_PSE else "table"


def _outcome(told: Sequence[Sentence], answers: dict[str, str], was: str, now: str) -> str:
    """Where the way leads as far as it is known; empty: nowhere yet."""
    huge = next((_HUGE[each.kind] for each in told if each.kind in _HUGE), "")
    if any(each.kind in _STOPPED for each in told):
        return "stopped"
    if huge:
        return "late" if huge == "huge" and answers.get("make") == "yes" else huge
    final = (answer for name, answer in answers.items() if name not in ("empty", "block"))
    if was == "table" or "no" in final:
        return "small"
    if not any(each.kind in _DONE for each in told):
        return ""
    return "huge" if now == "huge" else "small"


def _mapped(at: ReadMoment, state: State, walked: Sequence[WalkStep]) -> int:
    """Entries of the window's table of small pages that map something."""
    table = table_in(state, walked[3].page) if len(walked) > 3 else None
    return sum(1 for entry in state.items(table) if entry) if table is not None else 0
