"""Is each sentence of a recording whole? It has a moment, a template, and the values that pictures read."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from thplab.recording.cells import ABSENT, INTEGER, VALUE
from thplab.recording.need import need
from thplab.recording.story.questions import OF_ALL, OF_ENTRY, STATES, TABLE
from thplab.recording.story.template import Value, holes

_Header = Mapping[str, Any]
_Sections = Mapping[str, "array[Any]"]
_Template = tuple[list[str], tuple[str, ...], tuple[str, ...], str]

#: Kind of a sentence -> the values that the scenes ask for, in thplab/reading/scenes as in the browser.
_OF_RUN = ("zone", "aim")
_NEEDED = {
    "pass_begins": ("number", "budget"), "pass_ends": ("over",),
    "scan_done": ("result",), "steps_aside": ("entries",),
    "looks": ("asks", "asks_last", "entries", "bound", "need", "max_none", "max_swap", "max_shared"),
    "reads": ("states",), "touches": ("mm", "page"), "touches_small": ("mm", "page"),
    "faults_in": ("mm", "page"), "batch": (*_OF_RUN, "block"), "batch_stuck": (*_OF_RUN, "block"),
    "batch_no_place": (*_OF_RUN, "block"), "block_spoilt": (*_OF_RUN, "block"),
    **dict.fromkeys(("block_passed", "block_whole", "block_whole_score", "block_whole_elsewhere"), _OF_RUN),
}  # fmt: skip
#: The same for kinds that begin so; the first that fits.
_NEEDED_BY = {
    "visit_ends": ("spent", "mm"), "visit": ("cost", "mm"), "vma_passed_over": ("cost", "mm"),
    "window_paid": ("cost", "mm"), "passed_by": ("mm",), "compaction_": _OF_RUN,
}  # fmt: skip
#: What else a sentence on compaction needs, by its aim; any other aim: a number of frames.
_BY_AIM: dict[Value, tuple[str, ...]] = {"score": ("score", "high", "low"), "all": ()}
_WANTED = ("wanted", "waits")
_OF_READERS = ("migrate_frame", "free_frame")

_NUMBERS = {
    "number", "budget", "spent", "cost", "entries", "entry", "moved", "block", "copied", *_OF_READERS,
}  # fmt: skip
_QUESTIONS = {each.key for each in (*OF_ENTRY, *OF_ALL)}
_RUN = re.compile(r"(\d{1,5})(\w)", re.ASCII)
_ADDRESS = re.compile(r"0x[0-9a-f]{1,16}")


def check_told(header: _Header, s: _Sections) -> None:
    """RecordingError if a sentence has no place, or lacks a value."""
    templates = _templates(header, s)
    texts, entries, zones = header["texts"], header["geometry"]["entries"], _zone_names(header, s)
    values = [texts[v] if k == VALUE else v for k, v in zip(s["v_kind"], s["v_value"], strict=True)]
    begin = 0
    for template, end in zip(s["t_template"], s["t_values_end"], strict=True):
        names, in_text, wanted, kind = templates[template]
        need(end - begin == len(names), "t_values_end")
        found = {name: values[i] for i, name in enumerate(names, begin) if s["v_kind"][i] != ABSENT}
        begin = end
        missing = next((name for name in (*in_text, *wanted) if name not in found), None)
        need(missing is None, f"a sentence without a value: {missing} of {kind}")
        if "aim" in wanted:
            missing = next((n for n in _BY_AIM.get(found["aim"], _WANTED) if n not in found), None)
            need(missing is None and found["zone"] in zones, f"a sentence of the kind {kind}")
            need(len(found.keys() & _OF_READERS) != 1, f"one reader only in {kind}")
        for name, value in found.items():
            need(_holds(name, value, entries, wanted), f"{name} of a sentence of the kind {kind}")


def _templates(header: _Header, s: _Sections) -> list[_Template]:
    """Of each template the names of its values, those in its text, those that are asked for, and its kind."""
    templates = header["templates"]
    for each in templates:
        names = each["names"]
        typed = isinstance(names, list) and all(isinstance(name, str) for name in names)
        need(typed and len({*names}) == len(names), "names of a template")
        need({*holes(each["text"])} <= {*names}, "names of a template")
    need(max(s["t_template"], default=-1) < len(templates), "a number in t_template is too large")
    for name, end in (("t_moment", len(s["m_kind"])), ("t_values_end", len(s["v_kind"]) + 1)):
        grows = all(before <= after for before, after in pairwise(s[name]))
        need(grows and max(s[name], default=0) < end, name)
    need({*s["v_kind"]} <= {INTEGER, VALUE, ABSENT}, "v_kind")
    texts = len(header["texts"])
    need(all(k != VALUE or v < texts for k, v in zip(s["v_kind"], s["v_value"], strict=True)), "v_value")
    return [(each["names"], holes(each["text"]), _needed(each["kind"]), each["kind"]) for each in templates]


def _needed(kind: str) -> tuple[str, ...]:
    begins = (names for begin, names in _NEEDED_BY.items() if kind.startswith(begin))
    return _NEEDED.get(kind) or next(begins, ())


def _zone_names(header: _Header, s: _Sections) -> set[Any]:
    bases = [
        each["base"] + each["fields"].index("name") for each in header["objects"] if each["type"] == "Zone"
    ]
    return {header["values"][s["cell_lo"][cell]] for cell in bases if s["cell_kind"][cell] == VALUE}


def _holds(name: str, value: Value, entries: int, wanted: tuple[str, ...]) -> bool:
    """May a value of that name be this one?"""
    if name in _NUMBERS and not isinstance(value, int):
        return False
    rules: dict[str, Callable[[], bool]] = {
        "entries": lambda: value == entries,
        "entry": lambda: int(value) < entries,
        "states": lambda: _are_states(str(value), entries),
        "asks": lambda: {*str(value).split()} <= _QUESTIONS,
        "asks_last": lambda: {*str(value).split()} <= _QUESTIONS,
        "question": lambda: value in _QUESTIONS | {TABLE, ""},
        "page": lambda: isinstance(value, int) or bool(_ADDRESS.fullmatch(value)) or "page" not in wanted,
    }
    return rules[name]() if name in rules else True


def _are_states(runs: str, entries: int) -> bool:
    found = _RUN.findall(runs)
    whole = "".join(many + state for many, state in found) == runs
    return whole and sum(int(many) for many, _ in found) == entries and {s for _, s in found} <= STATES.keys()
