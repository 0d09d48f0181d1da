"""Recorded photographs as a start: reading them, and what they say about pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from thplab.scenario.data import Scenario
from thplab.scenario.errors import ScenarioError
from thplab.scenario.observe import GLYPHS
from thplab.scenario.values import is_int, is_list, refuse

_LETTERS = "".join(GLYPHS)
_RUN = re.compile(rf"([{_LETTERS}])(\d{{1,3}})")
_COUNTS = ("rss_pages", "anon_huge_kb", "vmas_below", "vmas_above")


def glyphs_of(window: str) -> str:
    """``p100 .412`` spelt out: one glyph for each page. Raises ScenarioError if it is no such text."""
    runs = [_RUN.fullmatch(word) for word in window.split(" ")]
    text = "".join(run[1] * int(run[2]) for run in runs if run)
    if not all(runs) or not text:
        raise refuse("a window in 'before'", window, f"runs of a glyph of {_LETTERS} and a number: p100 .412")
    return text


def check_photographs(before: object, scenario: Scenario) -> None:
    """ScenarioError unless ``before`` holds a photograph of each process, as the recordings have them."""
    if not isinstance(before, Mapping):
        raise refuse("before", before, "an object: process -> photograph")
    for spec in scenario.processes:
        if spec.name not in before:
            raise ScenarioError(f"before: no photograph of process {spec.name!r}")
    for name, photo in before.items():
        if not isinstance(photo, Mapping) or not is_list(photo.get("windows")):
            raise refuse(f"before.{name}", photo, "an object with a list 'windows'")
        _check_windows(photo["windows"], scenario.machine.entries)
        for key in _COUNTS:
            if key in photo and not (is_int(photo[key]) and 0 <= photo[key] <= 1 << 30):
                raise refuse(f"before.{name}.{key}", photo[key], "an integer from 0")


def _check_windows(windows: Any, entries: int) -> None:
    for window in windows:
        if not isinstance(window, str) or len(glyphs_of(window[: 8 * entries])) != entries:
            raise refuse("a window in 'before'", window, f"a run-length text of {entries} pages")
