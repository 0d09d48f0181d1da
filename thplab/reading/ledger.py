"""What steps cost up to a moment, and who paid: the twin of ledger.js."""

from __future__ import annotations

from bisect import bisect_right

from thplab.reading.lanes import duration
from thplab.reading.moment import ReadMoment

NO_LEDGER = "This recording has no cost ledger: record with alongside=Meter to have one."

_DAEMONS = ("khugepaged", "kcompactd", "kswapd")


def ledger_lines(at: ReadMoment) -> list[str]:
    """Who spent how long on which step, and who waited for locks."""
    ledger = at.header.get("ledger")
    if ledger is None:
        return [NO_LEDGER]
    rows = _rows(at)
    lines = [_summary(ledger["parties"], rows)]
    for number, party in enumerate(ledger["parties"]):
        mine = sorted((step, row) for (who, step), row in rows.items() if who == number)
        if mine:
            total, locked = (sum(row[i] for _, row in mine) for i in (1, 2))
            lines.append(f"{party}: {_took(total, locked)}")
        for step, (count, ns, locked) in mine:
            lines.append(f"{party}, {ledger['steps'][step]}, {count}x: {_took(ns, locked)}")
    waits = at.reader.lanes.waited(at.number)
    lines += [f"{who} waited {duration(ns)} for {lock}" for who, lock, ns in waits]
    return [*lines, str(ledger["source"])]


def _rows(at: ReadMoment) -> dict[tuple[int, int], list[float]]:
    """(party, step) -> how many, ns, ns of it with an mmap_lock held for writing."""
    s = at.recording.sections
    rows: dict[tuple[int, int], list[float]] = {}
    for i in range(bisect_right(s["b_moment"], at.number)):
        row = rows.setdefault((s["b_party"][i], s["b_step"][i]), [0, 0.0, 0.0])
        row[0] += s["b_count"][i]
        row[1] += s["b_ns"][i]
        row[2] += s["b_ns"][i] if s["b_locked"][i] else 0
    return rows


def _summary(parties: list[str], rows: dict[tuple[int, int], list[float]]) -> str:
    theirs = sum(row[1] for (who, _), row in rows.items() if parties[who].startswith(_DAEMONS))
    own = sum(row[1] for row in rows.values()) - theirs
    return f"Processes spent {duration(own)} in the kernel, daemons {duration(theirs)}"


def _took(ns: float, locked: float) -> str:
    return duration(ns) + (f", {duration(locked)} of it with an mmap_lock held for writing" if locked else "")
