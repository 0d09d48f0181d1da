"""A recording of 200 000 moments in an exported page: its first picture, jumps to anywhere, its size."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.chromium import PAINTED, Processor
from benchmarks.report import Figure
from tests.browser.chromium import chromium
from thplab.export import page as make_page
from thplab.files import write_file
from thplab.recording import Recording, record_scenario
from thplab.scenario import NAMED, Scenario
from thplab.stage import PRESETS
from thplab.stage.stops import VIEWS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["BUSIEST", "figures", "hole", "long_recording"]

#: The preset whose picture takes the longest: every entry, the source, the stack, the locks.
BUSIEST = "collapse"
_OPENED = 5
_JUMPS = 60

#: Milliseconds from the beginning of the page's life until its first picture is painted.
_FIRST = f"""{PAINTED}
(async () => {{
  while (!document.querySelector(".thplab-stage[data-step]")) await frame();
  window.firstPicture = await painted();
}})();"""

#: Milliseconds from a move of the slider, at any time between two frames, until the picture is painted.
_JUMP = f"""async (steps) => {{
  {PAINTED}
  const slider = document.querySelector(".ts-slider");
  const root = document.querySelector(".thplab-stage");
  const times = [];
  for (const step of steps) {{
    await new Promise((done) => setTimeout(done, 20 + (step % 17)));
    const begin = performance.now();
    slider.value = step;
    slider.dispatchEvent(new Event("input"));
    times.push((await painted()) - begin);
    if (Number(root.dataset.step) !== step) throw new Error(`at ${{root.dataset.step}}, not at ${{step}}`);
  }}
  return times;
}}"""


def long_recording() -> Recording:
    """The note's machine twice as large; khugepaged collapses seven windows."""
    raw = json.loads(json.dumps(NAMED["note"].raw))
    raw["name"], raw["machine"]["memory_pages"] = "seven windows", 9216
    raw["procs"][0]["ops"][1]["pages"] = [[0, 3584]]
    return record_scenario(Scenario.from_data(raw))


def hole() -> Recording:
    """A scan that gives up in mid-table: some 2000 moments of 512 entries."""
    raw = json.loads(json.dumps(NAMED["note"].raw))
    raw["name"], raw["settings"]["max_ptes_none"] = "hole", 0
    raw["procs"][0]["ops"][1]["pages"] = [[0, 196], [197, 512]]
    return record_scenario(Scenario.from_data(raw))


def figures() -> list[Figure]:
    """First picture and jumps, with the scene alone, with the busiest preset and with every view open."""
    recording = long_recording()
    count = len(recording)
    what = f"{count} moments, exported page in Chromium"
    payload = [len(recording.to_bytes()) / count]
    found = [Figure("payload of 1000 moments", "kB", payload, f"gzip, {what}; 1 kB = 1000 bytes")]
    with TemporaryDirectory() as folder, chromium() as browser:
        cases: tuple[tuple[str, list[str]], ...] = (
            ("the scene alone", []),
            (f"preset {BUSIEST}", PRESETS[BUSIEST]),
            ("all views", list(VIEWS[:-1])),
        )
        for name, views in cases:
            file = Path(folder, "page.html")
            write_file(file, make_page(recording, views=views))
            first, jumps, cpu = _measure(browser, file, count)
            found += [
                Figure(
                    f"first picture, {name}", "ms", first, f"{what}; since the page was asked for", aim=2000
                ),
                Figure(
                    f"jump, {name}", "ms", jumps, f"{what}; slider to painted picture", aim=50, aim_p95=50
                ),
                Figure("  the same in CPU time", "ms", cpu, "of the page's main thread, for each jump"),
            ]
    return found


def _measure(browser: Browser, file: Path, count: int) -> tuple[list[float], list[float], list[float]]:
    first: list[float] = []
    jumps: list[float] = []
    cpu: list[float] = []
    for number in range(_OPENED):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.add_init_script(_FIRST)
        page.goto(file.as_uri())
        page.wait_for_function("() => window.firstPicture")
        first.append(page.evaluate("() => window.firstPicture"))
        steps = [(number + 1) * 7919 * i % count for i in range(1, _JUMPS // _OPENED + 1)]
        processor = Processor(page)
        jumps += page.evaluate(_JUMP, steps)
        cpu.append(processor.spent() / len(steps))
        page.close()
    return first, jumps, cpu
