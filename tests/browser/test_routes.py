"""Three machines side by side in a page: keys, slider, text twin, and letters that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.expecting import expect
from tests.browser.jupyterlab import Lab, ask_python, run_all
from tests.browser.modules import page_with_modules
from tests.browser.test_scenes import LETTERS, UNREADABLE
from thplab.export.routes_page import routes_page
from thplab.lessons.runs.routes import three_routes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

STEP = "() => document.querySelector('.thplab-stage').dataset.step"


# What a notebook gives a widget: traits that are read, written and listened to.
AS_WIDGET = """async (data) => {
  const { default: program } = await import("/widget.js");
  const traits = { data, step: 0, shown: 0, theme: "" };
  const listeners = {};
  const model = {
    get: (name) => traits[name],
    set: (name, value) => { traits[name] = value; },
    on: (event, listener) => { listeners[event] = listener; },
    off: (event) => { delete listeners[event]; },
    save_changes: () => {},
  };
  const host = document.querySelector("main");
  const stop = program.routes({ model, el: host });
  const seen = [];
  traits.step = 2;
  listeners["change:step"]();
  seen.push(traits.shown);
  host.querySelector("button").click();
  seen.push(traits.shown);
  stop();
  return [...seen, host.childElementCount, Object.keys(listeners).length];
}"""


def test_widget_follows_python_and_says_where_the_reader_is(browser: Browser) -> None:
    page = page_with_modules(browser)
    assert page.evaluate(AS_WIDGET, three_routes().data) == [2, 1, 0, 0]
    page.close()


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    file = tmp_path / "routes.html"
    file.write_text(routes_page(three_routes()))
    page = browser.new_page()
    page.goto(file.as_uri())
    page.wait_for_selector(".sc-picture text")
    yield page
    page.close()


def test_keys_and_slider_go_to_the_three_moments(page: Page) -> None:
    assert page.evaluate(STEP) == "0"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(STEP) == "1"
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(STEP) == "2"
    page.keyboard.press("b")
    assert page.evaluate(STEP) == "1"
    page.locator("input[type=range]").fill("0")
    assert page.evaluate(STEP) == "0"


def test_text_takes_the_place_of_the_picture(page: Page) -> None:
    page.keyboard.press("n")
    page.keyboard.press("x")
    assert page.locator(".sc-routes-text").inner_text() == three_routes().text(1)
    assert not page.locator(".sc-picture").is_visible()
    page.keyboard.press("x")
    assert page.locator(".sc-picture").is_visible()


@pytest.mark.parametrize("width", [390, 862, 930, 1880])
def test_every_letter_is_readable(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1000})
    for _ in range(3):
        page.wait_for_timeout(100)
        assert not page.evaluate(UNREADABLE, LETTERS)
        page.keyboard.press("ArrowRight")


# On a telephone the whole of it is at most so high, and as high at every moment.
PHONE, HIGHEST = {"width": 390, "height": 844}, 700
CUT = """() => [...document.querySelectorAll(".sc-parts li, .sc-routes-controls *")]
  .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.textContent)"""


def test_telephone_shows_all_three_at_once(page: Page) -> None:
    page.set_viewport_size(PHONE)
    heights = set()
    for _ in range(3):
        page.wait_for_timeout(100)
        box = page.locator(".thplab-stage").bounding_box()
        assert box
        heights.add(box["height"])
        assert not page.evaluate(CUT)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("ArrowRight")
    assert len(heights) == 1
    assert heights.pop() <= HIGHEST


# In JupyterLab: keys step, Python hears of it, and a letter is no shortcut of the notebook's.
CELLS = (
    "from thplab.lessons.runs.routes import three_routes\nshown = three_routes()\nshown",
    "'another cell'",
)


@pytest.mark.long
def test_widget_in_jupyterlab(lab: Lab, browser: Browser) -> None:
    page = lab.open(browser, lab.write("routes.ipynb", CELLS))
    run_all(page)
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0; }")
    stage = page.locator(".thplab-stage.thplab-keys:has(.sc-routes)")
    stage.locator(".sc-picture text").first.wait_for()
    stage.focus()
    for key, step in (("ArrowRight", "1"), ("n", "2"), ("b", "1"), ("End", "2")):
        page.keyboard.press(key)
        expect(stage).to_have_attribute("data-step", step)
    cells = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    for letter in ("a", "x", "d", "d", "x", "m"):
        page.keyboard.press(letter)
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length") == cells
    kinds = "() => window.jupyterapp.shell.currentWidget.content.widgets.map((each) => each.model.type)"
    assert page.evaluate(kinds) == ["code"] * cells
    assert ask_python(page, "print(shown.shown)") == "2"
    ask_python(page, "shown.step = 1")
    expect(stage).to_have_attribute("data-step", "1")
    assert not page.evaluate(UNREADABLE, LETTERS)
    page.context.close()
