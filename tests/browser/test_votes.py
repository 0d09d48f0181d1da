"""A stop asks on the stage: before the bet nothing tells the answer; then the run shows who was right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.expecting import expect
from tests.browser.modules import as_text, page_with_modules
from thplab.recording import Recording, record_scenario

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

MOUNT = """async ([text, options]) => {
  const { mount } = await import("/stage.js");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  globalThis.handle?.destroy();
  globalThis.handle = await mount(document.querySelector("main"), bytes, options);
  handle.focus();
}"""
#: All that a reader, a screen reader or a search of the page can find.
DOCUMENT = "() => document.querySelector('.thplab-stage').outerHTML"
CHOICES = {"yes": "exceed_none_pte", "no": "succeeded"}
WHY = {"yes": "The knob counts holes.", "no": "Count the holes again."}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    yield page
    page.close()


def vote(made: Recording, answer: str, **more: Any) -> dict[str, Any]:
    """At the first entry of the scan; the answer is in the verdict."""
    call = made.find_call("scan_pmd")
    assert call is not None
    shows = made.find("event", call, name="mm_khugepaged_scan_pmd")
    assert shows is not None
    stop = {"step": call + 1, "title": "The scan", "ask": "Is it refused?", "choices": list(WHY), "why": WHY}
    return {**stop, "answer": answer, "shows": shows, **more}


def open_at(page: Page, made: Recording, stop: dict[str, Any]) -> None:
    page.evaluate(MOUNT, [as_text(made), {"stops": [stop], "step": stop["step"], "granularity": "event"}])


@pytest.fixture(scope="module")
def two() -> list[tuple[Recording, dict[str, Any]]]:
    """Two runs that differ in the verdict alone, and in a knob."""
    refused, taken = (record_scenario(name, depth="functions") for name in ("S07.none_411", "S07.none_412"))
    return [(refused, vote(refused, "yes")), (taken, vote(taken, "no"))]


@pytest.mark.parametrize("evidence", [["scene"], ["scene", "stack"], ["locks"]])
def test_two_runs_with_different_answers_look_alike_before_the_bet(
    two: list[tuple[Recording, dict[str, Any]]], page: Page, evidence: list[str]
) -> None:
    found = []
    for made, stop in two:
        open_at(page, made, {**stop, "evidence": [each for each in evidence if each != "scene"]})
        found.append(page.evaluate(DOCUMENT))
    assert found[0] == found[1]


def test_the_answer_is_not_in_the_document_before_the_bet(
    two: list[tuple[Recording, dict[str, Any]]], page: Page
) -> None:
    for made, stop in two:
        open_at(page, made, stop)
        document = page.evaluate(DOCUMENT)
        for word in (*CHOICES.values(), made.header["story"], made.header["title"], *WHY.values()):
            assert word not in document
        page.keyboard.press("x")
        page.keyboard.press("End")  # the stop holds the run
        page.keyboard.press("v")
        document = page.evaluate(DOCUMENT)
        assert f'data-step="{stop["step"]}"' in document
        assert not [word for word in CHOICES.values() if word in document]


@pytest.mark.parametrize(("letter", "sign", "why"), [("a", "✓", WHY["yes"]), ("b", "✗", WHY["no"])])
def test_a_letter_bets_and_the_run_shows(
    two: list[tuple[Recording, dict[str, Any]]], page: Page, letter: str, sign: str, why: str
) -> None:
    made, stop = two[0]
    open_at(page, made, stop)
    page.keyboard.press(letter)
    kept = page.locator(".ts-guess")
    expect(kept).to_contain_text("You expected:")
    expect(kept).not_to_contain_text(sign)
    assert not [word for word in (why, CHOICES["yes"]) if word in page.evaluate(DOCUMENT)]
    page.keyboard.press("c")  # the bet is locked
    for _ in range(2):  # to what the scan reads, to its verdict
        page.keyboard.press("ArrowRight")
    expect(kept).to_contain_text(sign)
    expect(kept).to_contain_text(why)
    expect(page.locator(".ts-said")).to_contain_text("refuses window 0")


def test_a_letter_right_after_other_keys_bets_where_they_lead(
    two: list[tuple[Recording, dict[str, Any]]], page: Page
) -> None:
    """On a machine that draws slowly: no letter gets a meaning of an earlier moment."""
    made, stop = two[0]
    page.evaluate(MOUNT, [as_text(made), {"stops": [stop], "step": stop["step"] - 3, "granularity": "line"}])
    page.evaluate(
        """(keys) => {
          const root = document.querySelector(".thplab-stage");
          for (const key of keys) root.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        }""",
        [*["ArrowRight"] * 4, "b"],
    )
    expect(page.locator(".ts-guess")).to_contain_text("You expected: no.")
