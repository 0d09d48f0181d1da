"""The picture of a collapse in numbers: the twin of stage/js/scenes/collapse.js."""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.reading.moment import ReadMoment
from thplab.reading.scenes.told import free_frames, told_before
from thplab.recording.recording import Sentence

_BEGINS = "steps_aside"
_GOES_BACK = "puts_back"
#: The sentence that ends each phase, in their order.
_ENDS = ("found_memory", "locks_out", "fenced", "isolated", "copied", "freed", "published")
_PHASES = ("get memory", "re-check", "fence", "isolate", "copy", "free", "publish")


def collapse_lines(at: ReadMoment) -> list[str]:
    """How far the collapse is that was begun last; nothing before the first."""
    told = list(_since_begin(at))
    if not told or told[-1].kind != _BEGINS:
        return []
    done = max((_ENDS.index(each.kind) + 1 for each in told if each.kind in _ENDS), default=0)
    results = {each.values["result"] for each in told if "result" in each.values}
    failed = bool(results - {ScanResult.SUCCEED.value}) or any(each.kind == _GOES_BACK for each in told)
    copied = next((each.values["copied"] for each in told if "copied" in each.values), 0)
    last = next(told_before(at))
    ends = last.kind in _ENDS
    number = _ENDS.index(last.kind) if ends else done
    entry = -1 if failed or ends else _at_work(at, last, done)
    how = ", done" if ends else f", at entry {entry}" if entry >= 0 else ""
    phase = f"{'failed in ' if failed else ''}phase {min(number, 6) + 1} {_PHASES[min(number, 6)]}{how}"
    where = "the window is huge" if number == len(_ENDS) else phase
    entries = told[-1].values["entries"]
    return [f"{where}: {copied} of {entries} entries copied, {free_frames(at)} frames free"]


def _at_work(at: ReadMoment, last: Sentence, done: int) -> int:
    """The entry that is isolated, copied or freed; -1: none."""
    if not _ENDS.index("isolated") <= done <= _ENDS.index("freed"):
        return -1
    named = last.values.get("entry") if last.moment == at.number else None
    return at.cursor if named is None else int(named)


def _since_begin(at: ReadMoment) -> list[Sentence]:
    """What was told since then, the latest first, and not beyond the end of the collapse."""
    found: list[Sentence] = []
    for each in told_before(at):
        if each.kind == "lets_in" or each.kind.startswith("not_collapsed"):
            found.clear()
        found.append(each)
        if each.kind == _BEGINS:
            break
    return found
