"""Three machines side by side in a page: keys, slider, text twin, and letters that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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


@pytest.mark.parametrize("width", [390, 930, 1880])
def test_every_letter_is_readable(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1000})
    for _ in range(3):
        page.wait_for_timeout(100)
        assert not page.evaluate(UNREADABLE, LETTERS)
        page.keyboard.press("ArrowRight")
