"""Edit and branch in the browser: the row of fields, two futures on one clock, and a page without Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.expecting import expect
from tests.browser.jupyterlab import Lab, run_all, wait_for_stage
from tests.browser.modules import as_text, page_with_modules
from tests.stage.conftest import SMALL, opening
from thplab.export import page as make_page
from thplab.ledger import Meter
from thplab.reading.lanes import duration
from thplab.reading.text import TextTwin
from thplab.recording import record_scenario
from thplab.scenario import Scenario
from thplab.stage import Comparison, branch, compare

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

MOUNT = """async ([texts, options, python]) => {
  const stage = await import("/stage.js");
  const bytes = texts.map((text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
  const main = document.querySelector("main");
  window.sent = [];
  options.granularity ??= "line";
  if (python) options.onEdit = (message) => window.sent.push(message);
  const [one, two] = bytes;
  window.handle = await (two ? stage.mountPair(main, bytes, options) : stage.mount(main, one, options));
  document.querySelector(".thplab-stage").focus();
}"""


@pytest.fixture(scope="module")
def futures() -> Comparison:
    before = record_scenario("S08.clean512", depth="functions", alongside=Meter)
    return compare(before, branch(before, op="munmap 0-255", gap="after_fence"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    yield page
    page.close()


def mount(page: Page, *, python: bool = True) -> None:
    small = record_scenario(Scenario.from_data(SMALL))
    page.evaluate(MOUNT, [[as_text(small)], {"views": ["window", "locks"]}, python])


def field(page: Page, name: str) -> Any:
    return page.get_by_label(name, exact=True)


def test_what_is_written_and_painted_is_sent_and_answered(page: Page) -> None:
    mount(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("q")
    page.keyboard.type("2x swap")
    field(page, "Knobs").fill("max_ptes_none=16")
    field(page, "When").select_option("after_alloc")
    field(page, "Knobs").press("Enter")
    edit = {
        "at": opening(record_scenario(Scenario.from_data(SMALL))) + 1,
        "paint": "2x swap",
        "knobs": "max_ptes_none=16",
        "op": "",
        "gap": "after_alloc",
    }
    expect(page.get_by_role("button", name="Run on from here with this")).to_be_disabled()
    assert page.evaluate("() => sent") == [{"edit": edit}]
    refused = {"field": "knobs", "text": "16 is not accepted; allowed: an integer from 0 to 15"}
    page.evaluate("(refused) => { handle.answer({ listening: true }); handle.answer({ refused }); }", refused)
    assert page.locator(".ts-wrong:visible").all_inner_texts() == [refused["text"]]
    expect(field(page, "Knobs")).to_have_attribute("aria-invalid", "true")
    expect(field(page, "Knobs")).to_have_value("max_ptes_none=16")
    page.evaluate("() => handle.answer({ branched: true })")
    expect(field(page, "Knobs")).to_have_value("")


def test_entries_are_painted_by_keys_and_by_pointer(page: Page) -> None:
    mount(page)
    page.keyboard.press("q")
    field(page, "Paint with").select_option("pinned")
    page.locator(".thplab-stage").focus()
    for key in ("]", "]", "}", "}", "Enter"):
        page.keyboard.press(key)
    expect(field(page, "Entries of the window")).to_have_value("1-3 pinned")
    page.locator('[data-entry="8"]').hover()
    page.mouse.down()
    for entry in (9, 10):
        page.locator(f'[data-entry="{entry}"]').hover()
    page.mouse.up()
    expect(field(page, "Entries of the window")).to_have_value("1-3 pinned, 8-10 pinned")
    painted = page.locator("[data-paint]").evaluate_all("(cells) => cells.map((cell) => cell.dataset.entry)")
    assert painted == ["1", "2", "3", "8", "9", "10"]
    page.keyboard.press("Escape")
    expect(page.locator("[data-paint]")).to_have_count(0)


def test_without_python_it_says_so_and_stays_out_of_the_way(page: Page) -> None:
    mount(page, python=False)
    expect(page.locator('[aria-label^="What if? Edit"]')).to_be_hidden()
    page.keyboard.press("q")
    expect(page.locator(".ts-edit")).to_contain_text("Editing needs Python")
    expect(page.locator(".ts-edit input:visible")).to_have_count(0)
    page.keyboard.press("Escape")
    first = opening(record_scenario(Scenario.from_data(SMALL)))
    page.keyboard.press("ArrowRight")
    expect(page.locator(".thplab-stage")).to_have_attribute("data-step", str(first + 1))


def test_python_that_does_not_answer_is_told(page: Page) -> None:
    page.clock.install()
    mount(page)
    page.keyboard.press("q")
    page.keyboard.type("3 none")
    page.keyboard.press("Enter")
    says = page.locator(".ts-edit-says")
    expect(says).to_have_text("Running on from here …")
    page.clock.fast_forward(5000)
    expect(says).to_contain_text("Python does not answer")
    expect(field(page, "Entries of the window")).to_have_value("3 none")


def moments(pair: Locator) -> tuple[int, int]:
    """Where the first and the second stand."""
    first, second = (int(pair.get_attribute(name) or -1) for name in ("data-step", "data-second"))
    return first, second


def test_two_futures_move_on_one_clock(page: Page, futures: Comparison) -> None:
    options = {"views": ["window", "lanes"], **futures.to_data()}
    page.evaluate(MOUNT, [[as_text(futures.first), as_text(futures.second)], options, False])
    pair = page.locator(".thplab-stage-pair")
    parted = futures.parted
    assert parted is not None
    assert pair.get_attribute("data-step") == pair.get_attribute("data-second") == str(parted)
    page.evaluate("(step) => handle.go(step)", parted - 40)
    expect(pair).to_have_attribute("data-second", str(parted - 40))
    page.evaluate("() => handle.go(1e9)")
    end, second = moments(pair)
    assert end == len(futures.first) - 1
    page.get_by_role("button", name="Both on").click()
    expect(pair).to_have_attribute("data-second", str(second + 1))  # the first is over, the second goes on
    assert moments(pair)[0] == end
    for step in (parted - 40, parted + 30, end - 3):
        page.evaluate("(step) => handle.go(step)", step)
        first, second = moments(pair)
        assert first == step
        times = [r.sections["m_time"][n] for r, n in ((futures.first, first), (futures.second, second))]
        assert times[0] == pytest.approx(times[1]) or second == parted
        twins = [TextTwin(r).text(n) for r, n in ((futures.first, first), (futures.second, second))]
        assert page.evaluate("() => handle.text()") == "\n\n".join(twins)
    rows = page.locator(".tp-differences tbody tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [list(row) for row in futures.rows]


def test_keys_go_on_when_one_future_has_ended(page: Page, futures: Comparison) -> None:
    page.evaluate(MOUNT, [[as_text(futures.first), as_text(futures.second)], futures.to_data(), False])
    pair, ended = page.locator(".thplab-stage-pair"), page.locator(".tp-ended:visible")
    page.evaluate("() => handle.go(1e9)")
    end, joined = moments(pair)
    last = len(futures.second) - 1
    assert (end, joined < last) == (len(futures.first) - 1, True)
    expect(ended).to_have_count(1)
    expect(ended.locator("xpath=..")).to_have_text("First" + "has ended; the other goes on")
    clock = page.locator(".tp-head .ts-quiet")
    for number in (1, 2):
        page.keyboard.press("ArrowRight")  # the focus is in the first
        expect(pair).to_have_attribute("data-second", str(joined + number))
        since = futures.second.sections["m_time"][joined + number] - futures.second.sections["m_time"][0]
        expect(clock).to_have_text(f"{duration(since)} after the start")
    page.keyboard.press("x")  # which draws the first anew
    page.keyboard.press("ArrowLeft")
    expect(pair).to_have_attribute("data-second", str(joined + 1))
    assert moments(pair)[0] == end
    page.keyboard.press("End")
    expect(pair).to_have_attribute("data-second", str(last))
    expect(ended).to_have_count(0)
    page.keyboard.press("Home")
    expect(pair).to_have_attribute("data-second", "0")
    page.evaluate("(step) => { handle.stage.playback.setSpeed(60); handle.go(step); }", end - 1)
    page.keyboard.press(" ")
    expect(pair).to_have_attribute("data-step", str(end))
    page.wait_for_function(
        "(least) => Number(document.querySelector('.thplab-stage-pair').dataset.second) > least",
        arg=joined + 1,
    )


def test_a_comparison_is_one_file_that_asks_nobody(
    browser: Browser, futures: Comparison, tmp_path: Path
) -> None:
    file = tmp_path / "futures.html"
    file.write_text(make_page(futures, granularity="line"), "utf-8")
    opened = browser.new_page()
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: asked.append(str(error)))
    opened.goto(file.as_uri())
    pair = opened.locator(".thplab-stage-pair")
    parted = futures.parted
    assert parted is not None
    expect(pair).to_have_attribute("data-second", str(parted))
    opened.keyboard.press("ArrowRight")
    expect(pair).to_have_attribute("data-step", str(parted + 1))
    opened.keyboard.press("ArrowLeft")
    opened.keyboard.press("ArrowLeft")
    expect(pair).to_have_attribute("data-second", str(parted - 1))
    expect(opened.locator(".tp-differences tbody tr")).to_have_count(len(futures.rows))
    opened.keyboard.press("?")
    expect(opened.locator(".ts-help:visible")).to_have_count(1)
    assert asked == [file.as_uri()]
    opened.close()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_axe_finds_nothing_serious(page: Page, futures: Comparison, scheme: Any) -> None:
    from tests.browser.test_access import serious

    page.emulate_media(color_scheme=scheme)
    options = {"views": ["lanes", "ledger"], **futures.to_data()}
    page.evaluate(MOUNT, [[as_text(futures.first), as_text(futures.second)], options, True])
    assert serious(page, "main") == []
    mount(page)
    page.keyboard.press("q")
    page.keyboard.type("2x pinned")
    page.evaluate("() => handle.answer({ refused: { field: 'op', text: 'not accepted' } })")
    assert serious(page, "main") == []


def test_a_branch_in_jupyterlab(lab: Lab, browser: Browser) -> None:
    cells = ("from thplab.stage import Stage\nstage = Stage('S07.none_411', views=['window'])\nstage",)
    page = lab.open(browser, lab.write("what-if.ipynb", cells))
    run_all(page)
    stage = wait_for_stage(page)
    stage.press("q")
    page.keyboard.type("101x present")
    page.keyboard.press("Enter")
    pair = page.locator(".thplab-stage-pair[data-second]")
    pair.wait_for(state="visible")
    expect(page.locator(".tp-differences")).to_contain_text("512x mapped by one huge page")
    page.get_by_role("button", name="Go on with the second future only").click()
    page.locator(".thplab-stage-pair").wait_for(state="detached")
    expect(wait_for_stage(page).locator("strong").first).to_have_text("S07.none_411, otherwise")
    page.context.close()
