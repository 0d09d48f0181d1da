"""Nothing is cut off: long source lines, the views beside the window, pageblocks, two stages in a box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.expecting import expect
from tests.browser.test_exported_page import see, stage_on
from tests.browser.test_time_travel import INSIDE
from thplab.export import page as make_page
from thplab.reading.memory import frame_keys
from thplab.recording import Recording, record_scenario
from thplab.scenario import scenario
from thplab.stage import PRESETS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

#: How many pixels of an element are out of sight: in width, in height.
HIDDEN = "(node) => [node.scrollWidth - node.clientWidth, node.scrollHeight - node.clientHeight]"
FRAMES = 512  # of a pageblock


def hidden_at_last(page: Page, part: str) -> list[int]:
    """What is hidden when the views have found their size: the type is fitted in a frame of its own."""
    for _ in range(40):
        hidden: list[int] = page.locator(part).evaluate(HIDDEN)
        if hidden == [0, 0]:
            break
        page.wait_for_timeout(50)
    return hidden


@pytest.fixture(scope="module")
def context_page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    yield page
    page.close()


def open_page(page: Page, folder: Path, recording: Recording, step: int, **options: object) -> Page:
    file = folder / "page.html"
    file.write_text(make_page(recording, step, **options), "utf-8")
    page.goto(file.as_uri())
    stage_on(page)
    return page


def line_texts(recording: Recording) -> Iterator[tuple[int, str]]:
    """Moments with a line, and that line."""
    texts = {source["file"]: source["text"].splitlines() for source in recording.header["sources"]}
    for number in range(len(recording)):
        moment = recording.moment(number)
        if moment.kind == "line" and moment.file in texts:
            yield number, texts[moment.file][moment.line - 1]


def test_the_longest_line_that_runs_can_be_read(
    context_page: Page, refused: Recording, tmp_path: Path
) -> None:
    step, text = max(line_texts(refused), key=lambda found: len(found[1]))
    page = open_page(context_page, tmp_path, refused, step, views=INSIDE)
    line = page.locator(".ts-line[data-now]")
    expect(line).to_have_text(text.strip())
    assert line.evaluate(HIDDEN) == [0, 0]
    assert page.locator(".ts-code").evaluate(HIDDEN)[0] == 0


def test_each_pageblock_is_drawn_or_said_to_stay_free(
    context_page: Page, note: Recording, tmp_path: Path
) -> None:
    page = open_page(context_page, tmp_path, note, 0, views=PRESETS["memory"])
    drawn = {int(text) for text in page.locator(".ts-pageblock strong").all_inner_texts()}
    moments = range(0, len(note), len(note) // 40)
    used = {
        frame // FRAMES
        for moment in (*moments, len(note) - 1)
        for frame, key in enumerate(frame_keys(note.state(moment)))
        if key != "free"
    }
    assert drawn == used
    free = f"{max(used - {max(used)}) + 1} to {max(used) - 1}"
    said = f"Pageblocks {free}: free from the first to the last moment."
    expect(page.locator(".ts-unused")).to_have_text(said)


@pytest.mark.parametrize("preset", ["memory", "space", "locks", "walk", "trace"])
def test_what_stands_beside_the_window_needs_no_scrolling(
    context_page: Page, note: Recording, tmp_path: Path, preset: str
) -> None:
    isolate = note.find_call("__collapse_huge_page_isolate") or 0
    page = open_page(context_page, tmp_path, note, isolate + 4400, views=PRESETS[preset])
    for presenting in (False, True):
        if presenting:
            page.keyboard.press("p")
            page.wait_for_function("() => document.fullscreenElement")
        for step in (isolate + 4401, len(note) - 1):
            page.evaluate("(step) => { location.hash = `#${step}`; }", step)
            see(page, step)
            for part in (".ts-below", ".thplab-stage"):
                assert hidden_at_last(page, part) == [0, 0], (presenting, step, part)
    page.keyboard.press("p")
    page.wait_for_function("() => !document.fullscreenElement")


def test_a_long_story_makes_no_stage_wider_than_its_place(context_page: Page, tmp_path: Path) -> None:
    """Also where the window is not shown: the story ends in an ellipsis, and the right margin stays."""
    told = replace(
        scenario("S07.two_faults"), story="A page is pinned, and after it come too many holes. " * 5
    )
    recording = record_scenario(told, depth="events")
    page = open_page(context_page, tmp_path, recording, 0, views=["trace", "ledger"])
    margins = page.locator(".ts-frame").evaluate("""(frame) => {
      const head = frame.querySelector(".ts-head").getBoundingClientRect();
      const place = frame.getBoundingClientRect();
      return [head.left - place.left, place.right - head.right];
    }""")
    assert margins[1] == pytest.approx(margins[0], abs=1)
