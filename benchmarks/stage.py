"""The stage in JupyterLab in Chromium: a key press to its picture, near and far, beside matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.chromium import PAINTED, Processor
from benchmarks.delay import delayed
from benchmarks.long_recording import BUSIEST
from benchmarks.report import Figure
from benchmarks.scenes import FIRST_PICTURE
from tests.browser.chromium import chromium
from tests.browser.jupyterlab import Lab, run_all, serve, wait_for_stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

_PRESSES = 40
_LEAST_SAID = 16.0  # ms: below that the browser says nothing
_BURST = 30
_BURST_PAUSE = 40  # ms
_KERNELS = 5
_ROUND_TRIP = 0.150  # seconds

_FIRST = "from thplab.stage import Stage\nStage('note')"

_RECORDING = "from benchmarks.long_recording import hole\nrecording = hole()\n"
_STAGE = (
    "from thplab.stage import Stage\nprint(len(recording), 'moments')\n"
    f"Stage(recording, views={BUSIEST!r}, granularity='line')"  # enough steps for all presses
)

#: The same entries as a figure that is drawn anew for each step and sent as a picture.
_MATPLOTLIB = """
from io import BytesIO
from ipywidgets import Image, IntSlider, VBox
from matplotlib.figure import Figure
from thplab.reading.glyphs import glyphs
from thplab.reading.text import window_keys
number = {glyph["key"]: i for i, glyph in enumerate(glyphs())}
figure = Figure(figsize=(6, 3.2))
axes = figure.subplots()
def rows(step):
    keys = [number[key] for key in window_keys(recording, step)]
    return [keys[i : i + 32] for i in range(0, 512, 32)]
drawn = axes.imshow(rows(0), vmin=0, vmax=len(number))
slider, image = IntSlider(0, 0, len(recording) - 1), Image()
def draw(change):
    drawn.set_data(rows(slider.value))
    axes.set_title(f"moment {slider.value}")
    file = BytesIO()
    figure.savefig(file)
    image.value = file.getvalue()
slider.observe(draw, "value")
draw(None)
VBox([slider, image])
"""

#: Run the first cell; milliseconds until a stage stands on the page and is painted.
_RUN = f"""async () => {{
  {PAINTED}
  const begin = performance.now();
  window.jupyterapp.commands.execute("notebook:run-cell");
  while (!document.querySelector(".thplab-stage[data-step]")) await frame();
  return (await painted()) - begin;
}}"""

#: From now on: milliseconds from each keydown's time stamp until a new ``now()`` is painted, that is, until
#: the first frame that has it is handed on; and what the browser itself says (Event Timing).
_WATCH = f"""(what) => {{
  {PAINTED}
  const now = {{
    stage: () => document.querySelector(".thplab-stage[data-step]").dataset.step,
    image: () => document.querySelector(".jupyter-widgets img").src,
  }}[what];
  window.times = [];
  window.durations = [];
  window.stopWatching?.();
  const said = new PerformanceObserver((list) => {{
    const keys = list.getEntries().filter((entry) => entry.name === "keydown");
    window.durations.push(...keys.map((entry) => entry.duration));
  }});
  said.observe({{ type: "event", durationThreshold: 16 }});
  const listen = async (event) => {{
    const before = window.shown ?? now();
    do await frame(); while (now() === before);
    window.shown = now();
    await handedOn();
    window.times.push(performance.now() - event.timeStamp);
  }};
  window.shown = undefined;
  document.addEventListener("keydown", listen, true);
  window.stopWatching = () => {{
    document.removeEventListener("keydown", listen, true);
    said.disconnect();
  }};
}}"""

#: From now on: the moments that stand on the page when a frame begins, that is, which are painted; the one
#: that stands there now is the first, even if a key is pressed before the next frame.
_COUNT = """() => {
  const root = document.querySelector(".thplab-stage[data-step]");
  window.stopWatching();
  window.pictures = new Set([root.dataset.step]);
  const note = () => {
    window.pictures.add(root.dataset.step);
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}"""


@dataclass(frozen=True)
class _Keys:
    times: list[float]
    said: list[float]
    cpu: float
    seen: int


def figures() -> list[Figure]:
    """Near and far, each with a burst; a matplotlib picture beside it; a cell to its first picture."""
    with TemporaryDirectory() as folder, chromium() as browser, serve(Path(folder)) as lab:
        name = lab.write("steps.ipynb", [_RECORDING, _STAGE, _MATPLOTLIB])
        with _notebook(browser, lab, name) as page:
            near, redrawn = _keys(page), _redraws(page)
        with (
            delayed(urlsplit(lab.url).port or 80, _ROUND_TRIP / 2) as port,
            _notebook(browser, replace(lab, url=f"http://127.0.0.1:{port}"), name) as page,
        ):
            far = _keys(page)
        first = [_first(browser, lab) for _ in range(_KERNELS)]
    what = f"ArrowRight in JupyterLab in Chromium, 2000 moments, preset {BUSIEST}"
    trip = f"{1000 * _ROUND_TRIP:g} ms of round trip"
    seen = f"{_BURST} presses, {_BURST_PAUSE} ms between them"
    ratio = [sorted(redrawn)[len(redrawn) // 2] / sorted(near.times)[len(near.times) // 2]]
    return [
        Figure("key press to painted picture", "ms", near.times, what, aim=20, aim_p95=34),
        Figure("  as the browser says", "ms", near.said, "Event Timing, to the screen; in steps of 8 ms"),
        Figure("  the same in CPU time", "ms", [near.cpu], "of the page's main thread, for each press"),
        Figure(f"  behind {trip}", "ms", far.times, f"{what}; through a proxy", aim=25),
        Figure("  pictures seen in a burst", "pictures", [near.seen], seen),
        Figure("  pictures seen in a burst, far away", "pictures", [far.seen], f"{seen}; {trip}"),
        Figure("matplotlib picture drawn anew", "ms", redrawn, "the same run and entries: slider to image"),
        Figure("  as many times slower", "times", ratio, "median by median"),
        Figure(
            "running the cell to the first picture", "ms", first,
            "Stage('note') in a new kernel, import and recording included, to the painted picture",
            aim=FIRST_PICTURE,
        ),
    ]  # fmt: skip


@contextmanager
def _notebook(browser: Browser, lab: Lab, name: str) -> Iterator[Page]:
    page = lab.open(browser, name, (1280, 900))
    run_all(page)
    yield page
    page.context.close()
    lab.end_kernels()


def _press(page: Page, what: str, target: Locator, presses: int) -> list[float]:
    target.focus()
    page.evaluate(_WATCH, what)
    for number in range(presses):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("number => window.times.length > number", arg=number)
    times: list[float] = page.evaluate("() => window.times")
    return times


def _keys(page: Page) -> _Keys:
    stage = wait_for_stage(page)
    _press(page, "stage", stage, 3)  # the first ones fill caches
    processor = Processor(page)
    times = _press(page, "stage", stage, _PRESSES)
    cpu = processor.spent() / _PRESSES
    page.wait_for_timeout(200)  # what the browser says comes late, and only of what took 16 ms
    said: list[float] = page.evaluate("() => window.durations")
    said += [_LEAST_SAID] * (_PRESSES - len(said))
    page.evaluate(_COUNT)
    for _ in range(_BURST):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(_BURST_PAUSE)
    page.wait_for_timeout(500)
    seen = page.evaluate("() => window.pictures.size - 1")  # the first one was there before
    return _Keys(times, said, cpu, seen)


def _redraws(page: Page) -> list[float]:
    handle = page.locator(".jupyter-widgets .noUi-handle").first
    handle.scroll_into_view_if_needed()
    return _press(page, "image", handle, 10)


def _first(browser: Browser, lab: Lab) -> float:
    page = lab.open(browser, lab.write("first.ipynb", [_FIRST]))
    took: float = page.evaluate(_RUN)
    page.context.close()
    lab.end_kernels()
    return took
