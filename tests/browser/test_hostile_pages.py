"""Pages and decks with hostile texts in every option, in Chromium: each is whole, and nothing in it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.test_hostile_decks import Attacked
from tests.export.test_html import ALL, HOSTILE, PLACES
from tests.sampling import sample
from thplab.export.routes_page import routes_page
from thplab.lessons.runs.routes import three_routes
from thplab.recording import Recording

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

_TEXTS = (ALL, *(f"{each}<img src=x onerror=ran(1)><script>ran(2)</script>" for each in HOSTILE))
_CASES = [(place, words) for place in PLACES for words in _TEXTS]
#: The stage, a deck that is ready, or words on why there is none.
_PARTS = ".thplab-stage[data-step], section.present[data-ready], [role=alert]"
_SHOWN = f"() => document.querySelector('{_PARTS}')"
_FOREIGN = "() => document.querySelectorAll(':is(img, script, base, plaintext):not(body > script)').length"


@pytest.fixture
def attacked(browser: Browser, tmp_path: Path) -> Iterator[Attacked]:
    made = Attacked(browser, tmp_path)
    yield made
    made.context.close()


def check(attacked: Attacked, text: str, shown: str = _SHOWN) -> None:
    page = attacked.open(text)
    page.wait_for_function(shown)
    assert page.evaluate("() => window.hits") == []
    assert page.evaluate(_FOREIGN) == 0
    assert attacked.asked == []
    assert set(attacked.went) == {attacked.file.as_uri()}


@pytest.mark.parametrize("count", [6, pytest.param(len(_CASES), marks=pytest.mark.long)])
def test_a_page_with_any_text_is_whole(attacked: Attacked, small: Recording, count: int) -> None:
    for place, words in [("stop's ask", "<!--<script>"), *sample(_CASES, count)]:
        check(attacked, PLACES[place](small, words))


def spoiled(data: Any, words: str) -> Any:
    """The same with words behind every text of prose."""
    if isinstance(data, dict):
        return {name: spoiled(value, words) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [spoiled(value, words) for value in data]
    return f"{data} {words}" if isinstance(data, str) and " " in data else data


def test_a_page_of_routes_is(attacked: Attacked) -> None:
    routes = three_routes()
    for words in sample(_TEXTS, 2):
        routes.data = spoiled(routes.data, words)
        check(attacked, routes_page(routes), "() => document.querySelector('.sc-picture text')")
