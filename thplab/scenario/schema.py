"""What a scenario may look like: its own keys and those of its machine, and the check of all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from thplab.scenario.errors import ScenarioError
from thplab.scenario.fragment import HOG, STARTS
from thplab.scenario.settings import SETTINGS_VALUE
from thplab.scenario.spec import OPS_LIST
from thplab.scenario.steps import STEPS
from thplab.scenario.values import (
    FLAG,
    NAME,
    TEXT,
    Key,
    as_object,
    chosen,
    is_int,
    list_of,
    number,
    object_of,
    plain,
    word,
)
from thplab.scenario.windows import WINDOWS, window, window_ops

_HUGE = 1 << 21
_SIZES = [8, 16, 32, 64, 128, 256, 512]
_TABLES = plain(
    ", ".join(map(str, _SIZES)), {"enum": _SIZES}, lambda value: is_int(value) and value in _SIZES
)

MACHINE_KEYS = {
    "start_pfn": Key(number(0, 1 << 32), "the pfn at which memory begins"),
    "memory_pages": Key(number(0, 1 << 25), "how many pages there are (0: as many as needed)"),
    "region": Key(number(0, (1 << 47) - _HUGE, _HUGE), "the address of page 0"),
    "entries": Key(_TABLES, "entries of a page table"),
    "keeper": Key(FLAG, "another process keeps khugepaged's list from being empty"),
    "memory": Key(word(STARTS), "its state when the first step begins"),
    "free_pages": Key(number(0, 1 << 25), "of full memory: frames that stay free, one here, one there"),
    "unmovable_blocks": Key(number(0, 1 << 16), "so many pageblocks have a page that can't move"),
    "swap_pages": Key(number(0, 1 << 25), "pages of the swap device", "as many as needed"),
}

STEP = replace(chosen("type", STEPS), name="step")
_WINDOWS = Key(WINDOWS, "what its windows hold before it does ops: from page 0 on, in one mapping")
_PROCESS = object_of(
    {
        "name": Key(NAME, "its name", needed=True),
        "windows": _WINDOWS,
        "ops": Key(OPS_LIST, "what it does before the first step", needed=True),
    }
)

SCENARIO_KEYS = {
    "name": Key(TEXT, "its name", ""),
    "why": Key(TEXT, "the reason for it; the story if there is none"),
    "story": Key(TEXT, "one line for people"),
    "settings": Key(SETTINGS_VALUE, "the settings that hold in all steps"),
    "setup_settings": Key(SETTINGS_VALUE, "those that hold before the first step instead"),
    "windows": _WINDOWS,
    "ops": Key(OPS_LIST, "what the one process, called a, does before the first step"),
    "procs": Key(list_of(_PROCESS, least=1), "several processes, in place of windows and ops"),
    "action": Key(STEP, "the one step"),
    "steps": Key(list_of(STEP), "several steps, in place of action"),
    "budget": Key(
        FLAG, "for pages_to_scan: the processes have other VMAs too, the cursor is at the first", False
    ),
    "machine": Key(object_of(MACHINE_KEYS), "the machine"),
    "folios": Key(FLAG, "ignored: the recordings have it"),
    "lru_gen": Key(number(0, 1), "is the multi-generational LRU on?", "as on the recorded machine"),
}
SCENARIO = object_of(SCENARIO_KEYS)


def check_scenario(data: object) -> Mapping[str, Any]:
    """The data itself if it is a scenario, else ScenarioError."""
    scenario = as_object(data, "scenario")
    SCENARIO.check(scenario, "", 0)
    if ("ops" in scenario or "windows" in scenario) == ("procs" in scenario):
        raise ScenarioError("a scenario has either 'windows' and 'ops' (one process, called a) or 'procs'")
    if ("action" in scenario) == ("steps" in scenario):
        raise ScenarioError("a scenario has either 'action' (one step) or 'steps'")
    names = [proc["name"] for proc in scenario.get("procs", ())]
    if len(set(names)) != len(names):
        raise ScenarioError(f"procs: two processes have the same name: {', '.join(names)}")
    for name in names:
        if name in ("keeper", "marker", HOG):
            raise ScenarioError(f"procs: the name {name!r} is taken by an auxiliary process")
    return scenario


def ops_before(process: Mapping[str, Any], entries: int) -> list[Mapping[str, Any]]:
    """What a process does before the first step: the ops that make its windows, then its own.

    Raises ScenarioError for a window that has not ``entries`` pages.
    """
    pages = [kind for text in process.get("windows", ()) for kind in window(text, entries)]
    return [*(window_ops(pages) if pages else ()), *process.get("ops", ())]
