"""Counters and knobs, in the words of /proc/vmstat and sysfs: the twin of counters.js."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from thplab.reading.kernel_words import with_unit
from thplab.reading.knobs import STORES, knobs_that_matter
from thplab.reading.moment import ReadMoment
from thplab.recording import State


def counter_lines(at: ReadMoment) -> list[str]:
    """Those that are not 0, with how far they moved since the start; then the knobs, with what they were.

    The knobs that matter in this run come first.
    """
    start = counters(at.header, at.recording.state(0))
    lines = []
    for name, value in counters(at.header, at.state).items():
        delta = value - start[name]
        if value or delta:
            lines.append(f"{name} {with_unit(name, value)}" + (f" ({delta:+d})" if delta else ""))
    was, matter = knobs(at.recording.state(0)), knobs_that_matter(at.header)
    for name, text in sorted(knobs(at.state).items(), key=lambda knob: knob[0] not in matter):
        lines.append(f"{name} = {text}" + (f" (was {was[name]})" if was[name] != text else ""))
    return lines


def counters(header: dict[str, Any], state: State) -> dict[str, int]:
    """Name -> value: the resident pages of the process in focus, khugepaged's own, /proc/vmstat."""
    found: dict[str, int] = {}
    focus = header["focus"]
    if focus:
        mm = next((obj for obj in state.objects("Mm") if obj.id == focus["mm"]), None)
        label = header["objects"][focus["mm"]]["label"]
        found[f"rss of {label}"] = state.get(mm, "rss") if mm else 0
    for field in ("pages_collapsed", "full_scans"):
        found[f"khugepaged/{field}"] = state.path(f"khugepaged.{field}")
    return found | dict(zip(header["vmstat"], state.items(state.path("vmstat")), strict=True))


def knobs(state: State) -> dict[str, str]:
    """Name -> value with its unit; one that has a value for each order in run lengths: ``9x never``."""
    stores = [state.path(name) for name in STORES]
    return {name: _knob(name, state.get(store, name)) for store in stores for name in store.fields}


def _knob(name: str, value: Any) -> str:
    if not isinstance(value, tuple):
        return with_unit(name, value)
    return "; ".join(f"{len(list(run))}x {each}" for each, run in groupby(value))
