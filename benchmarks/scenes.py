"""With a scene open: the script of a key press, forwards and backwards; held keys; first pictures."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.chromium import PAINTED, Processor
from benchmarks.report import Figure
from tests.browser.chromium import chromium
from tests.browser.modules import as_text, page_with_modules
from tests.browser.test_scenes import SEEN_IN, recorded
from thplab.export import page as make_page
from thplab.recording import Recording, record_scenario
from thplab.recording.derive.focus import SCENES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["first_pictures", "held_keys", "presses"]

#: What may not be exceeded: script of a press, a frame, first picture (ms), page (kB).
PRESS, PRESS_P95 = 8, 16
FRAME = 16.7
FIRST_PICTURE = 800
PAGE = 500

_GRANULARITIES = ("event", "entry", "line")
_KEYS = {"forwards": "ArrowRight", "backwards": "ArrowLeft"}
_PLACES = 4  # in a run from where keys are pressed
_EACH = 10  # presses from each
_HELD = 45
_REPEAT = 33  # ms between the key downs of a held key
_TRIES = 3
_OPENED = 5

_MOUNT = f"""async (text) => {{
  {PAINTED}
  const {{ mount }} = await import("/stage.js");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const begin = performance.now();
  globalThis.handle = await mount(document.querySelector("main"), bytes, {{ views: ["scene"] }});
  return (await painted()) - begin;
}}"""

#: Press a key some times from each place, each time with frames to itself.
_PRESS = """async ([places, granularity, key, count]) => {
  const frame = () => new Promise(requestAnimationFrame);
  const { root, stage } = handle;
  const pressed = { key, code: key, bubbles: true, cancelable: true };
  handle.setGranularity(granularity);
  let presses = 0;
  for (const place of places) {
    handle.go(place);
    await frame();
    await frame();
    for (let i = 0; i < count; i++) {
      const before = stage.moment.step;
      root.dispatchEvent(new KeyboardEvent("keydown", pressed));
      await frame();
      await frame();
      if (stage.moment.step === before) break; // the run ends here
      presses++;
    }
  }
  return presses;
}"""

#: Hold a key, or none: frames that did not come, and stops on the way that no frame has shown.
_HOLD = f"""async ([place, granularity, key, count, pause]) => {{
  {PAINTED}
  const {{ root, stage }} = handle;
  handle.setGranularity(granularity);
  handle.go(place);
  await painted();
  const frames = [];
  const seen = new Set();
  let running = true;
  const watch = (time) => {{
    frames.push(time);
    seen.add(stage.moment.step);
    if (running) requestAnimationFrame(watch);
  }};
  requestAnimationFrame(watch);
  await frame();
  let at = place;
  const stops = new Set();
  for (let i = 0; i < count; i++) {{
    const pressed = {{ key, code: key, repeat: i > 0, bubbles: true, cancelable: true }};
    if (key) stops.add((at = stage.navigator.next(at, granularity)));
    if (key) root.dispatchEvent(new KeyboardEvent("keydown", pressed));
    await new Promise((done) => setTimeout(done, pause));
  }}
  while (stage.queue.busy) await frame();
  running = false;
  await frame();
  const lost = frames.slice(1).map((time, i) => Math.round((time - frames[i]) * 60 / 1000) - 1);
  const dropped = lost.reduce((sum, count) => sum + Math.max(0, count), 0);
  return [dropped, [...stops].filter((stop) => !seen.has(stop)).length];
}}"""


def _first_cases() -> Iterator[tuple[str, str, Recording]]:
    """Each scene in the first scenario in which tests look at it."""
    for scene, [(name, kernel), *_] in SEEN_IN.items():
        yield scene, name, recorded(name, kernel)


def _stops(recording: Recording, scene: str, granularity: str) -> list[int]:
    """The moments of a scene at which a key press can stop."""
    section = recording.header["granularity"][granularity]
    stops = recording.sections[section] if section else range(len(recording))
    scenes, wanted = recording.sections["m_scene"], SCENES.index(scene)
    return [step for step in stops if scenes[step] == wanted]


def _open(browser: Browser, recording: Recording) -> tuple[Page, float]:
    page = page_with_modules(browser)
    page.set_viewport_size({"width": 1366, "height": 768})
    took: float = page.evaluate(_MOUNT, as_text(recording))
    return page, took


def _key_downs(browser: Browser, page: Page, arguments: list[Any]) -> list[float]:
    """Processor time of each key press, from the key's event to the written picture, as the trace has it."""
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    presses = page.evaluate(_PRESS, arguments)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    times = [
        each["tdur"] / 1000 for each in events
        if each["name"] == "EventDispatch" and each["args"].get("data", {}).get("type") == "keydown"
    ]  # fmt: skip
    if len(times) < presses:
        raise RuntimeError(f"the trace has {len(times)} of {presses} key presses")
    return times[:presses]


def presses() -> Iterator[Figure]:
    """For each scene, step size and direction."""
    with chromium() as browser:
        for scene, name, recording in _first_cases():
            page, _ = _open(browser, recording)
            for granularity in _GRANULARITIES:
                stops = _stops(recording, scene, granularity)
                places = [stops[len(stops) * i // _PLACES] for i in range(_PLACES)]
                for way, key in _KEYS.items():
                    times = _key_downs(browser, page, [places, granularity, key, _EACH])
                    yield Figure(
                        f"{scene}, {granularity}, {way}", "ms", times, f"scenario {name}", PRESS, PRESS_P95
                    )
            page.close()


def held_keys() -> Iterator[Figure]:
    """For each scene a key that is held, from its first moment on; beside it the same time without a key."""
    with chromium() as browser:
        for scene, name, recording in _first_cases():
            page, _ = _open(browser, recording)
            place = _stops(recording, scene, "event")[0]
            for granularity in ("entry", "line"):
                holds = [_held(page, [place, granularity, _KEYS["forwards"]]) for _ in range(_TRIES)]
                still, _, _ = _held(page, [place, granularity, ""])
                what = f"{scene}, {granularity}"
                told = f"scenario {name}; without a key: {still:g}"
                dropped, unseen, spent = zip(*holds, strict=True)
                yield Figure(f"{what}: dropped", "frames", dropped, told, aim=0)
                yield Figure(f"{what}: not seen", "stops", unseen, f"scenario {name}", aim=0)
                yield Figure(f"{what}: main thread", "ms", spent, "for each press, all its work", aim=FRAME)
            page.close()


def _held(page: Page, arguments: list[Any]) -> tuple[float, float, float]:
    """Frames dropped, stops not seen, processor time of the page's main thread for each press."""
    processor = Processor(page)
    dropped, unseen = page.evaluate(_HOLD, [*arguments, _HELD, _REPEAT])
    return dropped, unseen, processor.spent() / _HELD


def first_pictures() -> Iterator[Figure]:
    """From the bytes of a recording to its first picture; what Python does before; the exported page."""
    with chromium() as browser:
        for scene, name, recording in _first_cases():
            times = []
            for _ in range(_OPENED):
                page, took = _open(browser, recording)
                times.append(took)
                page.close()
            yield Figure(f"{scene}: bytes to picture", "ms", times, f"{len(recording)} moments of {name}")
    wall, cpu = zip(*(_python() for _ in range(_OPENED)), strict=True)
    yield Figure("Stage('note') in Python", "ms", wall, "a new Python: import, recording, widget")
    yield Figure("  the same in CPU time", "ms", cpu, "user and system")
    size = len(make_page(record_scenario("note")).encode()) / 1000
    yield Figure("exported page of the note", "kB", [size], "1 kB = 1000 bytes", aim=PAGE)


def _python() -> tuple[float, float]:
    """Milliseconds of wall clock and of processor time, less those of a bare Python."""

    def run(code: str) -> tuple[float, float]:
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return 1000 * (perf_counter() - begin), 1000 * cpu

    bare, whole = run("pass"), run("from thplab.stage import Stage; Stage('note')")
    return whole[0] - bare[0], whole[1] - bare[1]
