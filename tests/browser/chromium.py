"""Start Chromium. With THPLAB_SLOW_FRAMES=400 it draws every 400 ms: tests that race with a picture fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from thplab.host.doctor import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

#: How often a page may draw at most, in ms: a loaded computer on demand.
SLOW_FRAMES = os.environ.get("THPLAB_SLOW_FRAMES", "")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this computer, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        if SLOW_FRAMES:
            slow_down(browser, int(SLOW_FRAMES))
        try:
            yield browser
        finally:
            browser.close()


def slow_down(browser: Browser, every: int) -> None:
    """Let every page of this browser draw only once in `every` ms."""
    script = f"""{{
      const draw = window.requestAnimationFrame.bind(window);
      window.requestAnimationFrame = (then) => setTimeout(() => draw(then), {every});
      window.cancelAnimationFrame = (id) => clearTimeout(id);
    }}"""
    new_context = browser.new_context

    def context(**options: Any) -> BrowserContext:
        made = new_context(**options)
        made.add_init_script(script)
        return made

    def page(**options: Any) -> Page:
        made = context(**options).new_page()
        made.on("close", lambda closed: closed.context.close())
        return made

    browser.new_context = context  # type: ignore[method-assign]
    browser.new_page = page  # type: ignore[method-assign]
