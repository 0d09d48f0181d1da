"""Motion shows how one picture comes out of the one before, and leaves nothing of itself behind."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.modules import as_text, page_with_modules
from thplab.recording import Recording, record_scenario

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

#: Longer than the time below which a step is one of many.
REST = 300
#: Pairs of neighbouring steps of the story that are looked at in a recording.
PAIRS = 8

MOUNT = """async (text) => {
  const { mount } = await import("/stage.js");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  globalThis.handle?.destroy();
  globalThis.handle = await mount(document.querySelector("main"), bytes, { views: ["scene"] });
  document.querySelector(".thplab-stage").focus();
}"""
RUNNING = """() => document.getAnimations().filter((each) => each.effect.target.closest(".sc-room")).length"""
#: All that is drawn, each mark whatever the order of its attributes.
DRAWN = """() => [...document.querySelectorAll(".ts-scene *")].map((mark) => {
  const attributes = [...mark.attributes].map(({ name, value }) => `${name}=${value}`);
  return [mark.tagName, ...attributes.sort(), mark.textContent];
})"""
#: Of each mark that moves at a step: how far from its place it begins, and how opaque it is then.
BEGINS = """(step) => {
  const middle = (node) => {
    const { x, y, width, height } = node.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  };
  const marks = [...document.querySelectorAll(".sc-picture *")];
  const before = new Map(marks.map((mark) => [mark, middle(mark)]));
  handle.go(step);
  return document.getAnimations().flatMap((each) => {
    const { target } = each.effect;
    if (!target.closest(".sc-picture") || target.matches(".sc-picture, .sc-room")) return [];
    each.pause();
    each.currentTime = 0;
    const [[x, y], [wasX, wasY]] = [middle(target), before.get(target) ?? [-999, -999]];
    return [{ off: Math.hypot(x - wasX, y - wasY), opacity: Number(getComputedStyle(target).opacity) }];
  });
}"""
GO = f"""(step) => {{
  handle.go(step);
  return ({RUNNING})();
}}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    yield page
    page.close()


@pytest.fixture(scope="module", params=["S06.busyA", pytest.param("S13.huge_zero", marks=pytest.mark.long)])
def made(request: pytest.FixtureRequest) -> Recording:
    return record_scenario(request.param, depth="functions")


def neighbours(made: Recording) -> list[tuple[int, int]]:
    """Steps of the story that follow each other: first those between which the scene changes."""
    scene = made.sections["m_scene"]
    steps = [n for n in made.sections[made.header["granularity"]["event"]] if scene[n]]
    pairs = list(pairwise(steps))
    first: dict[tuple[int, int], tuple[int, int]] = {}
    for a, b in pairs:
        first.setdefault((scene[a], scene[b]), (a, b))
    zooms = [pair for scenes, pair in first.items() if scenes[0] != scenes[1]]
    others = [pair for pair in pairs if pair not in zooms]
    return [*zooms[: PAIRS - 2], *others][:PAIRS]


def at_rest(page: Page, step: int) -> None:
    """Show a moment, and long enough nothing else."""
    page.evaluate(GO, step)
    page.wait_for_timeout(REST)
    page.wait_for_function(f"() => ({RUNNING})() === 0")


def opened_at(page: Page, made: Recording, step: int) -> Any:
    page.evaluate(MOUNT, as_text(made))
    at_rest(page, step)
    return page.evaluate(DRAWN)


def test_after_its_motion_a_picture_is_as_if_opened_there(page: Page, made: Recording) -> None:
    moved = 0
    for a, b in neighbours(made):
        page.evaluate(MOUNT, as_text(made))
        at_rest(page, a)
        moved += page.evaluate(GO, b) > 0
        page.wait_for_function(f"() => ({RUNNING})() === 0")
        assert page.evaluate(DRAWN) == opened_at(page, made, b), f"from {a} to {b}"
    assert moved, "nothing has moved"


def test_back_in_time_nothing_jumps(page: Page, made: Recording) -> None:
    """Whatever moves begins where it was drawn, and nothing flies or appears anew."""
    page.evaluate(MOUNT, as_text(made))
    seen = 0
    for a, b in neighbours(made):
        at_rest(page, b)
        began = page.evaluate(BEGINS, a)
        assert not [each for each in began if each["off"] > 1 or each["opacity"] < 1], f"from {b} to {a}"
        seen += len(began)
    assert seen, "nothing has moved"


def test_the_next_step_ends_a_motion_at_once(page: Page, made: Recording) -> None:
    steps = [step for pair in neighbours(made) for step in pair]
    last = steps[-1]
    page.evaluate(MOUNT, as_text(made))
    at_rest(page, steps[0])
    for step in steps[1:]:
        page.evaluate(GO, step)
    assert page.evaluate(RUNNING) == 0
    drawn = page.evaluate(DRAWN)
    assert drawn == opened_at(page, made, last)


def test_where_less_motion_is_wanted_nothing_moves(browser: Browser, made: Recording) -> None:
    page = page_with_modules(browser)
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(MOUNT, as_text(made))
    for a, b in neighbours(made):
        at_rest(page, a)
        assert page.evaluate(GO, b) == 0, f"from {a} to {b}"
        assert page.locator(".sc-leaving").count() == 0
    page.close()


def test_a_held_key_leaves_no_motion_behind(page: Page, made: Recording) -> None:
    page.evaluate(MOUNT, as_text(made))
    at_rest(page, neighbours(made)[0][0])
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => ({RUNNING})() === 0 && !document.querySelector('.sc-leaving')")
