"""Finding moments, stopping at them, bookmarks, links, stops that ask, presenting: by real keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.expecting import expect
from tests.browser.jupyterlab import step_of
from tests.browser.test_exported_page import see, stage_on
from tests.stage.conftest import opening
from thplab.export import page as make_page
from thplab.recording import Recording
from thplab.stage.link import open_link

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def context_page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    yield page
    page.close()


#: What the stage shows of the code.
INSIDE = ["window", "source", "variables", "stack"]


def open_page(page: Page, small: Recording, folder: Path, **options: object) -> Page:
    file = folder / "page.html"
    file.write_text(make_page(small, **{"granularity": "line", "views": INSIDE, **options}), "utf-8")  # type: ignore[arg-type]
    page.goto(file.as_uri())
    stage_on(page)
    return page


@pytest.fixture
def page(context_page: Page, small: Recording, tmp_path: Path) -> Page:
    return open_page(context_page, small, tmp_path)


def moments(small: Recording, kind: str, name: str = "") -> list[int]:
    found, at = [], -1
    while (at := small.find(kind, at, name=name)) is not None:  # type: ignore[assignment]
        found.append(at)
    return found


def changes(small: Recording, cell: int) -> list[int]:
    ends, cells = small.sections["m_changes_end"], small.sections["c_cell"]
    return [n for n in range(1, len(small)) if cell in cells[ends[n - 1] : ends[n]]]


def look_for(page: Page, query: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(query)


def test_finding_a_function_goes_from_call_to_call(page: Page, small: Recording) -> None:
    calls = moments(small, "call", "scan_pmd")
    assert len(calls) > 1
    look_for(page, "fn hpage_collapse_scan_pmd")
    expect(page.locator(".ts-find output")).to_have_text(f"{len(calls)} moments")
    for number, call in enumerate(calls):
        page.keyboard.press("Enter")
        see(page, call)
        expect(page.locator(".ts-find output")).to_have_text(f"{number + 1} of {len(calls)}")
    page.keyboard.press("Shift+Enter")
    see(page, calls[-2])
    page.keyboard.press("Escape")
    expect(page.locator(".ts-find")).to_be_hidden()
    page.keyboard.press("m")
    see(page, calls[-1])
    page.keyboard.press("Shift+M")
    see(page, calls[-2])


@pytest.mark.parametrize("query", ["counter full_scans", "counter pgalloc", "addr 0x1000000", "pfn 0x100003"])
def test_finding_a_change(page: Page, small: Recording, query: str) -> None:
    kind, name = query.split()
    if kind == "counter":
        cell = small.cell_of("khugepaged.full_scans") if name == "full_scans" else small.counter_cell(name)
        wanted = changes(small, cell)
    elif kind == "addr":  # the one PMD entry above the window, set to none, then to the huge page
        wanted = [n for n in range(1, len(small)) if _walked(small, n) != _walked(small, n - 1)]
    else:
        wanted = sorted({n for cell in small.frame_cells(int(name, 16)) for n in changes(small, cell)})
    look_for(page, query)
    page.keyboard.press("Enter")
    if not wanted:
        expect(page.locator(".ts-find output")).to_have_text("no such moment")
        return
    see(page, wanted[0])


def _walked(small: Recording, step: int) -> list[int]:
    from thplab.reading.window import walk

    state = small.state(step)
    return [each.entry for each in walk(small, state, state.objects("Mm")[0], 0x1000000)]


def test_what_is_not_there_is_said(page: Page, small: Recording) -> None:
    look_for(page, "no such words")
    expect(page.locator(".ts-find output")).to_have_text("no such moment")
    page.keyboard.press("Enter")
    assert step_of(stage_on(page)) == opening(small)


def test_playing_stops_at_a_match(context_page: Page, small: Recording, tmp_path: Path) -> None:
    call = small.find_call("scan_pmd")
    assert call is not None
    page = open_page(context_page, small, tmp_path, step=call - 12)
    look_for(page, "fn scan_pmd")
    page.keyboard.press("Escape")
    page.keyboard.press("I")
    for _ in range(3):
        page.keyboard.press(".")
    page.keyboard.press(" ")
    see(page, call)
    page.wait_for_timeout(300)
    assert step_of(stage_on(page)) == call


@pytest.mark.parametrize(("key", "kind"), [("r", "verdict"), ("l", "lock")])
def test_the_next_and_previous_of_a_kind(page: Page, small: Recording, key: str, kind: str) -> None:
    if kind == "verdict":
        wanted = moments(small, "verdict")
    else:
        state = small.state(0)
        cells = {lock.base + lock.fields.index(name) for lock in state.objects("Lock")
                 for name in ("writer", "readers")}  # fmt: skip
        wanted = sorted({n for cell in cells for n in changes(small, cell)})
    for step in wanted[:3]:
        page.keyboard.press(key)
        see(page, step)
    page.keyboard.press(f"Shift+{key.upper()}")
    see(page, wanted[1])


def test_bookmarks(page: Page, small: Recording) -> None:
    first = opening(small)
    for _ in range(2):
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("k")
    see(page, first + 6)
    page.keyboard.press("Home")
    for step in (first + 3, first + 6):
        page.keyboard.press("j")
        see(page, step)
    page.keyboard.press("Shift+J")
    see(page, first + 3)
    expect(page.locator(".ts-mark")).to_have_count(2)
    page.keyboard.press("k")
    expect(page.locator(".ts-mark")).to_have_count(1)


def test_a_link_opens_the_same_moment(page: Page, small: Recording) -> None:
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("y")
    recording, step = open_link(page.locator(".ts-link-row input").input_value())
    assert step == opening(small) + 7
    assert recording.to_bytes() == small.to_bytes()
    page.keyboard.press("Escape")
    expect(page.locator(".ts-link-row")).to_be_hidden()


def test_zero_goes_back_to_where_it_began(context_page: Page, small: Recording, tmp_path: Path) -> None:
    page = open_page(context_page, small, tmp_path, step=120, views=["window", "locks"])
    for key in ("g", "]", "End", "u", "?", "x", "/"):
        page.keyboard.press(key)
    page.keyboard.press("Escape")
    page.locator(".ts-switch", has_text="Window").click()
    stage_on(page).focus()
    page.keyboard.press("0")
    see(page, 120)
    shown = page.locator("[data-view]:visible").evaluate_all("(nodes) => nodes.map((n) => n.dataset.view)")
    assert sorted(shown) == ["locks", "window"]
    expect(page.locator('.ts-choice[aria-pressed="true"]')).to_have_text("line")
    expect(page.locator("[data-selected]")).to_have_count(0)


def stops_of(small: Recording) -> list[dict[str, object]]:
    scan, collapse = small.find_call("scan_pmd"), small.find_call("collapse_huge_page")
    assert scan is not None
    assert collapse is not None
    return [
        {"step": scan, "title": "The scan", "ask": "How many holes?", "choices": ["2", "4"], "answer": "4",
         "shows": scan + 5, "notes": "Wait for hands."},
        {"step": collapse, "title": "The collapse", "views": ["stack"]},
    ]  # fmt: skip


@pytest.fixture
def lecture(context_page: Page, small: Recording, tmp_path: Path) -> Page:
    return open_page(context_page, small, tmp_path, stops=stops_of(small))


def test_a_stop_asks_before_it_shows(lecture: Page, small: Recording) -> None:
    scan = small.find_call("scan_pmd") or 0
    lecture.keyboard.press("End")
    see(lecture, scan)
    lecture.keyboard.press("ArrowRight")
    lecture.wait_for_timeout(100)
    assert step_of(stage_on(lecture)) == scan
    lecture.locator(".ts-ask button", has_text="2").press("Enter")
    expected = "You expected: 2. Step on: the run will show it."
    expect(lecture.locator(".ts-guess > span")).to_have_text(expected)
    assert step_of(stage_on(lecture)) == scan
    for _ in range(5):
        lecture.keyboard.press("ArrowRight")
    see(lecture, scan + 5)
    expect(lecture.locator(".ts-guess > span")).to_have_text("You expected: 2. ✗ It is: 4.")


def test_presenting_with_a_clicker(lecture: Page, small: Recording) -> None:
    scan, collapse = (int(str(stop["step"])) for stop in stops_of(small))
    stage = stage_on(lecture)
    lecture.keyboard.press("p")
    lecture.wait_for_function("() => document.fullscreenElement?.classList.contains('thplab-stage')")
    expect(lecture.locator(".ts-source")).to_be_hidden()
    assert re.fullmatch(r"\d+:\d\d", lecture.locator(".ts-timer").inner_text())
    lecture.keyboard.press("c")
    expect(lecture.locator(".ts-source")).to_be_visible()
    lecture.keyboard.press("PageDown")
    see(lecture, scan)
    lecture.keyboard.press("PageDown")  # without a guess, to the moment that shows the answer
    see(lecture, scan + 5)
    lecture.keyboard.press("PageDown")
    see(lecture, collapse)
    lecture.keyboard.press("PageUp")
    see(lecture, scan)
    for key in ("b", "."):
        lecture.keyboard.press(key)
        expect(stage).to_have_attribute("data-blank", "")
        expect(lecture.locator(".ts-sentence")).to_be_hidden()
        lecture.keyboard.press(key)
        expect(stage).not_to_have_attribute("data-blank", "")
    expect(lecture.locator(".ts-notes")).to_be_hidden()
    lecture.keyboard.press("s")
    expect(lecture.locator(".ts-notes")).to_contain_text("Wait for hands.\nNext: The collapse")
    lecture.keyboard.press("p")
    lecture.wait_for_function("() => !document.fullscreenElement")
    expect(stage).not_to_have_attribute("data-presenting", "")
    expect(lecture.locator(".ts-timer")).to_be_hidden()


def test_a_spotlight_leaves_one_view(page: Page) -> None:
    visible = page.locator("[data-view]:visible")
    everything = visible.count()
    page.keyboard.press("4")
    expect(visible).to_have_count(1)
    assert visible.evaluate_all("(nodes) => nodes.map((node) => node.dataset.view)") == ["stack"]
    page.keyboard.press("4")
    expect(visible).to_have_count(everything)


def test_pointing_at_a_frame_lights_its_entry_and_says_what_it_is(
    context_page: Page, small: Recording, tmp_path: Path
) -> None:
    page = open_page(context_page, small, tmp_path, views=["window", "memory", "buddy", "space"])
    page.keyboard.press("]")
    number = (_walked(small, 0)[3] & 0xFFFFFFFFFF000) >> 12
    expect(page.locator(".ts-memory .ts-about")).to_contain_text(f"anonymous page · pfn {number:#x} of a:")
    page.keyboard.press("Escape")
    block, inside = divmod(number - small.state(0).path("mem_map.start_pfn"), 16)
    box = page.locator(".ts-block").nth(block).bounding_box()
    assert box
    width, height = box["width"] / 8, box["height"] / 2
    page.mouse.click(box["x"] + (inside % 8 + 0.5) * width, box["y"] + (inside // 8 + 0.5) * height)
    expect(page.locator("[data-selected]")).to_have_attribute("data-entry", "0")
