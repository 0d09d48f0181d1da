"""Every stop of every notebook that asks, and every prediction: before the bet nothing tells the answer."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.expecting import expect
from tests.browser.modules import as_text, page_with_modules
from tests.browser.test_votes import MOUNT
from tests.notebooks.predictions import NOTEBOOKS, VOTES
from tests.sampling import sample
from thplab.export.notebook_run import run_notebook, widget_state
from thplab.lessons.catalogue import make
from thplab.lessons.kinds.bets import stop_of
from thplab.lessons.kinds.question import Question
from thplab.lessons.kinds.vote import Vote
from thplab.recording import Recording

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SAMPLE = sample(VOTES, 3)
#: Other draws of a question, among which some have another answer.
SEEDS = range(8)

#: What can be read or heard, the question and what it names as evidence left out.
OUTSIDE = """(evidence) => {
  const root = document.querySelector(".thplab-stage").cloneNode(true);
  const others = evidence ? [".ts-main", ".ts-below", ".sc-crumbs", ".ts-clock"] : [];
  for (const each of root.querySelectorAll([".ts-ask", ".ts-version", ...others].join())) each.remove();
  const said = [...root.querySelectorAll("*")].flatMap((each) =>
    ["title", "aria-label", "aria-valuetext", "alt", "data-scene"].map((name) => each.getAttribute(name)));
  return [root.textContent, ...said.filter(Boolean)].join("\\n");
}"""
#: The whole of it but the choices, and what explains the words of all of them.
BUT_THE_CHOICES = """() => {
  const root = document.querySelector(".thplab-stage").cloneNode(true);
  for (const each of root.querySelectorAll(".ts-ask, .ts-meanings")) each.remove();
  return root.outerHTML;
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    yield page
    page.close()


def open_stage(page: Page, text: str, stops: list[dict[str, Any]], step: int, views: list[str]) -> None:
    page.evaluate(MOUNT, [text, {"stops": stops, "step": step, "views": views}])
    expect(page.locator(".ts-ask")).to_be_visible()


def open_vote(page: Page, question: Question, vote: Vote) -> dict[str, Any]:
    stop = stop_of(question, vote)
    open_stage(page, as_text(vote.recording), [stop], vote.step, list(vote.views))
    return stop


def telling(stop: dict[str, Any], recording: Recording) -> set[str]:
    """Words that would give the answer away, wherever they are."""
    words = {recording.header["title"], recording.header["story"], *stop.get("why", {}).values()}
    answer = stop["answer"]
    words |= set(re.findall(r"[a-z]+_[a-z_]+|\b[1-9]\d{2,}\b", answer)) - set(re.findall(r"\w+", stop["ask"]))
    return {each for each in words if len(each) > 5 or each.isdecimal()}


def check_before_the_bet(page: Page, stop: dict[str, Any], recording: Recording) -> None:
    """Nothing in the document tells the answer, whatever key is pressed; the run waits."""
    step = page.get_attribute(".thplab-stage", "data-step")
    for key in ("", "x", "v", "h", "End", "/"):
        if key:
            page.keyboard.press(key)
        document = page.evaluate(BUT_THE_CHOICES)
        found = [w for w in telling(stop, recording) if re.search(rf"(?<!\w){re.escape(w)}(?!\w)", document)]
        assert not found, key
    assert page.get_attribute(".thplab-stage", "data-step") == step
    if not stop["evidence"]:
        assert page.locator(".sc-picture, .sc-crumbs:visible").count() == 0


def check_prediction(page: Page, name: str, seed: int) -> None:
    question = make(name, seed)
    assert question.vote is not None
    vote = question.vote()
    stop = open_vote(page, question, vote)
    page.locator(".thplab-stage").focus()
    check_before_the_bet(page, stop, vote.recording)
    page.keyboard.press("Escape")
    page.locator(".ts-choices button").nth(stop["choices"].index(stop["answer"])).click()
    page.locator(".ts-guess button").click()
    expect(page.locator(".ts-guess")).to_contain_text("✓")
    expect(page.locator(".ts-guess")).to_contain_text(question.because.splitlines()[0])


def check_two_runs(page: Page, name: str, seed: int) -> None:
    """Two draws with different answers look alike but for the question and its evidence."""
    seen: dict[str, str] = {}
    for each in (seed, *SEEDS):
        question = make(name, each)
        key = question.kind.show(question.kind.right)
        if key not in seen and question.vote is not None:
            stop = open_vote(page, question, question.vote())
            seen[key] = page.evaluate(OUTSIDE, bool(stop["evidence"]))
        if len(seen) == 2:
            break
    assert len(set(seen.values())) == 1


@pytest.mark.parametrize(("name", "seed"), SAMPLE)
def test_a_prediction_waits_for_the_bet(page: Page, name: str, seed: int) -> None:
    check_prediction(page, name, seed)
    check_two_runs(page, name, seed)


@pytest.mark.long
@pytest.mark.parametrize(("name", "seed"), VOTES)
def test_every_prediction_waits_for_the_bet(page: Page, name: str, seed: int) -> None:
    check_prediction(page, name, seed)
    check_two_runs(page, name, seed)


@pytest.mark.long
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in NOTEBOOKS])
def test_every_stop_of_a_notebook_waits_for_the_bet(page: Page, path: Path) -> None:
    for entry in widget_state(run_notebook(path, lambda _: None)).values():
        state = entry["state"]
        asking = [stop for stop in state.get("stops", ()) if stop.get("ask")]
        for stop in asking:
            buffer = next(each for each in entry["buffers"] if each["path"] == ["recording"])
            recording = Recording.from_bytes(b64decode(buffer["data"]))
            text = b64encode(recording.to_bytes()).decode()
            open_stage(page, text, state["stops"], stop["step"], state["views"])
            page.locator(".thplab-stage").focus()
            check_before_the_bet(page, {"evidence": [""], **stop}, recording)
