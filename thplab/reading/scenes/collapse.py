"""The picture of a collapse in numbers: the twin of stage/js/scenes/collapse.js."""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.mm.include.pgtable import _PAGE_PRESENT, _PAGE_PROTNONE, _PAGE_SPECIAL
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
    title = "not reached" if failed else "what is won" if done == len(_ENDS) else "the aim"
    return [
        f"{where}: {copied} of {entries} entries copied, {free_frames(at)} frames free",
        _aim_line(at, told, title),
    ]


def _aim_line(at: ReadMoment, told: list[Sentence], title: str) -> str:
    """What all of this is for, by what the table held when it was fenced, or before that at the begin."""
    begin = told[-1]
    fenced = next((each for each in told if each.kind == "fenced"), begin)
    pages = _pages_then(at, fenced.moment, int(begin.values["table_frame"]))
    too = f", and one page for a TLB to remember in place of {pages}" if pages > 1 else ""
    return f"{title}: one entry in place of {begin.values['entries']}{too}"


def _pages_then(at: ReadMoment, moment: int, frame: int) -> int:
    """Entries that mapped a page, the shared zero page left out."""
    state = at.recording.state(moment)
    if frame not in state.root.maps["tables"]:
        return 0
    mapped = (
        each & (_PAGE_PRESENT | _PAGE_PROTNONE) and not each & _PAGE_SPECIAL for each in state.table(frame)
    )
    return sum(map(bool, mapped))


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
