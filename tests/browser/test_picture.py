"""What stands on the canvas, by its pixels: the colours of glyphs.json, light, dark and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.test_exported_page import stage_on
from tests.browser.test_time_travel import INSIDE
from thplab.export import page as make_page
from thplab.reading.glyphs import glyphs
from thplab.reading.text import window_keys
from thplab.recording import Recording

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

#: For each entry: the colours near the corner of its field, and how many other colours stand in its middle.
PIXELS = """() => {
  const canvas = document.querySelector(".ts-picture");
  const pen = canvas.getContext("2d");
  const place = canvas.getBoundingClientRect();
  const scale = canvas.width / place.width;
  const two = (number) => number.toString(16).padStart(2, "0");
  const hex = ([r, g, b, a]) => a && "#" + [r, g, b].map(two).join("");
  return [...document.querySelectorAll(".ts-grid i")].map((cell) => {
    const box = cell.getBoundingClientRect();
    const inCanvas = [box.x - place.x, box.y - place.y, box.width, box.height];
    const [x, y, w, h] = inCanvas.map((each) => each * scale);
    const corner = hex(pen.getImageData(x + 2, y + 2, 1, 1).data);
    const inside = pen.getImageData(x + 2, y + 2, w - 4, h - 4).data;
    let ink = false;
    for (let i = 0; i < inside.length; i += 4) ink ||= hex(inside.slice(i, i + 4)) !== corner;
    return [corner, ink];
  });
}"""

#: It is drawn for this mode, and in the size that it now has.
DRAWN = """async (mode) => {
  const canvas = document.querySelector(".ts-picture");
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
  const size = Math.round(canvas.clientWidth * devicePixelRatio);
  return document.querySelector(".thplab-stage").dataset.mode === mode && canvas.width === size;
}"""


@pytest.fixture
def page(browser: Browser, refused: Recording, tmp_path: Path) -> Iterator[Page]:
    file = tmp_path / "refused.html"
    file.write_text(make_page(refused, 300, views=INSIDE), "utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    page.goto(file.as_uri())
    stage_on(page)
    yield page
    page.close()


def test_many_entries_are_drawn_where_their_elements_stand(page: Page, refused: Recording) -> None:
    keys = window_keys(refused, 300)
    assert set(keys) == {"young", "none"}
    for mode in ("dark", "light", "dark"):
        if mode == "light":  # paper is light, whatever the screen is
            page.emulate_media(media="print")
        else:
            page.emulate_media(media="screen")
        page.wait_for_function(DRAWN, arg=mode)
        colour = {glyph["key"]: glyph[mode][0] or 0 for glyph in glyphs()}
        assert page.evaluate(PIXELS) == [[colour[key], True] for key in keys], mode


def test_the_line_that_runs_next_stays_in_sight(page: Page) -> None:
    line = page.locator(".ts-line[data-now]")
    inside = """(line) => {
      const [own, box] = [line, line.closest(".ts-code")].map((node) => node.getBoundingClientRect());
      return own.top >= box.top - 1 && own.bottom <= box.bottom + 1;
    }"""
    for height in (800, 1100, 700):  # the type grows with the window
        page.set_viewport_size({"width": 1280, "height": height})
        for step in (300, 4400, 20):
            page.evaluate("(step) => { location.hash = `#${step}`; }", step)
            page.wait_for_timeout(150)
            if line.count():
                assert line.evaluate(inside), (height, step)
        page.evaluate("() => { location.hash = '#300'; }")
        page.wait_for_timeout(100)
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.wait_for_timeout(150)
    assert line.evaluate(inside)
