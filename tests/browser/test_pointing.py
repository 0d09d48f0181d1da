"""Pointing at a thing in one view lights it in the others, and says what it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.expecting import expect
from tests.browser.modules import as_text, page_with_modules
from tests.browser.test_what_if import MOUNT
from thplab.ledger import Meter
from thplab.recording import Recording, record_scenario

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
VIEWS = ["window", "source", "stack", "locks", "lanes", "trace", "memory", "space"]


@pytest.fixture(scope="module")
def race() -> Recording:
    return record_scenario("S08.race.munmap.after_fence", alongside=Meter)


@pytest.fixture(scope="module")
def page(browser: Browser, race: Recording) -> Iterator[Page]:
    page = page_with_modules(browser)
    page.evaluate(MOUNT, [[as_text(race)], {"views": VIEWS}, False])
    yield page
    page.close()


def go(page: Page, moment: int | None) -> None:
    assert moment is not None
    page.keyboard.press("Escape")
    page.evaluate("(step) => handle.go(step)", moment)
    page.locator(".thplab-stage").focus()


def said(page: Page, *words: str) -> None:
    """Wait until all of this is said of what was pointed at."""
    for each in words:
        expect(page.locator(".ts-pointed")).to_contain_text(each)


def test_a_lock_lights_who_holds_it_and_who_waits(page: Page, race: Recording) -> None:
    go(page, race.find_call("_publish_huge_pmd"))
    page.get_by_role("button", name="mmap_lock a", exact=True).click()
    expect(page.locator(".ts-locks [data-lit]")).to_have_count(1)
    assert page.locator(".ts-lane [data-lit]").all_inner_texts()[0].startswith("waits for mmap_lock a")
    expect(page.locator(".ts-lane [data-lit]")).to_have_count(2)
    said(page, "held by khugepaged (write)", "a waits for it (write)")
    before = page.locator(".thplab-stage").get_attribute("data-step") or ""
    page.locator(".ts-pointed .ts-link").first.click()
    expect(page.locator(".thplab-stage")).not_to_have_attribute("data-step", before)
    step = int(page.locator(".thplab-stage").get_attribute("data-step") or 0)
    lock = next(lock for lock in race.state(step).objects("Lock") if lock.label == "mmap_lock a")
    values = [
        [race.state(n).get(lock, f) for f in ("writer", "readers", "waiters")] for n in (step - 1, step)
    ]
    assert values[0] != values[1]


def test_an_entry_lights_its_frame_and_its_mapping_and_names_its_owner(page: Page, race: Recording) -> None:
    go(page, 0)
    page.keyboard.press("]")
    expect(page.locator(".ts-vma[data-lit]")).to_have_count(1)
    words = page.locator(".ts-window .ts-about")
    expect(words).to_contain_text(" of a: refcount 1, mapcount 1")
    pfn = words.inner_text().split("pfn ")[1].split(" ")[0]
    expect(page.locator(".ts-memory .ts-about")).to_contain_text(pfn)
    page.get_by_role("button", name="0x100000000000 to").first.click()
    said(page, "A mapping of a: 0x100000000000 to 0x100000200000, r w hugepage: 1x a table")


def test_a_line_says_how_often_it_runs(page: Page, race: Recording) -> None:
    isolate = race.find_call("__collapse_huge_page_isolate")
    go(page, isolate and isolate + 400)
    page.keyboard.press("z")
    step = int(page.locator(".thplab-stage").get_attribute("data-step") or 0)
    moment = race.moment(step)
    s, functions = race.sections, race.header["functions"]
    times = sum(
        s["m_kind"][n] == 0
        and s["m_line"][n] == moment.line
        and functions[s["f_function"][s["m_frame"][n]]]["file"] == moment.file
        for n in range(1, len(race) - 1)
    )
    said(page, f"{moment.file}:{moment.line}, in {moment.function}", f"runs {times} times in this run")
    expect(page.locator(".ts-line[data-lit]")).to_have_attribute("data-n", str(moment.line))
    expect(page.locator(".ts-frames [data-lit]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("[data-lit]")).to_have_count(0)
    expect(page.locator(".ts-pointed")).to_be_hidden()


def test_a_trace_line_lights_the_frame_it_names(page: Page, race: Recording) -> None:
    go(page, len(race) - 1)
    page.locator(".ts-trace-lines button").first.click()
    pfn = race.header["trace"][0]["fields"]["scan_pfn"]
    expect(page.locator(".ts-memory .ts-about")).to_contain_text(f"pfn {pfn}")
