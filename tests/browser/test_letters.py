"""Letters have 13 pixels at least and no word is broken: each preset, on a phone, in a cell, presented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.modules import as_text, page_with_modules
from tests.sampling import sample
from thplab.reading.glyphs import views
from thplab.recording import Recording
from thplab.stage import PRESETS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

LETTERS = 13  # CSS pixels
SIZES = {390: 844, 930: 900, 1280: 720, 1366: 768, 1880: 1000}
#: Presets, and all views that none of them has.
SETS = {
    **PRESETS,
    "inside": ["window", "source", "variables", "stack"],
    "window": ["window", "walk", "counters"],
    "text": ["scene", "text"],
}
CASES = [(name, width) for name in SETS for width in SIZES]
FEW = 8

MOUNT = """async ([text, views]) => {
  const { mount } = await import("/stage.js");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  globalThis.handle?.destroy();
  globalThis.handle = await mount(document.querySelector("main"), bytes, { views });
}"""
SHOW = """([step, presenting]) => {
  handle.stage.act(() => handle.stage.present(presenting));
  handle.go(step);
  document.getAnimations().forEach((each) => each.finish());
}"""
# Texts whose letters are too small, and words that stand on two lines.
BAD = r"""(least) => {
  const found = [];
  const texts = document.createTreeWalker(handle.root, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const parent = text.parentElement;
    const seen = parent.checkVisibility({ visibilityProperty: true });
    if (!text.data.trim() || parent.closest("title, option") || !seen) continue;
    const scale = parent.closest("svg") ? parent.getScreenCTM().a : 1;
    const size = parseFloat(getComputedStyle(parent).fontSize) * scale;
    const where = parent.closest("[data-view]")?.dataset.view ?? "head and controls";
    if (size < least - 0.05) found.push(`${where}: ${size.toFixed(1)} px: ${text.data.trim()}`);
    for (const { 0: word, index } of text.data.matchAll(/[\p{L}\p{N}_]+/gu)) {
      range.setStart(text, index);
      range.setEnd(text, index + word.length);
      const boxes = [...range.getClientRects()].filter(({ width }) => width > 1);
      if (new Set(boxes.map(({ top }) => Math.round(top))).size > 1) found.push(`${where}: broken: ${word}`);
    }
  }
  for (const canvas of handle.root.querySelectorAll(".ts-picture")) {
    const size = parseFloat(getComputedStyle(canvas).fontSize);
    if (size < least - 0.05) found.push(`on the canvas: ${size} px`);
  }
  return found;
}"""
# Marks of the picture that it has no room for.
OUTSIDE = """() => {
  const picture = document.querySelector(".ts-view:not([hidden]) .sc-picture");
  const room = picture?.getBoundingClientRect();
  return [...(picture?.querySelectorAll("text, rect") ?? [])]
    .filter((mark) => mark.getBoundingClientRect().bottom > room.bottom + 1)
    .map((mark) => mark.textContent || mark.getAttribute("class"));
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    yield page
    page.close()


def show(page: Page, recording: Recording, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": SIZES[width]})
    page.evaluate(MOUNT, [as_text(recording), SETS[name]])


def bad(page: Page, recording: Recording, name: str, width: int) -> set[str]:
    """What is too small, broken or cut off in a set of views, at a few moments, also presented."""
    show(page, recording, name, width)
    found: set[str] = set()
    for presenting in (False, True):
        for step in (0, *sample(range(len(recording)), 3), len(recording) - 1):
            page.evaluate(SHOW, [step, presenting])
            page.wait_for_timeout(50)  # the type is fitted, the canvas drawn
            found |= {*page.evaluate(BAD, LETTERS), *page.evaluate(OUTSIDE)}
    return found


@pytest.mark.parametrize(("name", "width"), sample(CASES, FEW))
def test_every_letter_is_readable_and_no_word_broken(
    page: Page, note: Recording, name: str, width: int
) -> None:
    assert bad(page, note, name, width) == set()


@pytest.mark.long
@pytest.mark.parametrize(("name", "width"), CASES)
def test_every_letter_of_every_set_of_views(page: Page, note: Recording, name: str, width: int) -> None:
    assert bad(page, note, name, width) == set()


def test_every_view_is_in_a_set() -> None:
    assert {view for names in SETS.values() for view in names} == {view["name"] for view in views()}


def test_small_letters_and_broken_words_are_found(page: Page, small: Recording) -> None:
    show(page, small, "locks", 1366)
    assert page.evaluate(BAD, LETTERS) == []
    page.add_style_tag(content=".ts-said { font-size: 12px !important; width: 3em; word-break: break-all; }")
    found = page.evaluate(BAD, LETTERS)
    assert {each.split(":")[1].strip().split(" ")[0] for each in found} == {"12.0", "broken"}
