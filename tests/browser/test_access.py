"""axe-core has nothing serious to say about the stage; every control has a name and takes the keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.browser.test_exported_page import see, stage_on
from tests.browser.test_time_travel import stops_of
from tests.stage.conftest import SMALL, opening
from thplab.export import page as make_page
from thplab.recording import record_scenario
from thplab.scenario import Scenario

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
OPEN_ALL = "() => document.querySelectorAll('.ts-switch[aria-pressed=false]').forEach((each) => each.click())"

#: What stands on the screen -> keys that put it there.
STATES = {
    "start": (),
    "inside": ("v",),
    "words": ("h",),
    "find": ("/",),
    "keys": ("?",),
    "link": ("y",),
    "what if": ("q",),
    "pointed": ("f", "f", "n", "z", "]"),
    "question": ("PageDown", "k"),
    "presenting": ("p", "s"),
}


#: The rules that can judge the same elements otherwise in the dark.
OF_COLOUR = ("color-contrast", "link-in-text-block")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    small = record_scenario(Scenario.from_data(SMALL))
    path = tmp_path_factory.mktemp("access") / "small.html"
    path.write_text(make_page(small, stops=stops_of(small)), "utf-8")
    return path


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(file.as_uri())
    stage_on(page)
    yield page
    page.close()


def serious(page: Page, context: str = ".thplab-stage", rules: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """What axe calls serious or critical, by all its rules or by some: (rule, element)."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else None
    found: list[dict[str, Any]] = Axe().run(page, context, options).response["violations"]
    return [
        (rule["id"], node["html"])
        for rule in found if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]  # fmt: skip


@pytest.mark.parametrize(("scheme", "rules"), [("light", ()), ("dark", OF_COLOUR)])
def test_axe_finds_nothing_serious(
    scheme: Literal["light", "dark"], rules: tuple[str, ...], page: Page
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.evaluate(OPEN_ALL)
    for state, keys in STATES.items():
        stage_on(page).focus()
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_timeout(100)
        assert serious(page, rules=rules) == [], state
        page.keyboard.press("Escape")


def test_axe_would_find_something(page: Page) -> None:
    page.locator(".ts-field").first.evaluate("(field) => { field.removeAttribute('aria-label'); }")
    page.keyboard.press("/")
    page.locator(".ts-find input").evaluate(
        "(field) => { for (const name of ['title', 'placeholder']) field.removeAttribute(name); }"
    )
    assert [name for name, _ in serious(page)] == ["label"]


def test_every_control_has_a_name(page: Page) -> None:
    page.evaluate(OPEN_ALL)
    page.keyboard.press("/")
    bad = page.evaluate(
        """() => [...document.querySelectorAll('.thplab-stage :is(button, input, select, [tabindex])')]
          .filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim()))
          .map((node) => node.outerHTML)"""
    )
    assert bad == []


def test_the_whole_page_can_be_walked_by_tab(page: Page) -> None:
    reached = set()
    page.keyboard.press("v")
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.className.split(' ')[0]"))
    assert {"ts-slider", "ts-button", "ts-speed", "ts-choice", "ts-switch", "ts-code"} <= reached
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    see(page, opening(record_scenario(Scenario.from_data(SMALL))))


def test_what_is_chosen_survives_forced_colours(page: Page) -> None:
    page.emulate_media(forced_colors="active")
    for key in ("PageDown", "PageDown", "PageDown"):  # the second one shows the answer
        page.keyboard.press(key)
    for part in (".ts-phase[data-now]", '.ts-choice[aria-pressed="true"]'):
        page.wait_for_selector(part)
        # Found and asked in one go: the second key's picture may come in between.
        outline = page.evaluate("(part) => getComputedStyle(document.querySelector(part)).outlineStyle", part)
        assert outline == "solid", part


def test_nothing_moves_where_no_motion_is_wanted(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    moving = page.evaluate(
        """() => [...document.querySelectorAll('.thplab-stage *')].filter((node) => {
          const style = getComputedStyle(node);
          const changes = style.transitionDuration.split(", ").some((time) => time !== "0s");
          return changes || style.animationName !== "none";
        }).length"""
    )
    assert moving == 0


def test_paper_has_the_picture_and_no_controls(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator(".sc-picture").is_visible()
    assert page.locator(".ts-sentence").is_visible()
    for part in (".ts-bar", ".ts-slider", ".ts-switches"):
        assert not page.locator(part).is_visible()
    paper = page.locator(".thplab-stage").evaluate("(node) => getComputedStyle(node).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
