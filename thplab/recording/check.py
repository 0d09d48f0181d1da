"""Is what was read from a file a recording? All references are tried before anybody follows them.

The reading functions of a recording index its columns without asking; so a file whose numbers point
nowhere is refused here, as a whole, with the part that is wrong.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from thplab.recording.cells import ABSENT, INTEGER, VALUE
from thplab.recording.derive.focus import SCENES
from thplab.recording.derive.spans import SPANS
from thplab.recording.file import RecordingError
from thplab.recording.story.template import holes

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

_GEOMETRY = ("entries", "page_shift", "pmd_shift", "pud_shift", "pgdir_shift")


def check(header: _Header, sections: _Sections) -> None:
    """Raises RecordingError, naming the part that is damaged."""
    _check_sections(sections, SECTIONS if header.get("ledger") is None else {**SECTIONS, **LEDGER})
    _check_header(header)
    _check_objects(header, len(sections["cell_kind"]))
    _check_focus(header, len(header["objects"]))
    _check_moments(header, sections)
    _check_told(header, sections)
    _check_values(header, sections)


def _need(condition: bool, part: str) -> None:
    if not condition:
        raise RecordingError(f"the recording is damaged: {part}")


def _whole(value: Any, end: int) -> bool:
    """Is it an integer with 0 <= value < end?"""
    return isinstance(value, int) and 0 <= value < end


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
        _need(name in sections, f"section {name} is missing")
        column = sections[name]
        _need(column.typecode == typecode, f"section {name} has another type")
        expected = lengths.setdefault(name.partition("_")[0], len(column))
        _need(len(column) == expected, f"section {name} has another length than its neighbours")
    _need(lengths["m"] > 0, "there is no moment in it")


def _check_header(header: _Header) -> None:
    for name in ("title", "story", "kernel", "depth", "thplab"):
        _need(isinstance(header.get(name), str), f"{name} is no text")
    for name in ("texts", "names", "vmstat"):
        _need(_texts(header.get(name)), f"{name} is no list of texts")
    geometry = header.get("geometry")
    _need(isinstance(geometry, dict) and all(_whole(geometry.get(k), 1 << 16) for k in _GEOMETRY), "geometry")
    flags = header.get("page_flags")
    _need(isinstance(flags, dict) and all(isinstance(bit, int) for bit in flags.values()), "page_flags")
    _need(isinstance(header.get("scenario"), dict), "scenario")
    _need(isinstance(header.get("values"), list), "values is no list")
    _need(_records(header.get("tasks"), comm=str, pid=int), "tasks")
    _need(_records(header.get("trace"), text=str, event=str, fields=dict), "trace")
    functions = _records(header.get("functions"), name=str, file=str, line=int, kernel_file=str, phase=str)
    _need(functions, "functions")
    _need(_records(header.get("sources"), file=str, kernel_file=str, text=str), "sources")
    _need(_records(header.get("intruders", []), at=str, proc=str, op=str, ran=str), "intruders")
    labels = header.get("labels")
    chains = isinstance(labels, list) and all(isinstance(chain, list) for chain in labels)
    _need(chains and all(_texts(pair) and len(pair) == 2 for c in labels or () for pair in c), "labels")


def _check_objects(header: _Header, cells: int) -> None:
    objects, columns = header.get("objects"), header.get("columns")
    _need(_records(objects, id=int, type=str, label=str, base=int, maps=dict), "objects")
    _need(_records(columns, label=str, typecode=str, length=int, base=int), "columns")
    assert isinstance(objects, list)
    assert isinstance(columns, list)
    _need(bool(objects), "there is no object in it")
    for number, data in enumerate(objects):
        fields = data.get("fields")
        inside = _texts(fields) and _whole(data["base"], cells + 1) and data["base"] + len(fields) <= cells
        _need(inside and data["id"] == number, f"object {number}")
        for entries in data["maps"].values():
            _need(isinstance(entries, dict), f"a map of object {number}")
            for key, target in entries.items():
                _need(key.isdecimal() and _target(target, len(objects), len(columns)), f"map entry {key}")
    for number, data in enumerate(columns):
        _need(set(data) == {"label", "typecode", "length", "base", "table_page"}, f"column {number}")
        inside = _whole(data["length"], cells + 1) and _whole(data["base"], cells + 1 - data["length"])
        page = data["table_page"]
        _need(inside and (page is None or isinstance(page, int)), f"column {number}")


def _check_focus(header: _Header, objects: int) -> None:
    """The recording's own window, those of its moments, and who has a lane."""
    focus, windows, lanes = header.get("focus"), header.get("windows"), header.get("lanes")
    _need(focus is None or _window(focus, objects), "focus")
    _need(isinstance(windows, list), "windows is no list")
    for each in windows or ():
        nobody = isinstance(each, dict) and each.get("mm", 0) is None
        _need(_window({**each, "mm": 0} if nobody else each, objects), "windows")
    _need(_records(lanes, comm=str, threads=list, mms=list), "lanes")
    named = (number for lane in lanes or () for number in (*lane["threads"], *lane["mms"]))
    _need(all(_whole(number, objects) for number in named), "lanes")


def _window(data: Any, objects: int) -> bool:
    address = data.get("address") if isinstance(data, dict) else None
    return isinstance(address, str) and address.isdecimal() and _whole(data.get("mm"), objects)


def _target(target: Any, objects: int, columns: int) -> bool:
    ends = {"object": objects, "column": columns}
    pair = isinstance(target, list) and len(target) == 2 and isinstance(target[0], str)
    return pair and target[0] in ends and _whole(target[1], ends[target[0]])


def _check_moments(header: _Header, s: _Sections) -> None:
    frames, moments = len(s["f_function"]), len(s["m_kind"])
    _need(all(frame < frames or frame == 0xFFFFFFFF for frame in s["m_frame"]), "m_frame")
    _need(all(parent <= number for number, parent in enumerate(s["f_parent"])), "f_parent")
    below = {
        "m_kind": 5, "m_task": len(header["tasks"]),
        "m_window": len(header["windows"]) + 1, "m_entry": header["geometry"]["entries"] + 1,
        "m_scene": len(SCENES), "s_what": len(SPANS), "s_who": len(header["lanes"]),
        "s_lock": len(header["objects"]), "s_end": moments + 1,
        "f_function": len(header["functions"]), "f_labels": len(header["labels"]),
        "l_name": len(header["names"]), "c_cell": len(s["cell_kind"]),
    }  # fmt: skip
    for name, end in below.items():
        _need(max(s[name], default=-1) < end, f"a number in {name} is too large")
    ends = {"m_changes_end": s["c_cell"], "m_locals_end": s["l_name"], "m_trace_end": header["trace"]}
    for name, column in ends.items():
        grows = all(before <= after for before, after in pairwise(s[name]))
        _need(grows and s[name][-1] <= len(column), f"{name} does not grow to the end of its column")
    _need(all(first <= end for first, end in zip(s["s_first"], s["s_end"], strict=True)), "s_end")
    _need(all(outer <= number for number, outer in enumerate(s["s_outer"])), "s_outer")
    _check_ledger(header.get("ledger"), s)
    steps = header.get("steps", [])
    _need(isinstance(steps, list) and all(_whole(step, moments + 1) for step in steps), "steps")
    granularity = header.get("granularity")
    _need(isinstance(granularity, dict), "granularity")
    assert isinstance(granularity, dict)
    for name, section in granularity.items():
        if section is not None:
            stops = s.get(section) if isinstance(section, str) else None
            _need(stops is not None and max(stops, default=0) < moments, f"granularity {name}")


def _check_told(header: _Header, s: _Sections) -> None:
    """Each sentence has its moment, its template, and a value for each hole of it."""
    templates = header.get("templates")
    _need(_records(templates, kind=str, text=str, rank=int, names=list), "templates")
    assert isinstance(templates, list)
    named = all(_texts(each["names"]) and {*holes(each["text"])} <= {*each["names"]} for each in templates)
    _need(named, "names of a template")
    _need(max(s["t_template"], default=-1) < len(templates), "a number in t_template is too large")
    for name, end in (("t_moment", len(s["m_kind"])), ("t_values_end", len(s["v_kind"]) + 1)):
        grows = all(before <= after for before, after in pairwise(s[name]))
        _need(grows and max(s[name], default=0) < end, name)
    texts = len(header["texts"])
    _need(set(s["v_kind"]) <= {INTEGER, VALUE, ABSENT}, "v_kind")
    _need(all(k != VALUE or v < texts for k, v in zip(s["v_kind"], s["v_value"], strict=True)), "v_value")
    needed = [{each["names"].index(name) for name in holes(each["text"])} for each in templates]
    begin = 0
    for template, end in zip(s["t_template"], s["t_values_end"], strict=True):
        _need(end - begin == len(templates[template]["names"]), "t_values_end")
        _need(all(s["v_kind"][begin + i] != ABSENT for i in needed[template]), "a sentence without a value")
        begin = end


def _check_ledger(ledger: Any, s: _Sections) -> None:
    if ledger is None:
        return
    _need(isinstance(ledger, dict) and isinstance(ledger.get("source"), str), "ledger")
    for names, section in (("parties", "b_party"), ("steps", "b_step")):
        _need(_texts(ledger.get(names)), f"{names} of the ledger")
        _need(max(s[section], default=-1) < len(ledger[names]), f"a number in {section} is too large")
    grows = all(before <= after for before, after in pairwise(s["b_moment"]))
    _need(grows and max(s["b_moment"], default=0) < len(s["m_kind"]), "b_moment")


def _check_values(header: _Header, s: _Sections) -> None:
    objects, columns, values = len(header["objects"]), len(header["columns"]), header["values"]
    for name, kinds in (("cell", (INTEGER, VALUE, ABSENT)), ("c", (INTEGER, VALUE)), ("l", (INTEGER, VALUE))):
        kind, lo = s[f"{name}_kind"], s[f"{name}_lo"]
        _need(set(kind) <= set(kinds), f"{name}_kind")
        _need(all(k != VALUE or low < len(values) for k, low in zip(kind, lo, strict=True)), f"{name}_lo")
    known: dict[str, Callable[[Any], bool]] = {
        "ref": lambda number: _whole(number, objects),
        "column": lambda number: _whole(number, columns),
        "enum": lambda name: isinstance(name, str),
        "tuple": lambda items: isinstance(items, list) and all(good(item) for item in items),
    }

    def good(value: Any) -> bool:
        if isinstance(value, dict):
            [key, *more] = value or [""]
            return not more and key in known and known[key](value[key])
        return value is None or isinstance(value, str | int)

    _need(all(good(value) for value in values), "values")
