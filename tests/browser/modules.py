"""A page that has the stage's modules, without a notebook: every request is answered by the test."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from thplab.recording import Recording
from thplab.stage import build

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

SITE = "http://localhost:1"


def page_with_modules(browser: Browser) -> Page:
    """An empty page from which each module and the joined one, stage.js, can be imported."""
    files = {
        **build.modules(), "stage.js": build.javascript(), "stage.css": build.css(),
        "": '<!doctype html><title>stage</title><link rel="stylesheet" href="/stage.css"><main></main>',
    }  # fmt: skip
    kinds = {"js": "text/javascript", "css": "text/css", "": "text/html"}

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{SITE}/")
        kind = kinds[name.rpartition(".")[2]]
        route.fulfill(body=files[name], content_type=f"{kind}; charset=utf-8")

    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.route(f"{SITE}/**", answer)
    page.goto(f"{SITE}/")
    return page


def as_text(recording: Recording) -> str:
    """The bytes of a recording as a script can take them."""
    return b64encode(recording.to_bytes()).decode()
