"""The exported page in Chromium, opened from the disk: no server, no network, no Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.expecting import expect
from tests.browser.jupyterlab import step_of
from tests.stage.conftest import opening
from thplab.export import page as make_page
from thplab.recording import Recording
from thplab.stage import moment_text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(small: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "small.html"
    path.write_text(make_page(small, granularity="line"), "utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, file: Path) -> Iterator[tuple[Page, list[str]]]:
    """The page, and the addresses of everything that it asks for."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    yield page, asked
    page.close()


def stage_on(page: Page) -> Locator:
    stage = page.locator(".thplab-stage[data-step]")
    stage.wait_for()
    return stage


def see(page: Page, step: int) -> None:
    page.wait_for_function(
        "(step) => document.querySelector('.thplab-stage').dataset.step === step", arg=str(step)
    )


def test_it_steps_by_keys_at_once_and_asks_nobody(
    opened: tuple[Page, list[str]], file: Path, small: Recording
) -> None:
    page, asked = opened
    stage = stage_on(page)
    first = opening(small)
    assert step_of(stage) == first
    expect(stage).to_have_attribute("data-steps", str(len(small)))
    page.keyboard.press("ArrowRight")
    see(page, first + 1)
    page.keyboard.press("x")
    expect(stage.locator(".ts-text")).to_be_visible()
    assert stage.locator(".ts-text").text_content() == moment_text(small, first + 1)
    page.keyboard.press("End")
    see(page, len(small) - 1)
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.thplab-stage').dataset.step > 2")
    assert asked == [file.as_uri()]


def test_its_address_opens_a_moment(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    page.goto(f"{file.as_uri()}#120")
    assert step_of(stage_on(page)) == 120
    page.close()


def test_a_browser_that_can_unpack_nothing_says_so(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    page.add_init_script("delete globalThis.DecompressionStream")
    page.goto(file.as_uri())
    expect(page.locator("#stage")).to_contain_text("This browser can't unpack the stage")
    page.close()


def test_without_javascript_it_says_the_moment_in_words(browser: Browser, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert "Before the first step." in page.locator("body").inner_text()
    context.close()
