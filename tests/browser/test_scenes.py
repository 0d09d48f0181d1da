"""Scenes: Python and browser say the same, both sides show the same, and every letter is readable."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.modules import as_text, page_with_modules
from tests.recording.compacting import COMPACTING
from tests.recording.small import ADDRESS, WINDOW, machine, touch
from thplab.lessons.runs.lanes import run_lanes
from thplab.reading.scene import LINES, scene_lines
from thplab.reading.text import TextTwin
from thplab.recording import Recorder, Recording, record_scenario
from thplab.recording.derive.focus import SCENES
from thplab.scenario.build import experiment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SEED = 20261130
MOMENTS = 50
LETTERS = 13  # CSS pixels
#: scene -> scenarios in which it is seen, as (name, kernel)
SEEN_IN: dict[str, list[tuple[str, str]]] = {
    "collapse": [("note", "6.18"), ("note", "6.1")],
    "pass": [("S06.busyA", "6.18"), ("S13.budget", "7.3"), ("S06.nofree", "6.1")],
    "process": [("S06.busyA", "6.18"), ("S13.budget", "7.3"), ("note", "6.1")],
    "window": [
        ("S07.none_411", "6.18"), ("S07.swap_young255", "6.1"), ("S07.pin", "7.3"),
        ("S12.shared257_collapse", "6.12"), ("small tables", "7.3"),
    ],
    "fault": [
        ("S13.huge_zero", "6.18"), ("S13.huge_zero", "6.1"), ("S13.sizes", "6.18"), ("S12.fork", "6.18"),
        ("lane A", "6.18"), ("lane B", "6.18"), ("8 entries", "6.18"),
    ],
    "compaction": [(name, "6.18") for name in COMPACTING] + [("score", "6.1")],
}  # fmt: skip
#: Scenarios that are not in the list.
MADE = {
    "small tables": experiment(
        "6x young, 1x zero, 2x old, 1x shared, 2x none, 1x pinned, 3x young", "1x swap, 9x young, 6x none",
        machine={"entries": 16}, max_ptes_none=8, max_ptes_shared=4,
    )
}  # fmt: skip
#: The first of each scene in every run, the others in make test-long.
CASES = [
    pytest.param((scene, *where), id="-".join((scene, *where)), marks=[pytest.mark.long] if number else [])
    for scene, places in SEEN_IN.items()
    for number, where in enumerate(places)
]
#: Widths of a picture: a phone, a cell of a notebook, a projector.
WIDTHS = (390, 930, 1880)

MOUNT = """async (text) => {
  const { mount } = await import("/stage.js");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  globalThis.handle?.destroy();
  globalThis.handle = await mount(document.querySelector("main"), bytes, { views: ["scene"] });
}"""
LINES_OF = """async ([text, steps]) => {
  const { decode } = await import("/data/decode.js");
  const { Reader } = await import("/data/moment.js");
  const { sceneView } = await import("/views/scene.js");
  const reader = new Reader(await decode(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))));
  return steps.map((step) => sceneView.lines(reader.read(step)));
}"""
# Each mark, whatever the order in which its attributes were written.
DRAWN = """() => [...document.querySelectorAll(".sc-room:not(.sc-leaving) .sc-picture *")].map((mark) => {
  const attributes = [...mark.attributes].map(({ name, value }) => `${name}=${value}`);
  return [mark.tagName, ...attributes.sort(), mark.textContent];
})"""
# What flies has arrived.
GO = """(step) => {
  handle.go(step);
  document.getAnimations().forEach((each) => each.finish());
}"""
# Wait until the browser has been idle so often; where the state is then, and what it is if it is read anew.
IDLE = """async (times) => {
  for (let i = 0; i < times; i++) await new Promise((done) => requestIdleCallback(done, { timeout: 500 }));
  const { reader, moment } = handle.stage;
  const now = [...reader.timeline.now.lo].join();
  const step = reader.timeline.step;
  reader.timeline.seek(reader.last);
  reader.timeline.seek(moment.step);
  return { step, shown: moment.step, cells: now, anew: [...reader.timeline.now.lo].join() };
}"""
# Text that is too small, outside the picture, or on another text.
UNREADABLE = """(least) => {
  const svg = document.querySelector(".sc-picture");
  const room = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll("text")].filter((each) => each.textContent)
    .map((each) => [each.textContent, each.getBoundingClientRect(), each]);
  const scale = room.width / svg.viewBox.baseVal.width;
  const found = [];
  for (const [words, box, node] of boxes) {
    if (parseFloat(getComputedStyle(node).fontSize) * scale < least - 0.05) found.push(`small: ${words}`);
    const sideways = box.left < room.left - 1 || box.right > room.right + 1;
    if (sideways || box.bottom > room.bottom + 1 || box.top < room.top - 1)
      found.push(`outside: ${words}`);
  }
  boxes.forEach(([words, a], i) => boxes.slice(i + 1).forEach(([others, b]) => {
    const over = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (over > 1 && high > 4) found.push(`on each other: ${words} / ${others}`);
  }));
  return found;
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    yield page
    page.close()


@pytest.fixture(scope="module", params=CASES)
def seen(request: pytest.FixtureRequest) -> tuple[str, Recording, list[int]]:
    """A scene, a recording that has it, and some of its moments in an order of no meaning."""
    scene, name, kernel = request.param
    recording = recorded(name, kernel)
    wanted = SCENES.index(scene)
    moments = [n for n, each in enumerate(recording.sections["m_scene"]) if each == wanted]
    assert moments, f"{name} has no moment of the scene {scene}"
    return scene, recording, random.Random(SEED).sample(moments, min(MOMENTS, len(moments)))


def recorded(name: str, kernel: str) -> Recording:
    """A scenario, a lane with its clock, or all faults of a small machine."""
    if name.startswith("lane "):
        letter = name[-1]
        return run_lanes(letter, kernel, depth="functions", ledger=True).recordings[letter]
    if name in COMPACTING:
        return COMPACTING[name](kernel)
    if name != "8 entries":
        return record_scenario(MADE.get(name, name), kernel)
    small, app = machine(kernel)
    small.write_sysfs("enabled", "always")
    recorder = Recorder(small.kernel, "functions", focus=(app.mm, ADDRESS))
    with recorder:
        app.read(ADDRESS)
        app.munmap(ADDRESS + WINDOW + 4096, 4096)
        touch(app, 8, 1)
    return recorder.recording


def test_text_is_the_same_to_the_letter(seen: Any, page: Page) -> None:
    scene, recording, moments = seen
    twin = TextTwin(recording)
    said = [scene_lines(twin.moment(n)) for n in moments]
    assert page.evaluate(LINES_OF, [as_text(recording), moments]) == said
    assert any(len(lines) > 1 for lines in said), f"the text of the scene {scene} has no numbers"
    assert scene in LINES


def test_picture_is_the_same_from_both_sides(seen: Any, page: Page) -> None:
    _, recording, moments = seen
    page.evaluate(MOUNT, as_text(recording))
    for n in moments[:10]:
        page.evaluate(GO, 0)
        page.evaluate(GO, n)
        forwards = page.evaluate(DRAWN)
        page.evaluate(GO, len(recording) - 1)
        page.evaluate(GO, n)
        assert page.evaluate(DRAWN) == forwards, f"moment {n}"


def test_what_is_worked_out_ahead_moves_nothing(page: Page) -> None:
    page.bring_to_front()  # a page that nobody sees is never idle
    page.evaluate(MOUNT, as_text(record_scenario("S06.busyA")))
    before = page.evaluate(DRAWN)
    state = page.evaluate(IDLE, len(SCENES) + 1)
    assert state["step"] == state["shown"]
    assert state["cells"] == state["anew"]
    assert page.evaluate(DRAWN) == before


@pytest.mark.parametrize("width", WIDTHS)
def test_every_letter_is_readable(seen: Any, page: Page, width: int) -> None:
    _, recording, moments = seen
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(MOUNT, as_text(recording))
    story = recording.sections[recording.header["granularity"]["event"]]
    told = [n for n in story if recording.sections["m_scene"][n] == recording.sections["m_scene"][moments[0]]]
    for n in [*told[:60], *moments[:10]]:
        page.evaluate(GO, n)
        assert not page.evaluate(UNREADABLE, LETTERS), f"moment {n}"
