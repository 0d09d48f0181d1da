"""What can be chosen in a scene: by key and pointer, shown, said, and gone into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.modules import as_text, page_with_modules
from tests.browser.test_scenes import MADE
from tests.recording.compacting import COMPACTING
from tests.recording.story.telling import all_told
from tests.recording.story.test_values import SHORT
from tests.sampling import sample
from thplab.recording import Recording, record_scenario
from thplab.recording.recording import Sentence

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

MOUNT = """async ([text, python]) => {
  const { mount } = await import("/stage.js");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  globalThis.handle?.destroy();
  globalThis.sent = [];
  const onEdit = python ? (message) => sent.push(message) : null;
  const main = document.querySelector("main");
  globalThis.handle = await mount(main, bytes, { views: ["scene"], onEdit });
  document.querySelector(".thplab-stage").focus();
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    yield page
    page.close()


@pytest.fixture(scope="module")
def eight() -> Recording:
    """A process with eight windows, of which the first has pages."""
    return record_scenario("S07.none_411", depth="functions")


def told(made: Recording, kind: str) -> list[Sentence]:
    return [each for each in all_told(made) if each.kind == kind]


def show(page: Page, made: Recording, step: int, *, python: bool = False) -> None:
    page.evaluate(MOUNT, [as_text(made), python])
    page.evaluate("(step) => handle.go(step)", step)


#: Each key of a burst has a frame of its own.
FRAMES = """() => new Promise((done) => {
  const wait = (left) => (left ? requestAnimationFrame(() => wait(left - 1)) : done(null));
  wait(4);
})"""


#: The middle of each block of a zone.
BLOCKS = """() => [...document.querySelectorAll(".sc-picture rect.sc-paper")]
  .map((block) => block.getBoundingClientRect())
  .map(({ x, y, width, height }) => [x + width / 2, y + height / 2])"""


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)
    page.evaluate(FRAMES)


def said(page: Page) -> str:
    return page.locator(".sc-spoken").text_content() or ""


def step_of(page: Page) -> int:
    return int(page.evaluate("() => handle.stage.moment.step"))


def test_windows_of_a_process_are_chosen_by_key_and_entered(page: Page, eight: Recording) -> None:
    """The cursor is at window 2 when window 1 has been paid for."""
    show(page, eight, told(eight, "window_paid")[1].moment)
    assert said(page) == ""
    for key, window in (("]", 2), ("]", 3), ("[", 2), ("[", 1)):
        press(page, key)
        assert said(page).startswith(f"Chosen: window {window}: ")
    assert said(page).endswith("refused, all empty")
    box = page.locator(".sc-chosen").bounding_box()
    named = page.locator(".sc-named").bounding_box()
    assert box
    assert named
    assert abs(box["x"] + box["width"] / 2 - named["x"] - named["width"] / 2) < 2
    for _ in range(2):
        press(page, "]")
    press(page, "Enter")
    looks = [each.moment for each in told(eight, "looks") if each.values["window"] == "window 3"]
    assert step_of(page) == looks[0]
    assert said(page) == ""


def test_processes_of_a_pass_are_chosen_by_key_and_entered(page: Page) -> None:
    busy = record_scenario("S06.busyA", depth="functions")
    nap = told(busy, "nap")[0].moment
    show(page, busy, nap)
    press(page, "]")
    assert said(page) == "Chosen: process keeper, 1 unit in this pass"
    press(page, "[")
    press(page, "[")
    assert said(page) == "Chosen: process a, passed by, busy"
    press(page, "Enter")
    visits = [each.moment for each in told(busy, "visit") if each.values["mm"] == "a"]
    assert step_of(page) == next(moment for moment in visits if moment > nap)


@pytest.mark.parametrize("name", ["pins", "small16"])
@pytest.mark.parametrize("width", [390, 930])
def test_blocks_of_a_zone_are_chosen_by_key_and_pointer(page: Page, name: str, width: int) -> None:
    """Every block; Enter goes to a moment at which the block is told of."""
    page.set_viewport_size({"width": width, "height": 900})
    made = COMPACTING[name]("6.18")
    batches = told(made, "batch")
    show(page, made, batches[len(batches) // 2].moment)
    press(page, "]")
    [first] = re.findall(r"Chosen: block (\d+): \d+ of \d+ frames free", said(page))
    seen = [int(first)]
    blocks = page.evaluate(BLOCKS)
    assert len(blocks) > 1
    for _ in range(len(blocks) - 1):
        press(page, "]")
        seen.append(int(said(page).split()[2].rstrip(":")))
    assert seen == [(seen[0] + i) % len(blocks) for i in range(len(blocks))]
    for block, (x, y) in enumerate(blocks):
        page.mouse.click(x, y)
        page.evaluate(FRAMES)
        assert said(page).startswith(f"Chosen: block {block}: ")
        assert page.locator(".sc-chosen").count() == 1
    block = int(batches[0].values["block"])
    page.mouse.click(*blocks[block])
    press(page, "x")
    assert f"Chosen: block {block}: " in (page.locator(".ts-text").text_content() or "")
    press(page, "x")
    press(page, "Enter")
    moments = {each.moment for each in all_told(made) if each.values.get("block") == block}
    assert step_of(page) in moments


def test_escape_chooses_nothing(page: Page, eight: Recording) -> None:
    show(page, eight, told(eight, "window_paid")[1].moment)
    press(page, "]")
    assert said(page)
    press(page, "Escape")
    assert said(page) == ""
    assert page.locator(".sc-chosen").count() == 0


@pytest.mark.parametrize("entries", [16, 512])
def test_entries_are_selected_and_painted_in_the_scene(page: Page, eight: Recording, entries: int) -> None:
    made = eight if entries == 512 else record_scenario(MADE["small tables"], depth="functions")
    show(page, made, told(made, "reads")[0].moment, python=True)
    assert page.evaluate("() => handle.stage.selection.selected") is None
    table = page.locator(".sc-picture rect.sc-paper").first.bounding_box()
    assert table
    columns = 8 if entries == 16 else 32
    pitch = table["width"] / columns
    x, y = table["x"] + pitch * 3.5, table["y"] + pitch * 1.5
    page.mouse.click(x, y)
    page.evaluate(FRAMES)
    assert said(page) == f"Chosen: entry {columns + 3}: not read yet"
    assert page.evaluate("() => handle.stage.selection.selected") == columns + 3
    press(page, "q")
    page.locator(".thplab-stage").focus()
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + pitch, y, steps=4)
    page.mouse.up()
    page.wait_for_function("() => handle.stage.edit.painted.size === 2")
    page.evaluate(FRAMES)
    painted = page.evaluate("() => [...handle.stage.edit.painted.keys()]")
    assert painted == [columns + 3, columns + 4]
    assert page.locator(".sc-w-painted").count() == 1
    for key in ("]", "]", "Enter"):
        press(page, key)
    page.wait_for_function("() => handle.stage.edit.painted.size === 3")
    painted = page.evaluate("() => [...handle.stage.edit.painted.keys()]")
    assert painted == [columns + 3, columns + 4, columns + 5]


def test_an_entry_is_marked_where_it_was_and_where_it_goes(page: Page) -> None:
    """Of 512 entries the first 100 map a page; from the first one back it is one step to the last."""
    made = record_scenario("S08.100of512", depth="functions")
    show(page, made, told(made, "isolated")[0].moment)
    seen = set[int]()
    for key in ("]", "]", "[", "[", "["):
        press(page, key)
        number = int(said(page).removeprefix("Chosen: entry ").partition(":")[0])
        is_hole = "a hole" in said(page)
        assert is_hole == (number >= 100)
        assert page.locator(".sc-chosen").count() == (1 if is_hole else 2)
        seen.add(number)
    assert max(seen) >= 100 > min(seen)


#: Each link of the trail, and the words of it that have a meaning.
CRUMBS = """async (steps) => {
  const { wordsIn, functionsOf } = await import("/data/words.js");
  const found = new Map();
  for (const step of steps) {
    handle.go(step);
    for (const { textContent } of document.querySelectorAll(".sc-crumb"))
      found.set(textContent, [...wordsIn(textContent, functionsOf(handle.stage.reader)).keys()]);
  }
  return [...found];
}"""


def test_every_link_of_the_trail_has_a_meaning(page: Page) -> None:
    """Under the pointer and by key; of each scene and of each task."""
    names = sample(SHORT, 1)
    for made in (*map(record_scenario, names), *(COMPACTING[name]("6.18") for name in ("pins", "fault"))):
        show(page, made, 0)
        crumbs = page.evaluate(CRUMBS, sample(range(len(made)), 60))
        assert crumbs
        assert not [words for words, meanings in crumbs if not meanings], made.header["title"]
