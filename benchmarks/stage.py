"""The stage in JupyterLab in Chromium: a key press to the painted picture, a cell to its first picture."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.report import Figure
from tests.browser.chromium import chromium
from tests.browser.jupyterlab import Lab, serve, wait_for_stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PRESSES = 20
_KERNELS = 5
_CELL = "from thplab.stage import Stage\nStage('note')"

#: Run the first cell; milliseconds until a stage stands on the page and the next frame has come.
_RUN = """async () => {
  const app = window.jupyterapp, begin = performance.now();
  const frame = () => new Promise(requestAnimationFrame);
  app.commands.execute("notebook:run-cell");
  while (!document.querySelector(".thplab-stage[data-step]")) await frame();
  await frame();
  return performance.now() - begin;
}"""

#: From now on: milliseconds from each keydown's time stamp to the frame after the new step is shown.
_WATCH = """() => {
  const root = document.querySelector(".thplab-stage[data-step]");
  window.painted = [];
  document.addEventListener("keydown", (event) => {
    const before = root.dataset.step;
    const look = () => requestAnimationFrame(() => {
      if (root.dataset.step === before) look();
      else requestAnimationFrame(() => window.painted.push(performance.now() - event.timeStamp));
    });
    look();
  }, true);
}"""


def figures() -> list[Figure]:
    """Both figures, each cell in a new kernel."""
    first: list[float] = []
    with TemporaryDirectory() as folder, chromium() as browser, serve(Path(folder)) as lab:
        for _ in range(_KERNELS):
            page = _open(browser, lab)
            first.append(page.evaluate(_RUN))
            pressed = _presses(page)
            page.context.close()
            lab.end_kernels()
    return [
        Figure(
            "key press to painted picture", "ms", pressed,
            "ArrowRight in JupyterLab in Chromium: from the event to the frame after the new step",
            aim=34,
        ),
        Figure(
            "running the cell to the first picture", "ms", first,
            "Stage('note') in a new kernel, import and recording included, to the frame after it stands",
            aim=1000,
        ),
    ]  # fmt: skip


def _open(browser: Browser, lab: Lab) -> Page:
    return lab.open(browser, lab.write("bench.ipynb", [_CELL]))


def _presses(page: Page) -> list[float]:
    stage = wait_for_stage(page)
    stage.focus()
    page.evaluate(_WATCH)
    for number in range(_PRESSES):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("number => window.painted.length > number", arg=number)
    values: list[float] = page.evaluate("() => window.painted")
    return values
