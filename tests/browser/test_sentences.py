"""One sentence a moment: recording, text and browser agree on it at every moment of every named scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.modules import as_text, page_with_modules
from tests.sampling import sample
from thplab.reading.text import TextTwin
from thplab.recording import Recording, RecordingTooLong, record_scenario
from thplab.scenario import NAMED

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SAY = """async (text) => {
  const { decode } = await import("/data/decode.js");
  const { Reader } = await import("/data/moment.js");
  const reader = new Reader(await decode(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))));
  return Array.from({ length: reader.last + 1 }, (_, step) => reader.read(step).sentence);
}"""
LONGEST = 5_000  # moments with calls; what is longer is recorded by its events
#: 11 million changes of the state even at depth events: more than a page can take in.
TOO_LARGE = {"S06.AB"}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    yield page
    page.close()


def recorded(name: str) -> Recording:
    try:
        return record_scenario(name, depth="functions", most=LONGEST)
    except RecordingTooLong:
        return record_scenario(name, depth="events")


ALL = sorted(name for name in NAMED if name not in TOO_LARGE)
SAMPLE = sample(ALL, 25)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SAMPLE else [pytest.mark.long]) for name in ALL]
)
def test_all_say_the_same_at_every_moment(name: str, page: Page) -> None:
    recording = recorded(name)
    said = [recording.sentence(number) for number in range(len(recording))]
    assert page.evaluate(SAY, as_text(recording)) == said
    twin = TextTwin(recording)
    for number in range(0, len(recording), max(1, len(recording) // 5)):
        assert twin.text(number).splitlines()[1] == said[number]
