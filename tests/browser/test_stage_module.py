"""The stage's modules in Chromium, without a notebook: syntax, the text twin, the state at each moment."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.modules import as_text, page_with_modules
from tests.stage.conftest import SMALL
from thplab.ledger import Meter
from thplab.lessons.runs.lanes import run_lanes
from thplab.reading.text import TextTwin
from thplab.recording import Recording, file, record_scenario
from thplab.scenario import Scenario

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

TELL = """async ([text, steps]) => {
  const { decode } = await import("/data/decode.js");
  const { Reader } = await import("/data/moment.js");
  const { momentText } = await import("/views/textual.js");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const reader = new Reader(await decode(bytes));
  const told = [];
  for (const step of steps) {
    const moment = reader.read(step);
    const { kind, lo, hi } = reader.timeline.now;
    const cells = await new Blob([kind, lo, hi]).arrayBuffer();
    const digest = [...new Uint8Array(await crypto.subtle.digest("SHA-256", cells))];
    const state = digest.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    told.push({ text: momentText(moment), state });
  }
  return told;
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    yield page
    page.close()


RECORDINGS: dict[str, Callable[[], Recording]] = {
    "note": lambda: record_scenario("note"),
    "small": lambda: record_scenario(Scenario.from_data(SMALL)),
    "events": lambda: record_scenario("note", depth="events"),
    "refused": lambda: record_scenario("S07.none_411", "6.1"),
    "race": lambda: record_scenario("S08.race.munmap.after_fence", depth="functions", alongside=Meter),
    "lane": lambda: run_lanes("B").recordings["B"],
}


def test_chromium_accepts_the_joined_module(page: Page) -> None:
    exported: Any = page.evaluate(
        "async () => Object.entries(await import('/stage.js')).map(([name, it]) => [name, typeof it])"
    )
    assert sorted(exported) == [
        ["default", "object"],
        ["mount", "function"],
        ["mountPair", "function"],
        ["mountRoutes", "function"],
    ]


def test_a_recording_of_an_older_version_is_refused_in_words(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "FORMAT", 2)
    old = as_text(RECORDINGS["small"]())
    said = page.evaluate(
        """async (text) => {
          const { mount } = await import("/stage.js");
          const main = document.querySelector("main");
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          await mount(main, bytes, {}).catch(() => {});
          return main.querySelector('[role="alert"]').textContent;
        }""",
        old,
    )
    assert said == (
        "The stage can't show this: this page reads format 4, this is a recording of format 2, "
        "made by an older thplab: record the scenario again and save it."
    )


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_browser_says_the_same(name: str, page: Page) -> None:
    recording = RECORDINGS[name]()
    draw = random.Random(name)
    steps = [0, len(recording) - 1, *(draw.randrange(len(recording)) for _ in range(50))]
    twin = TextTwin(recording)
    told = page.evaluate(TELL, [as_text(recording), steps])
    for step, said in zip(steps, told, strict=True):
        assert said["text"] == twin.text(step)
        state = recording.state(step)
        cells = state._kind.tobytes() + state._lo.tobytes() + state._hi.tobytes()
        assert said["state"] == sha256(cells).hexdigest()


def test_windows_on_several_lines_have_their_words_at_each_width(page: Page) -> None:
    """Only a box that has none is told beside its row; such boxes are drawn with a sign alone."""
    beside = page.evaluate(
        """async () => {
          const { saysBeside } = await import("/scenes/process_boxes.js");
          const row = { windows: [...Array(9).keys()].map((n) => ({ name: `window ${n}`, state: "huge" })) };
          const widths = Array.from({ length: 1500 }, (_, more) => 250 + more);
          const says = (w, lines) => saysBeside(row, { w, lines, named: "window 3" });
          return [widths.filter((w) => says(w, 3)), widths.filter((w) => !says(w, 1)).length];
        }"""
    )
    assert beside[0] == []
    assert 0 < beside[1] < 1500  # on one line it depends on the width
