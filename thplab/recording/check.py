"""Is what was read from a file a recording? All references are tried before anybody follows them.

The reading functions of a recording index its columns without asking; so a file whose numbers point
nowhere is refused here, as a whole, with the part that is wrong.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from itertools import pairwise
from math import isfinite
from typing import Any

from thplab.recording.check_memory import check_memory
from thplab.recording.check_state import check_state, check_values
from thplab.recording.check_told import check_told
from thplab.recording.derive.focus import SCENES
from thplab.recording.derive.spans import SPANS
from thplab.recording.need import need, whole
from thplab.recording.tracer import EVENT

_Header = Mapping[str, Any]
_Sections = Mapping[str, "array[Any]"]

#: section -> typecode; sections whose names begin alike have the same length
SECTIONS = {
    "cell_kind": "B", "cell_lo": "I", "cell_hi": "I", "c_cell": "I", "c_kind": "B", "c_lo": "I", "c_hi": "I",
    "m_kind": "B", "m_frame": "I", "m_line": "I", "m_time": "d", "m_task": "B", "m_changes_end": "I",
    "m_locals_end": "I", "m_trace_end": "I",
    "t_moment": "I", "t_template": "H", "t_values_end": "I", "v_kind": "B", "v_value": "I",
    "m_window": "I", "m_entry": "H", "m_scene": "B", "l_name": "H", "l_kind": "B", "l_lo": "I",
    "l_hi": "I", "f_function": "H", "f_parent": "I", "f_labels": "I", "f_call_line": "I",
    "s_what": "B", "s_who": "H", "s_lock": "I", "s_write": "B", "s_first": "I", "s_end": "I", "s_outer": "I",
}  # fmt: skip

#: Only in a recording that says what steps cost.
LEDGER = {"b_moment": "I", "b_party": "H", "b_step": "H", "b_count": "I", "b_ns": "d", "b_locked": "B"}

#: Trace events with a result that two recordings are compared by.
_VERDICTS = {"mm_khugepaged_scan_pmd", "mm_collapse_huge_page_isolate", "mm_collapse_huge_page"}
#: Where a coarser step stops; None: it stops everywhere.
_STOPS = {"line", "event", "entry", "function", "tracepoint", "pass"}

#: What the header may leave out, and what that means.
NOTHING_SAID: dict[str, Any] = {"focus": None, "ledger": None, "steps": [], "intruders": []}

_GEOMETRY = ("entries", "page_shift", "pmd_shift", "pud_shift", "pgdir_shift")


def check(header: _Header, sections: _Sections) -> None:
    """Raises RecordingError, naming the part that is damaged."""
    _check_sections(sections, SECTIONS if header.get("ledger") is None else {**SECTIONS, **LEDGER})
    _check_header(header)
    _check_objects(header, len(sections["cell_kind"]))
    _check_focus(header, len(header["objects"]))
    _check_moments(header, sections)
    check_values(header, sections)
    check_state(header, sections)
    check_memory(header, sections)
    check_told(header, sections)


def _texts(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, str) for item in items)


def _records(items: Any, **kinds: type) -> bool:
    """Is it a list of objects with these keys, of these types?"""
    return isinstance(items, list) and all(
        isinstance(item, dict) and all(isinstance(item.get(key), kind) for key, kind in kinds.items())
        for item in items
    )


def _check_sections(sections: _Sections, known: Mapping[str, str]) -> None:
    lengths: dict[str, int] = {}
    for name, typecode in known.items():
        need(name in sections, f"section {name} is missing")
        column = sections[name]
        need(column.typecode == typecode, f"section {name} has another type")
        expected = lengths.setdefault(name.partition("_")[0], len(column))
        need(len(column) == expected, f"section {name} has another length than its neighbours")
    need(lengths["m"] > 0, "there is no moment in it")


def _check_header(header: _Header) -> None:
    for name in ("title", "story", "kernel", "depth", "thplab"):
        need(isinstance(header.get(name), str), f"{name} is no text")
    for name in ("texts", "names", "vmstat"):
        need(_texts(header.get(name)), f"{name} is no list of texts")
    geometry = header.get("geometry")
    need(isinstance(geometry, dict) and all(whole(geometry.get(k), 1 << 16) for k in _GEOMETRY), "geometry")
    flags = header.get("page_flags")
    need(isinstance(flags, dict) and all(isinstance(bit, int) for bit in flags.values()), "page_flags")
    need(isinstance(header.get("scenario"), dict), "scenario")
    need(isinstance(header.get("values"), list), "values is no list")
    need(_records(header.get("tasks"), comm=str, pid=int), "tasks")
    trace = header.get("trace")
    need(_records(trace, text=str, event=str, fields=dict), "trace")
    verdicts = (line["fields"] for line in trace or () if line["event"] in _VERDICTS)
    need(all(isinstance(fields.get("status"), str) for fields in verdicts), "a verdict without a status")
    need(_records(header.get("templates"), kind=str, text=str, rank=int, names=list), "templates")
    functions = _records(header.get("functions"), name=str, file=str, line=int, kernel_file=str, phase=str)
    need(functions, "functions")
    need(_records(header.get("sources"), file=str, kernel_file=str, text=str), "sources")
    need(_records(header.get("intruders", []), at=str, proc=str, op=str, ran=str), "intruders")
    labels = header.get("labels")
    chains = isinstance(labels, list) and all(isinstance(chain, list) for chain in labels)
    need(chains and all(_texts(pair) and len(pair) == 2 for c in labels or () for pair in c), "labels")


def _check_objects(header: _Header, cells: int) -> None:
    objects, columns = header.get("objects"), header.get("columns")
    need(_records(objects, id=int, type=str, label=str, base=int, maps=dict), "objects")
    need(_records(columns, label=str, typecode=str, length=int, base=int), "columns")
    assert isinstance(objects, list)
    assert isinstance(columns, list)
    need(bool(objects), "there is no object in it")
    for number, data in enumerate(objects):
        fields = data.get("fields")
        inside = _texts(fields) and whole(data["base"], cells + 1) and data["base"] + len(fields) <= cells
        need(inside and data["id"] == number, f"object {number}")
        for entries in data["maps"].values():
            need(isinstance(entries, dict), f"a map of object {number}")
            for key, target in entries.items():
                need(
                    key.isascii()
                    and key.isdecimal()
                    and len(key) <= 20
                    and _target(target, len(objects), len(columns)),
                    f"map entry {key}",
                )
    for number, data in enumerate(columns):
        need(set(data) == {"label", "typecode", "length", "base", "table_page"}, f"column {number}")
        inside = whole(data["length"], cells + 1) and whole(data["base"], cells + 1 - data["length"])
        page = data["table_page"]
        need(inside and (page is None or isinstance(page, int)), f"column {number}")


def _check_focus(header: _Header, objects: int) -> None:
    """The recording's own window, those of its moments, and who has a lane."""
    focus, windows, lanes = header.get("focus"), header.get("windows"), header.get("lanes")
    types = [each["type"] for each in header["objects"]]
    need(focus is None or _window(focus, objects), "focus")
    need(isinstance(windows, list), "windows is no list")
    for each in windows or ():
        nobody = isinstance(each, dict) and each.get("mm", 0) is None
        need(nobody or _window(each, objects), "windows")
        need(_window({**each, "mm": 0}, objects), "windows")
    for each in (focus, *(windows or ())):
        need(each is None or each["mm"] is None or types[each["mm"]] == "Mm", "the process of a window")
    need(_records(lanes, comm=str, threads=list, mms=list), "lanes")
    named = (number for lane in lanes or () for number in (*lane["threads"], *lane["mms"]))
    need(all(whole(number, objects) for number in named), "lanes")
    for lane in lanes or ():
        need({types[number] for number in lane["threads"]} <= {"Kthread"}, "the threads of a lane")
        need({types[number] for number in lane["mms"]} <= {"Mm"}, "the address spaces of a lane")


def _window(data: Any, objects: int) -> bool:
    return isinstance(data, dict) and _number(data.get("address")) and whole(data.get("mm"), objects)


def _number(text: Any) -> bool:
    """Is it the text of a number that a cell could hold?"""
    digits = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 20
    return digits and int(text) < 1 << 64


def _target(target: Any, objects: int, columns: int) -> bool:
    ends = {"object": objects, "column": columns}
    pair = isinstance(target, list) and len(target) == 2 and isinstance(target[0], str)
    return pair and target[0] in ends and whole(target[1], ends[target[0]])


def _check_moments(header: _Header, s: _Sections) -> None:
    frames, moments = len(s["f_function"]), len(s["m_kind"])
    need(all(frame < frames or frame == 0xFFFFFFFF for frame in s["m_frame"]), "m_frame")
    need(all(parent <= number for number, parent in enumerate(s["f_parent"])), "f_parent")
    below = {
        "m_kind": 5, "m_task": len(header["tasks"]),
        "m_window": len(header["windows"]) + 1, "m_entry": header["geometry"]["entries"] + 1,
        "m_scene": len(SCENES), "s_what": len(SPANS), "s_who": len(header["lanes"]),
        "s_lock": len(header["objects"]), "s_end": moments + 1,
        "f_function": len(header["functions"]), "f_labels": len(header["labels"]),
        "l_name": len(header["names"]), "c_cell": len(s["cell_kind"]),
    }  # fmt: skip
    for name, end in below.items():
        need(max(s[name], default=-1) < end, f"a number in {name} is too large")
    ends = {"m_changes_end": s["c_cell"], "m_locals_end": s["l_name"], "m_trace_end": header["trace"]}
    for name, column in ends.items():
        grows = all(before <= after for before, after in pairwise(s[name]))
        need(grows and s[name][-1] <= len(column), f"{name} does not grow to the end of its column")
    need(all(first <= end for first, end in zip(s["s_first"], s["s_end"], strict=True)), "s_end")
    need(all(before <= after for before, after in pairwise(s["s_first"])), "s_first does not grow")
    need(all(outer <= number for number, outer in enumerate(s["s_outer"])), "s_outer")
    printed = (end for kind, end in zip(s["m_kind"], s["m_trace_end"], strict=True) if kind == EVENT)
    need(all(printed), "a trace event without its line")
    need(all(map(isfinite, s["m_time"])), "m_time")
    need(all(before <= after for before, after in pairwise(s["m_time"])), "time goes back")
    _check_ledger(header.get("ledger"), s)
    steps = header.get("steps", [])
    need(isinstance(steps, list) and all(whole(step, moments + 1) for step in steps), "steps")
    granularity = header.get("granularity")
    need(isinstance(granularity, dict), "granularity")
    assert isinstance(granularity, dict)
    need(granularity.keys() >= _STOPS, "a granularity is missing")
    for name, section in granularity.items():
        if section is not None:
            stops = s.get(section) if isinstance(section, str) and section.startswith("g_") else None
            need(stops is not None and stops.typecode == "I" and len(stops) > 0, f"granularity {name}")
            assert stops is not None
            need(all(before <= after for before, after in pairwise(stops)), f"granularity {name}")
            need((stops[0], stops[-1]) == (0, moments - 1), f"granularity {name}")


def _check_ledger(ledger: Any, s: _Sections) -> None:
    if ledger is None:
        return
    need(isinstance(ledger, dict) and isinstance(ledger.get("source"), str), "ledger")
    for names, section in (("parties", "b_party"), ("steps", "b_step")):
        need(_texts(ledger.get(names)), f"{names} of the ledger")
        need(max(s[section], default=-1) < len(ledger[names]), f"a number in {section} is too large")
    grows = all(before <= after for before, after in pairwise(s["b_moment"]))
    need(grows and max(s["b_moment"], default=0) < len(s["m_kind"]), "b_moment")
    need(all(isfinite(ns) and ns >= 0 for ns in s["b_ns"]), "b_ns")
