"""The notebooks in JupyterLab: the main stage of each plays, a question is answered wrong, then right.

Only the cells are run that the stages and the questions need, taken from the notebooks by their ids, one
after the other in a single notebook: one kernel and one page for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.browser.jupyterlab import Lab, run_all, show_cell, step_of
from tests.notebooks.execute import sources
from thplab.lessons.catalogue import make
from thplab.lessons.kinds.question import Question

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

_ASK = re.compile(r'ask\("([^"]+)"(?:, seed=(\d+))?')


@dataclass(frozen=True)
class Visit:
    """``cells``: what is run, in order; the last has the stage. ``question``: a cell with ``ask``.

    ``wrong`` is an answer (or words of an option); ``says``: words of what is said to it.
    """

    cells: tuple[str, ...]
    question: str
    wrong: str
    says: str


#: notebook -> what is done there
VISITS = {
    "00": Visit(("first-stage",), "first-ask", "same frames", "Nothing is glued"),
    "05": Visit(
        ("imports", "the-note", "beside-the-note", "stage-at-the-note"), "ask-pfn", "0", "a different result"
    ),
    "06": Visit(("imports", "stage-one16"), "ask-small", "512", "a different result"),
    "07": Visit(("imports", "stage-none"), "ask-limit", "161", "You counted the resident ones"),
    "08": Visit(("imports", "predict-frames", "stage-clean"), "ask-frames", "-100", "The other way round"),
    "09": Visit(("imports", "comb-before"), "ask-pins", "6", "spoils 2 MiB"),
    "10": Visit(("imports", "worked-lane"), "ask-complaint", "kcompactd, proactive", "a different result"),
}


#: The demo's main stages ask the room themselves, at a stop.
DEMO = ("imports", "vote-411", "vote-412")


def place(number: str) -> int:
    """Where in the notebook of all visits the cell with the question stands; the stage's is before it."""
    before = list(VISITS)[: list(VISITS).index(number)]
    return sum(len(VISITS[each].cells) + 1 for each in before) + len(VISITS[number].cells)


@pytest.fixture(scope="module")
def page(lab: Lab, browser: Browser) -> Iterator[Page]:
    cells = [
        sources(number)[each] for number, visit in VISITS.items() for each in (*visit.cells, visit.question)
    ]
    cells += [sources("demo")[each] for each in DEMO]
    page = lab.open(browser, lab.write("lessons.ipynb", cells))
    run_all(page)
    yield page
    page.context.close()


def wait_for_step(stage: Locator, test: str) -> None:
    """Until a condition on ``step`` holds for the moment that the picture shows."""
    js = f"(stage) => {{ const step = Number(stage.dataset.step); return {test}; }}"
    stage.page.wait_for_function(js, arg=stage.element_handle())


def typed(question: Question, text: str) -> str:
    """An answer as one types it: the letter of the option with this text, if there are options."""
    options = question.kind.options
    return next((chr(ord("a") + n) for n, option in enumerate(options) if text in option), text)


def answer(box: Locator, text: str, said: str) -> None:
    """Type an answer, press Enter, and wait until this is said to it."""
    field = box.locator("input[type=text]")
    field.fill(text)
    field.press("Enter")
    box.locator('[role="status"]', has_text=said).wait_for()


@pytest.mark.parametrize("number", VISITS)
def test_the_main_stage_plays(page: Page, number: str) -> None:
    stage = show_cell(page, place(number) - 1).locator(".thplab-stage[data-step]")
    stage.wait_for()
    stage.focus()
    before = step_of(stage)
    page.keyboard.press("n")
    wait_for_step(stage, f"step > {before}")
    later = step_of(stage)
    page.keyboard.press("b")
    wait_for_step(stage, f"step < {later}")


@pytest.mark.parametrize("number", VISITS)
def test_a_question_is_answered_wrong_and_right(page: Page, number: str) -> None:
    visit = VISITS[number]
    asked = _ASK.search(sources(number)[visit.question])
    assert asked is not None
    question = make(asked[1], int(asked[2] or 0))
    box = show_cell(page, place(number)).locator(".thplab-question")
    box.wait_for()
    answer(box, typed(question, visit.wrong), visit.says)
    box.locator("button", has_text="Hint").click()
    box.locator('[role="status"]', has_text="Hint 1").wait_for()
    answer(box, question.kind.key, question.because)


@pytest.mark.parametrize(("cell", "says"), [("vote-411", "It is: no"), ("vote-412", "So it is")])
def test_the_demo_asks_the_room_and_then_shows(page: Page, cell: str, says: str) -> None:
    stage = show_cell(page, place("10") + 1 + DEMO.index(cell)).locator(".thplab-stage[data-step]")
    stage.wait_for()
    before = step_of(stage)
    stage.locator(".ts-ask button", has_text="yes").click()
    page.keyboard.press("PageDown")
    wait_for_step(stage, f"step > {before}")
    stage.locator(".ts-guess", has_text=says).wait_for()
