"""What the browser and the kernel tell each other, and what becomes of the picture without a kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.jupyterlab import Lab, ask_python, run_all, step_of, wait_for_stage
from tests.stage.conftest import SMALL
from thplab.recording import Recording
from thplab.stage import PRESETS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

MANY = 1000
CELL = f"""
import ipywidgets
from thplab.recording import record_scenario
from thplab.scenario import Scenario
from thplab.stage import Stage
recording = record_scenario(Scenario.from_data({SMALL!r}))
stage, follower = Stage(recording, granularity="line"), Stage(recording)
ipywidgets.jslink((stage, "shown"), (follower, "step"))
ipywidgets.VBox([stage, follower])
"""
BURST = """(root, count) => {
  const key = "ArrowRight";
  for (let i = 0; i < count; i++) root.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}"""


@pytest.fixture(scope="module")
def page(lab: Lab, browser: Browser) -> Iterator[Page]:
    page = lab.open(browser, lab.write("python.ipynb", [CELL]))
    run_all(page)
    yield page
    page.context.close()


@pytest.fixture
def stage(page: Page) -> Locator:
    """The first stage, focused, at its start."""
    stage = wait_for_stage(page)
    stage.press("Home")
    see(page, stage, 0)
    return stage


def see(page: Page, stage: Locator, step: int) -> None:
    handle = stage.element_handle()
    page.wait_for_function("([root, step]) => root.dataset.step === step", arg=[handle, str(step)])


def trait(page: Page, name: str, wanted: Any) -> None:
    """Wait until Python sees this value."""
    for _ in range(50):
        told = json.loads(ask_python(page, f"import json; print(json.dumps(stage.{name}))"))
        if told == wanted:
            return
        page.wait_for_timeout(50)
    assert told == wanted


def test_bookmarks_and_guesses_are_told_to_python_and_taken_from_it(
    page: Page, stage: Locator, small: Recording
) -> None:
    scan = small.find_call("scan_pmd")
    stage.press("ArrowRight")
    stage.press("k")
    trait(page, "bookmarks", [1])
    ask_python(page, "stage.bookmarks = [1, 7, 9]")
    stage.locator(".ts-mark").nth(2).wait_for()
    stage.press("j")
    see(page, stage, 7)
    stop = {"step": scan, "ask": "How many?", "choices": ["2", "4"], "answer": "4"}
    ask_python(page, f"stage.stops = [{stop!r}]")
    stage.press("Home")
    stage.press("PageDown")
    see(page, stage, scan or 0)
    stage.locator(".ts-ask button", has_text="4").click()
    trait(page, "guesses", {str(scan): "4"})
    ask_python(page, "stage.stops = []")


def test_granularity_and_views_are_taken_from_python(page: Page, stage: Locator, small: Recording) -> None:
    ask_python(page, "stage.granularity, stage.views = 'tracepoint', 'trace'")
    stage.locator('.ts-choice[aria-pressed="true"]', has_text="tracepoint").wait_for()
    shown = stage.locator("[data-view]:visible").evaluate_all("(nodes) => nodes.map((n) => n.dataset.view)")
    assert sorted(shown) == sorted(PRESETS["trace"])
    stage.press("ArrowRight")
    see(page, stage, small.sections["g_tracepoint"][1])
    ask_python(page, "stage.granularity, stage.views = 'line', []")
    chosen = stage.locator('.ts-choice[aria-pressed="true"]', has_text="line")
    chosen.wait_for(state="attached")


def test_a_thousand_keys_end_on_the_right_moment_everywhere(page: Page, stage: Locator) -> None:
    follower = wait_for_stage(page, 1)
    stage.evaluate(BURST, MANY)
    see(page, stage, MANY)
    see(page, follower, MANY)
    trait(page, "shown", MANY)
    page.wait_for_timeout(300)  # a late echo of the kernel would put it back
    assert step_of(stage) == step_of(follower) == MANY


@pytest.mark.parametrize("end", ["restart", "shutdown"])
def test_without_its_kernel_the_picture_stays_and_scrubs(page: Page, stage: Locator, end: str) -> None:
    page.evaluate("(end) => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel[end]()", end)
    page.wait_for_timeout(500)
    stage.focus()
    stage.press("ArrowRight")
    see(page, stage, 1)
    stage.press("End")
    see(page, stage, int(stage.get_attribute("data-steps") or 0) - 1)
