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
    ends = [_ENDS.index(each.kind) + 1 for each in told if each.kind in _ENDS]
    done = max(ends, default=0)
    results = {each.values["result"] for each in told if "result" in each.values}
    failed = bool(results - {ScanResult.SUCCEED.value}) or any(each.kind == _GOES_BACK for each in told)
    copied = next((each.values["copied"] for each in told if "copied" in each.values), 0)
    phase = f"{min(done, 6) + 1} {_PHASES[min(done, 6)]}"
    where = "the window is huge" if done == len(_ENDS) else f"{'failed in ' if failed else ''}phase {phase}"
    entries = told[-1].values["entries"]
    return [f"{where}: {copied} of {entries} entries copied, {free_frames(at)} frames free"]


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
