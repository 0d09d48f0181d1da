"""The parts of a picture agree: the tick of a phase, the column of the graph, the text, the entry at work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.modules import as_text, page_with_modules
from tests.recording.story.test_values import SHORT
from tests.sampling import sample
from thplab.recording import Recording, record_scenario
from thplab.recording.derive.focus import SCENES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PHASES = 7
#: Each kernel copies and frees in its own way; of races one fails in each phase.
ALWAYS = [("note", "6.18"), ("note", "6.1"), ("S08.100of512", "7.3")]
RACES = [name for name in SHORT if name.startswith("S08.race.")]
# Of each moment: the current tick, the column that is lit, the text, the entry that is told, what is marked.
PARTS_OF = """async ([text, steps]) => {
  const { decode } = await import("/data/decode.js");
  const { Reader } = await import("/data/moment.js");
  const { PICTURES } = await import("/scenes/all.js");
  const { readCollapse } = await import("/scenes/collapses.js");
  const reader = new Reader(await decode(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))));
  const look = { width: 930, narrow: false, entry: -1, chosen: "", painted: new Map() };
  const said = [];
  for (const step of steps) {
    const moment = reader.read(step);
    const state = readCollapse(moment);
    if (!state) continue;
    const marks = PICTURES.collapse.marks(moment, look);
    const parts = PICTURES.collapse.parts(moment);
    const told = moment.told?.moment === step ? moment.told : null;
    said.push({
      step,
      kind: told?.kind ?? "",
      current: parts.flatMap(({ state }, i) => (state === "done" || state === "later" ? [] : [i + 1])),
      states: parts.map(({ state }) => state),
      lit: marks.filter(({ k, cls }) => /^free-\\d$/.test(k) && cls.includes("sc-now"))
        .map(({ k }) => Number(k.slice(5))),
      line: PICTURES.collapse.lines(moment)[0],
      entry: told?.values.entry ?? -1,
      mapped: told ? (state.old[told.values.entry] ?? -1) >= 0 : false,
      zeros: (marks.find(({ k }) => k === "new-zero")?.at.d.match(/h-/g) ?? []).length,
      marked: marks.filter(({ k }) => k === "page-now" || k.startsWith("from-")).length,
    });
  }
  return said;
}"""
#: Told of an entry that is at work; the page of one that is refused is marked as the reason.
AT_WORK = ("isolated_entry", "copied_entry", "freed_entry")


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    yield page
    page.close()


def _parts(page: Page, made: Recording, most: int) -> list[dict[str, Any]]:
    """Of the steps of the story, and of some other moments of a collapse."""
    scene = SCENES.index("collapse")
    moments = [n for n, each in enumerate(made.sections["m_scene"]) if each == scene]
    story = [n for n in made.sections[made.header["granularity"]["event"]] if n in {*moments}]
    parts: list[dict[str, Any]] = page.evaluate(
        PARTS_OF, [as_text(made), sorted({*story, *sample(moments, most)})]
    )
    return parts


def disagreements(parts: list[dict[str, Any]]) -> list[str]:
    wrong = []
    for each in parts:
        [*current], [*lit], line = each["current"], each["lit"], each["line"]
        phase = int(line.partition("phase ")[2].partition(" ")[0]) if "phase " in line else 0
        if current != lit or current != ([phase] if phase else []):
            wrong.append(f"{each['step']}: tick {current}, column {lit}, text {line!r}")
        if each["states"] != sorted(each["states"], key=_order):
            wrong.append(f"{each['step']}: {each['states']}")
        if each["kind"] in AT_WORK and each["mapped"] and not each["marked"]:
            wrong.append(f"{each['step']}: entry {each['entry']} is told of and not marked")
    return wrong


def _order(state: str) -> int:
    return {"done": 0, "later": 2}.get(state, 1)


@pytest.mark.parametrize(("name", "kernel"), ALWAYS)
def test_the_parts_of_a_collapse_agree(page: Page, name: str, kernel: str) -> None:
    parts = _parts(page, record_scenario(name, kernel), 150)
    assert {each["current"][0] for each in parts if each["current"]} == {*range(1, PHASES + 1)}
    assert not disagreements(parts)


@pytest.mark.parametrize("count", [3, pytest.param(len(RACES), marks=pytest.mark.long)])
def test_the_parts_of_a_collapse_that_another_task_disturbs_agree(page: Page, count: int) -> None:
    wrong = {name: disagreements(_parts(page, record_scenario(name), 60)) for name in sample(RACES, count)}
    assert not any(wrong.values()), wrong


def test_what_was_read_back_in_from_swap_is_copied_and_not_drawn_as_zeros(page: Page) -> None:
    """Half of the entries are copied in one step that does not say what its own entry was."""
    made = record_scenario("S08.race.swapout.before_swapin")
    story = made.sections["t_moment"]
    told = [made.told_as(n) for n in range(len(story))]
    [copied] = [each.moment for each in told if each.kind == "copied"]
    zeroed = [each for each in told if each.kind == "zeroed_entry"]
    [said] = [each for each in _parts(page, made, 0) if each["step"] == copied]
    assert any(each.kind == "read_in" for each in told), "nothing was swapped out: the test shows nothing"
    assert said["zeros"] - len(zeroed) in (0, 1)
