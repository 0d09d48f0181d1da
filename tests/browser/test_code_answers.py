"""An answer in code that does not end, by the keyboard alone: it says that it runs, and Stop ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.expecting import expect
from tests.browser.jupyterlab import Lab, run_all, show_cell
from thplab.lessons.catalogue import make

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

ENDLESS = "def stop(pages, limit):\n    print('<b>far</b>')\n    while True: pass"
#: More than one has to wait for Stop, on a busy computer.
CELL = """
from dataclasses import replace
from thplab.lessons import ask
from thplab.lessons.trial.job import Limits
box = ask("07.code")
box.question = replace(box.question, kind=replace(box.question.kind, limits=Limits(seconds=60)))
box
"""


def test_stop_by_the_keyboard(lab: Lab, browser: Browser) -> None:
    page = lab.open(browser, lab.write("code-answers.ipynb", [CELL]))
    run_all(page)
    cell = show_cell(page, 0)
    field, stop = cell.locator("textarea"), cell.locator("button", has_text="Stop")
    expect(stop).to_be_hidden()
    field.fill(ENDLESS)
    field.press("Escape")
    page.keyboard.press("Tab")
    expect(cell.locator("button", has_text="Check")).to_be_focused()
    page.keyboard.press("Enter")
    expect(cell.locator('[role="status"]', has_text="Your code is running.")).to_be_visible()
    expect(cell).to_contain_text("2 s")
    for _ in ("Hint", "Show the answer", "Another", "Stop"):
        page.keyboard.press("Tab")
    expect(stop).to_be_focused()
    page.keyboard.press("Enter")
    expect(cell).to_contain_text('in line 3 of your code, "while True: pass".')
    expect(stop).to_be_hidden()
    expect(cell.locator("button", has_text="Check")).to_be_focused()
    expect(cell.locator("pre")).to_have_text("<b>far</b>")
    field.fill(make("07.code").kind.key)
    cell.locator("button", has_text="Check").press("Enter")
    expect(cell).to_contain_text("It agrees with the model")
    expect(cell.locator("pre")).to_have_count(0)
    page.context.close()
