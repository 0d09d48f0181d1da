"""What must not break the stage: hostile texts, bursts of keys, a browser without WebGL and network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.test_exported_page import see, stage_on
from tests.browser.test_time_travel import stops_of
from tests.stage.conftest import opening
from thplab.export import page as make_page
from thplab.recording import Recording
from thplab.stage.widget import VIEWS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

MARKUP = "<img src=x onerror='window.hacked = 1'><script>window.hacked = 2</script>"
MANY = 1000

#: Key events as fast as they can come, all in one task of the browser.
BURST = """([key, count]) => {
  const root = document.querySelector(".thplab-stage");
  for (let i = 0; i < count; i++) root.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}"""


def hostile(recording: Recording) -> Recording:
    """The same run, with markup in every text that a recording may hold."""
    header: dict[str, Any] = json.loads(json.dumps(recording.header))
    header |= {"title": MARKUP, "story": MARKUP}
    for name in ("texts", "vmstat"):
        header[name] = [text + MARKUP for text in header[name]]
    header["values"] = [value + MARKUP if isinstance(value, str) else value for value in header["values"]]
    header["labels"] = [
        [[name + MARKUP, said + MARKUP] for name, said in frames] for frames in header["labels"]
    ]
    for name, fields in {
        "tasks": ["comm"], "functions": ["name", "file", "kernel_file", "phase"], "trace": ["text", "event"],
        "objects": ["label"], "lanes": ["comm"], "sources": ["file", "kernel_file"],
    }.items():  # fmt: skip
        for each in header[name]:
            each |= {field: each[field] + MARKUP for field in fields}
    for source in header["sources"]:
        source["text"] = source["text"].replace("\n", f"  # {MARKUP}\n")
    return Recording(header, recording.sections)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    yield page
    page.close()


def open_page(page: Page, recording: Recording, folder: Path, **options: object) -> None:
    file = folder / "page.html"
    file.write_text(make_page(recording, **options), "utf-8")  # type: ignore[arg-type]
    page.goto(file.as_uri())
    stage_on(page)


def test_no_text_of_a_recording_or_a_stop_becomes_markup(
    page: Page, small: Recording, tmp_path: Path
) -> None:
    texts = dict.fromkeys(("title", "notes", "ask", "answer"), MARKUP)
    stops = [{**stop, **texts, "choices": [MARKUP]} for stop in stops_of(small)]
    open_page(page, hostile(small), tmp_path, views=list(VIEWS), stops=stops, link=MARKUP)
    page.keyboard.press("PageDown")  # to a question
    page.locator(".ts-choices button").first.click()
    for key in ("t", "f", "w", "u", "]", "k", "y", "?", "p", "s", "c", "/"):
        stage_on(page).focus()
        page.keyboard.press(key)
    page.keyboard.type("img")
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Escape")
        page.keyboard.press("a")  # the other stop asks, too
        page.keyboard.press("t")
    asks, said = page.locator(".ts-ask"), page.locator(".ts-said").first
    for _ in range(20):  # back to a sentence with a name in it
        page.wait_for_timeout(100)
        covered = page.locator(".ts-text").count() == 0  # until the answer of a question is shown
        if not covered and MARKUP[:10] in (said.text_content() or ""):
            break
        stage_on(page).focus()
        page.keyboard.press("a" if asks.is_visible() else "PageDown" if covered else "Shift+F")
    assert page.evaluate("() => window.hacked") is None
    assert page.locator(":is(img, script):not(body > script)").count() == 0
    for part in ("said", "text", "notes", "frames", "trace-lines", "code", "guess", "rows"):
        assert MARKUP[:10] in (page.locator(f".ts-{part}").first.text_content() or ""), part


def test_a_thousand_keys_end_on_the_right_moment(page: Page, small: Recording, tmp_path: Path) -> None:
    open_page(page, small, tmp_path, granularity="line")
    first = opening(small)
    page.evaluate(BURST, ["ArrowRight", MANY])
    see(page, first + MANY)
    page.evaluate(BURST, ["ArrowLeft", MANY // 2])
    page.evaluate(BURST, ["ArrowRight", MANY // 4])
    see(page, first + MANY * 3 // 4)
    page.evaluate(BURST, ["ArrowRight", 2 * len(small)])
    see(page, len(small) - 1)


def test_neither_webgl_nor_a_network_is_needed(page: Page, small: Recording, tmp_path: Path) -> None:
    page.add_init_script(
        """window.asked = [];
        const real = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
          window.asked.push(kind);
          return kind === "2d" ? real.call(this, kind, ...more) : null;
        };
        for (const name of ["WebGLRenderingContext", "WebGL2RenderingContext", "OffscreenCanvas", "fetch",
                            "XMLHttpRequest", "WebSocket"]) delete window[name];"""
    )
    page.context.set_offline(True)
    open_page(page, small, tmp_path, views=list(VIEWS))
    page.keyboard.press("End")
    see(page, len(small) - 1)
    assert set(page.evaluate("() => window.asked")) == {"2d"}
