"""The deck in Chromium, opened from the disk: live stages, a clicker, the speaker's notes, no request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from tests.browser.expecting import expect
from tests.browser.test_access import serious
from tests.browser.test_time_travel import stops_of
from tests.notebooks.execute import notebooks
from tests.stage.conftest import opening
from thplab.export.deck import Shelf, Slide, deck
from thplab.export.notebook_deck import notebook_deck
from thplab.export.notebook_slides import notebook_slides
from thplab.export.pictures import Pictures
from thplab.recording import Recording

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(small: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A title, a slide with a stage and one below it with stops, a slide with too much text."""
    shelf, data = Shelf(), small.to_bytes()
    lecture = shelf.stage(data, step=0, stops=stops_of(small), granularity="line")
    columns = [
        [Slide(["<h1>A title</h1>"], ["<p>Say hello.</p>"])],
        [Slide(["<h3>Alive</h3>", shelf.stage(data, step=5, granularity="line")]), Slide([lecture])],
        [Slide(["<p>long</p>" * 19, '<p class="fragment">last</p>'])],
        [Slide([f'<div class="fragment">{lecture}</div>'])],
    ]
    path = tmp_path_factory.mktemp("deck") / "deck.html"
    path.write_text(deck("A title", columns, shelf), "utf-8")
    return path


@pytest.fixture(scope="module")
def opened(browser: Browser, file: Path) -> Iterator[tuple[Page, list[str]]]:
    """The page, and the addresses of everything that it asks for."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: asked.append(str(error)))
    page.goto(file.as_uri())
    yield page, asked
    page.context.close()


#: Column and row of each slide, as in the address.
_ALL_SLIDES = """() => [...document.querySelectorAll(".slides > section")].flatMap((column, h) => {
  const below = [...column.querySelectorAll(":scope > section")];
  return below.length ? below.map((_, v) => `${h}/${v}`) : [`${h}/0`];
})"""
_IS_READY = """(slide) => {
  const [h, v] = slide.split("/").map(Number);
  const column = document.querySelectorAll(".slides > section")[h];
  const shown = column.querySelectorAll(":scope > section")[v] ?? column;
  return shown.matches(".present") && shown.dataset.ready !== undefined;
}"""


def at(page: Page, slide: str) -> None:
    """Wait for this slide, ready."""
    page.wait_for_function(
        """(hash) => (location.hash || "#/") === hash
          && document.querySelector("section.present:not(.stack)").dataset.ready !== undefined""",
        arg=f"#/{slide}",
    )


def step_on(page: Page, step: int) -> None:
    page.wait_for_function(
        """(step) => document.querySelector("section.present:not(.stack) .thplab-stage")?.dataset.step
          === step""",
        arg=str(step),
    )


def test_a_clicker_goes_through_the_stops_and_on(
    opened: tuple[Page, list[str]], small: Recording, file: Path
) -> None:
    page, asked = opened
    scan, collapse = (int(str(stop["step"])) for stop in stops_of(small))
    at(page, "")
    page.keyboard.press("PageDown")
    at(page, "1")
    step_on(page, 5)
    page.keyboard.press("Enter")  # the keys are the stage's
    page.keyboard.press("ArrowRight")
    step_on(page, 6)
    page.keyboard.press("Escape")  # and the deck's again
    page.keyboard.press("ArrowDown")
    at(page, "1/1")
    step_on(page, opening(small))
    for step in (scan, scan + 5, collapse):  # the middle one shows the answer
        page.keyboard.press("PageDown")
        step_on(page, step)
    page.keyboard.press("PageUp")
    step_on(page, scan)
    page.keyboard.press("PageDown")
    step_on(page, collapse)
    page.keyboard.press("PageDown")
    at(page, "2")
    last = page.locator("section.present .fragment")
    expect(last).not_to_have_class(re.compile("visible"))
    page.keyboard.press("PageDown")
    expect(last).to_have_class(re.compile("visible"))
    assert page.evaluate("() => document.querySelectorAll('.slides section section section').length") == 0
    assert asked == [file.as_uri()]


def test_a_stage_that_is_still_to_come_takes_no_key(opened: tuple[Page, list[str]], small: Recording) -> None:
    page, _ = opened
    scan = int(str(stops_of(small)[0]["step"]))
    page.evaluate("() => { location.hash = '#/3'; }")
    at(page, "3")
    fragment = page.locator("section.present .fragment")
    stage = fragment.locator(".thplab-stage")
    expect(fragment).not_to_have_class(re.compile("visible"))
    page.keyboard.press("Enter")  # nothing there yet that could take the focus
    page.keyboard.press("ArrowRight")  # the deck's: the stage appears
    expect(fragment).to_have_class(re.compile("visible"))
    step_on(page, opening(small))
    page.keyboard.press("PageDown")
    step_on(page, scan)
    page.keyboard.press("Enter")
    expect(stage).to_be_focused()
    page.keyboard.press("PageUp")  # no stop before this one: the stage goes away
    expect(fragment).not_to_have_class(re.compile("visible"))
    expect(stage).not_to_be_focused()
    page.keyboard.press("PageDown")  # shows the stage again, at the stop that still asks
    expect(fragment).to_have_class(re.compile("visible"))
    step_on(page, scan)


def test_nothing_stands_outside_its_slide(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    for slide in ("1", "1/1", "2", "3"):
        page.evaluate("(slide) => { location.hash = `#/${slide}`; }", slide)
        at(page, slide)
        over = page.locator("section.present:not(.stack)").evaluate(
            "(slide) => [slide.scrollHeight - slide.clientHeight, slide.scrollWidth - slide.clientWidth]"
        )
        assert over == [0, 0], slide


def test_no_slide_of_a_notebook_is_higher_than_the_view(browser: Browser, tmp_path: Path) -> None:
    """Of notebook 00, from the first to the last; that stages have slides of their own is tested for all."""
    path = next(path for path in notebooks() if path.stem.startswith("00"))
    file = tmp_path / "deck.html"
    file.write_text(notebook_deck(path)[0], "utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(file.as_uri())
    slides = page.evaluate(_ALL_SLIDES)
    assert len(slides) > 4
    for slide in slides:
        page.evaluate("(slide) => { location.hash = `#/${slide}`; }", slide)
        page.wait_for_function(_IS_READY, arg=slide)
        high = page.locator("section.present:not(.stack), section.present .thplab-stage").evaluate_all(
            "(all) => all.map((each) => each.scrollHeight - each.clientHeight)"
        )
        assert max(high) <= 1, slide
    page.context.close()


def test_axe_finds_nothing_serious(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    page.evaluate("() => { location.hash = '#/1'; }")
    at(page, "1")
    assert serious(page, ".reveal") == []


def test_the_speaker_has_a_window_with_notes(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    page.evaluate("() => { location.hash = '#/'; }")
    at(page, "")
    with page.context.expect_page() as waiting:
        page.keyboard.press("s")
    speaker = waiting.value
    speaker.locator(".speaker-controls-notes .value", has_text="Say hello.").wait_for()
    now = speaker.frame_locator("#current-slide iframe").locator("section.present")
    expect(now.locator("h1")).to_have_text("A title")
    speaker.close()


def test_links_lead_within_the_deck_or_beside_it_and_take_no_key_from_it(
    browser: Browser, tmp_path: Path
) -> None:
    texts = ("# First\n\n[on](#The-last-one) [away](https://example.org/x)", "# Second", "# The last one")
    cells = [nbformat.v4.new_markdown_cell(text) for text in texts]
    columns = notebook_slides(nbformat.v4.new_notebook(cells=cells), Pictures(), Shelf())
    file = tmp_path / "deck.html"
    file.write_text(deck("A title", columns, Shelf()), "utf-8")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())
    page.wait_for_function(_IS_READY, arg="0/0")
    page.get_by_role("link", name="on", exact=True).click()
    page.wait_for_function(_IS_READY, arg="2/0")
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")
    page.wait_for_function(_IS_READY, arg="0/0")
    page.context.route("https://example.org/**", lambda route: route.fulfill(body="there"))
    with page.context.expect_page() as waiting:
        page.get_by_role("link", name="away").click()
    assert waiting.value.evaluate("() => [window.opener, document.referrer]") == [None, ""]
    page.get_by_role("link", name="away").focus()
    page.keyboard.press("PageDown")
    page.wait_for_function(_IS_READY, arg="1/0")
    assert said == []
    page.context.close()
