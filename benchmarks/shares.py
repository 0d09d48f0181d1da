"""``python -m benchmarks.shares [N]``: what a key press and a jump cost in an exported page, by kind of work.

The processor time of the page's main thread as Chromium's own trace has it: each event's time less that of
the events in it. With N also the N events that cost most.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.long_recording import BUSIEST, hole, long_recording
from tests.browser.chromium import chromium
from thplab.export import page as make_page
from thplab.files import write_file
from thplab.stage import PRESETS
from thplab.stage.stops import VIEWS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_TIMES = 60
_PAUSE = 50  # ms between two, so that each has its frames for itself

_CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "v8", "blink", "toplevel"]

#: Kind of work -> words in the names of the events that are such work; the first that fits counts.
_KINDS = {
    "garbage": ("GC",),
    "canvas": ("Canvas",),
    "style": ("Style", "LayoutTree"),
    "layers": ("Compositor", "Compositing", "Layerize", "UpdateLayer", "Commit"),
    "paint": ("Paint",),
    "layout": ("Layout", "layout", "ShapeText", "SetText"),
    "script": ("Function", "v8", "V8", "EventDispatch", "AnimationFrame", "Timer", "Microtasks"),
}

_KEYS = """async ([count, pause]) => {
  const root = document.querySelector(".thplab-stage");
  const key = { key: "ArrowRight", code: "ArrowRight", bubbles: true, cancelable: true };
  for (let i = 0; i < count; i++) {
    root.dispatchEvent(new KeyboardEvent("keydown", key));
    await new Promise((done) => setTimeout(done, pause));
  }
}"""
_JUMPS = """async ([count, pause]) => {
  const slider = document.querySelector(".ts-slider");
  for (let i = 1; i <= count; i++) {
    slider.value = (7919 * i * 31) % Number(slider.max);
    slider.dispatchEvent(new Event("input"));
    await new Promise((done) => setTimeout(done, pause));
  }
}"""


def _of_thread(events: list[dict[str, Any]], thread: tuple[int, int]) -> list[dict[str, Any]]:
    """Finished events with their processor time, outer ones before those in them."""
    mine = [
        each for each in events
        if each["ph"] == "X" and "tdur" in each and (each["pid"], each["tid"]) == thread
    ]  # fmt: skip
    return sorted(mine, key=lambda each: (each["ts"], -each["dur"]))


def _self_times(events: list[dict[str, Any]]) -> Counter[str]:
    """Event's name -> ms of processor time without that of the events inside it."""
    found: Counter[str] = Counter()
    around: list[dict[str, Any]] = []
    for each in events:
        while around and around[-1]["ts"] + around[-1]["dur"] <= each["ts"]:
            around.pop()
        found[each["name"]] += each["tdur"]
        if around:
            found[around[-1]["name"]] -= each["tdur"]
        around.append(each)
    return Counter({name: time / 1000 for name, time in found.items()})


def _main_thread(events: list[dict[str, Any]]) -> tuple[int, int]:
    """Process and number of the thread that ran the page's script."""
    busy = Counter((each["pid"], each["tid"]) for each in events if each["name"] == "FunctionCall")
    return busy.most_common(1)[0][0]


def shares(browser: Browser, page: Page, script: str) -> Counter[str]:
    """Event's name -> ms of processor time for each key or jump."""
    page.evaluate(script, [5, _PAUSE])  # the first ones fill caches
    browser.start_tracing(page=page, categories=_CATEGORIES)
    page.evaluate(script, [_TIMES, _PAUSE])
    events = json.loads(browser.stop_tracing())["traceEvents"]
    times = _self_times(_of_thread(events, _main_thread(events)))
    return Counter({name: time / _TIMES for name, time in times.items()})


def _kind(name: str) -> str:
    return next((kind for kind, words in _KINDS.items() if any(word in name for word in words)), "other")


def _show(what: str, times: Counter[str], names: int) -> None:
    kinds: Counter[str] = Counter()
    for name, time in times.items():
        kinds[_kind(name)] += time
    told = ", ".join(f"{kind} {time:.1f}" for kind, time in kinds.most_common())
    print(f"{what}: {sum(kinds.values()):.1f} ms: {told}", flush=True)
    for name, time in times.most_common(names):
        print(f"    {time:6.2f}  {name} ({_kind(name)})")


def main() -> int:
    """Print each sum and its parts."""
    names = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    cases = (("key press", hole(), _KEYS), ("jump", long_recording(), _JUMPS))
    with TemporaryDirectory() as folder, chromium() as browser:
        file = Path(folder, "page.html")
        for what, recording, script in cases:
            for opened, views in ((f"preset {BUSIEST}", PRESETS[BUSIEST]), ("all views", list(VIEWS[:-1]))):
                write_file(file, make_page(recording, views=views))
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.goto(file.as_uri())
                page.wait_for_selector(".thplab-stage[data-step]")
                _show(f"{what}, {opened}", shares(browser, page, script), names)
                page.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
