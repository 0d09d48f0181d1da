"""A notebook that was saved, closed and opened again on another day: no kernel runs behind its widgets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.expecting import expect
from tests.browser.jupyterlab import Lab, run_all, show_cell, step_of
from tests.stage.conftest import SMALL
from thplab.lessons.catalogue import make

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

NAME = "next-day.ipynb"
STAGE, PAIR, ASKING, PREDICTION, QUESTION, CODE, SORTING, JUMPS = range(8)
HINT = "Run > Run All Cells"
SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"
CELLS = (
    f"""
from thplab.lessons import ask, predict
from thplab.lessons.widgets.buttons import jumps
from thplab.recording import record_scenario
from thplab.scenario import Scenario
from thplab.stage import Stage
small = record_scenario(Scenario.from_data({SMALL!r}))
Stage(small, views=["window", "locks"], granularity="line")
""",
    """
pair = Stage("S07.none_411", granularity="line")
pair.branch(0, knobs="max_ptes_none=412")
pair
""",
    """
stop = {"step": 2, "ask": "How many?", "choices": ["1", "4"], "answer": "4", "shows": 3}
Stage(small, stops=[stop], granularity="line")
""",
    "predict('05.referenced')",
    "ask('05.pfn')",
    "ask('07.code')",
    "ask('05.cards')",
    "jumps(Stage(small, granularity='line'), {'tenth': 10})",
)


def close(page: Page) -> None:
    page.evaluate(SAVE)
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    page.context.close()


def stage_in(page: Page, cell: int) -> Locator:
    stage = show_cell(page, cell).locator(".thplab-stage[data-step]").first
    stage.wait_for()
    return stage


def step_to(stage: Locator, step: int) -> None:
    stage.focus()
    while step_of(stage) < step:
        was = stage.get_attribute("data-step")
        stage.press("ArrowRight")
        handle = stage.element_handle()
        stage.page.wait_for_function("([root, was]) => root.dataset.step !== was", arg=[handle, was])


def answer(page: Page, cell: int, text: str) -> None:
    box = show_cell(page, cell).locator(".thplab-question")
    field = box.locator("input[type=text], textarea").first
    field.fill(text)
    field.blur()
    box.locator("button", has_text="Check").or_(box.locator("button", has_text="Lock it in")).click()
    box.locator('[role="status"]').first.wait_for()


@pytest.fixture(scope="module")
def evening(lab: Lab, browser: Browser) -> None:
    """The first day: run all, step, guess, answer; save, and shut everything down."""
    page = lab.open(browser, lab.write(NAME, CELLS))
    run_all(page)
    step_to(stage_in(page, STAGE), 7)
    asking = stage_in(page, ASKING)
    step_to(asking, 2)
    asking.locator(".ts-ask button", has_text="4").click()
    step_to(asking, 4)
    answer(page, PREDICTION, "5")
    answer(page, QUESTION, make("05.pfn").kind.key)
    answer(page, CODE, make("07.code").kind.key)
    page.wait_for_timeout(500)  # the moments that are shown go to Python, which is to have them too
    close(page)
    lab.end_kernels()


@pytest.fixture(scope="module")
def page(lab: Lab, browser: Browser, evening: None) -> Iterator[Page]:
    """The next day: another kernel, which has run nothing."""
    page = lab.open(browser, NAME)
    yield page
    page.context.close()


def said_in(page: Page, cell: int, *texts: str) -> None:
    box = show_cell(page, cell)
    for text in texts:
        expect(box).to_contain_text(text)


def test_no_widget_is_missing(page: Page) -> None:
    for cell in range(len(CELLS)):
        output = show_cell(page, cell).locator(".jp-OutputArea-output")
        expect(output).not_to_contain_text("Loading widget")
        expect(output).not_to_contain_text("Error displaying widget")


def test_a_stage_is_where_it_was_and_steps(page: Page) -> None:
    stage = stage_in(page, STAGE)
    assert step_of(stage) == 7
    step_to(stage, 9)
    assert stage.locator(".ts-switch[aria-pressed=true]").all_inner_texts()[:1] == ["Window"]


def test_what_needs_python_says_so(page: Page) -> None:
    stage = stage_in(page, STAGE)
    stage.focus()
    stage.press("q")
    expect(stage.locator(".ts-edit-says")).to_contain_text(HINT)
    expect(stage.locator(".ts-edit-fields")).to_be_hidden()
    stage.press("Escape")


def test_two_futures_step_and_one_can_be_kept(page: Page) -> None:
    pair = show_cell(page, PAIR).locator(".thplab-stage-pair")
    before = pair.get_attribute("data-step")
    pair.locator("button", has_text="Step").first.click()
    page.wait_for_function("([root, was]) => root.dataset.step !== was", arg=[pair.element_handle(), before])
    pair.locator("button", has_text="Keep the second").click()
    expect(show_cell(page, PAIR).locator(".thplab-stage-pair")).to_have_count(0)
    expect(stage_in(page, PAIR)).to_contain_text("S07.none_411, otherwise")


def test_the_guess_at_a_stop_stands_there(page: Page) -> None:
    stage = stage_in(page, ASKING)
    assert step_of(stage) == 4
    expect(stage.locator(".ts-guess > span")).to_have_text("How many? You expected: 4. ✓ So it is.")


def test_a_prediction_and_its_result_are_there(page: Page) -> None:
    question = make("05.referenced")
    said_in(page, PREDICTION, question.prompt, "Your prediction: 5 entries", "The run says", HINT)


def test_an_answer_and_its_result_are_there(page: Page) -> None:
    question = make("05.pfn")
    said_in(page, QUESTION, question.prompt, question.because, HINT)
    expect(show_cell(page, QUESTION).locator("input[type=text]")).to_have_value(question.kind.key)
    said_in(page, CODE, "It agrees with the model", HINT)
    expect(show_cell(page, CODE).locator("textarea")).to_have_value(make("07.code").kind.key)
    said_in(page, SORTING, make("05.cards").prompt, HINT)


def test_buttons_beside_a_stage_say_that_they_need_a_kernel(page: Page) -> None:
    said_in(page, JUMPS, HINT)


def test_the_text_in_the_file_is_up_to_date(lab: Lab, evening: None) -> None:
    saved = json.loads((lab.folder / NAME).read_text("utf-8"))
    texts = ["".join(cell["outputs"][0]["data"]["text/plain"]) for cell in saved["cells"]]
    assert "Your prediction: 5 entries\nThe run says" in texts[PREDICTION]
    assert f"Your answer: {make('05.pfn').kind.key}\nYes. " in texts[QUESTION]
    assert "moment 0" in texts[STAGE]  # where it was when the cell ran


def test_a_file_from_elsewhere_shows_texts(lab: Lab, browser: Browser, evening: None) -> None:
    saved = json.loads((lab.folder / NAME).read_text("utf-8"))
    del saved["metadata"]["widgets"]
    for cell in saved["cells"]:
        cell["metadata"].pop("trusted", None)
        cell["outputs"][0]["data"]["text/plain"] = [
            "From elsewhere.\n",
            *cell["outputs"][0]["data"]["text/plain"],
        ]
    (lab.folder / "elsewhere.ipynb").write_text(json.dumps(saved), "utf-8")
    page = lab.open(browser, "elsewhere.ipynb")
    said_in(page, QUESTION, "From elsewhere.", "Your answer: ")
    page.context.close()


def test_saved_once_more_it_is_still_there_and_runs_again(lab: Lab, browser: Browser, page: Page) -> None:
    page.evaluate(SAVE)
    lab.end_kernels()
    later = lab.open(browser, NAME)
    step_to(stage_in(later, STAGE), 10)
    said_in(later, QUESTION, HINT)
    run_all(later)
    step_to(stage_in(later, STAGE), 3)
    box = show_cell(later, QUESTION)
    expect(box.locator(".thplab-stage-go-on")).to_have_count(1)
    expect(box).not_to_contain_text(HINT)
    answer(later, QUESTION, "1")
    expect(box.locator('[role="status"]').first).to_contain_text("different result")
    later.evaluate(SAVE)
    saved = json.loads((lab.folder / NAME).read_text("utf-8"))
    states = saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    stages = [each for each in states.values() if each["state"].get("part") == "stage"]
    assert len(stages) == 4, "what the cells showed before is gone"
    assert len([each for each in states.values() if "code" in each["state"]]) == 1
    later.context.close()


def heap(page: Page) -> int:
    """What the page's JavaScript keeps in memory, with the buffers that it holds."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
        page.wait_for_timeout(200)
    used = session.send("Runtime.getHeapUsage")
    session.detach()
    return int(used["usedSize"] + used.get("backingStorageSize", 0))


def run_cell(page: Page, cell: int) -> None:
    page.evaluate(
        """async (cell) => {
          const { commands, shell } = window.jupyterapp;
          shell.currentWidget.content.activeCellIndex = cell;
          await commands.execute("notebook:run-cell");
        }""",
        cell,
    )
    page.locator(".thplab-stage[data-step]").last.wait_for()
    page.wait_for_timeout(150)


@pytest.mark.long
def test_fifty_runs_of_a_cell_need_less_than_five_stages_in_the_browser(lab: Lab, browser: Browser) -> None:
    show = "for _ in range(10):\n    display(Stage(recording))"
    first = "from thplab.recording import record_scenario\nfrom thplab.stage import Stage\n"
    cells = (f"{first}recording = record_scenario('S07.none_411')", "Stage(recording)", show)
    page = lab.open(browser, lab.write("fifty.ipynb", cells))
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
    for _ in range(5):
        run_cell(page, 1)
    before = heap(page)
    for _ in range(50):
        run_cell(page, 1)
    expect(page.locator(".thplab-stage")).to_have_count(1)
    grown = heap(page) - before
    middle = heap(page)
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 2; }")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
    expect(page.locator(".thplab-stage[data-step]")).to_have_count(11)
    one = (heap(page) - middle) / 10
    print(f"50 runs: {grown} bytes; one stage: {one:.0f}")
    assert grown < 5 * one
    page.context.close()


def test_a_kernel_that_dies_leaves_a_stage_that_steps(lab: Lab, browser: Browser) -> None:
    page = lab.open(browser, lab.write("dies.ipynb", [CELLS[STAGE]]))
    run_all(page)
    stage = stage_in(page, 0)
    step_to(stage, 3)
    page.evaluate(
        """() => {
          const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
          kernel.requestExecute({ code: "import os, signal; os.kill(os.getpid(), signal.SIGKILL)" });
        }"""
    )
    page.get_by_role("dialog").get_by_role("button", name="Ok").click()
    step_to(stage, 5)
    stage.press("q")
    stage.get_by_label("Knobs").fill("max_ptes_none=100")
    stage.get_by_role("button", name="Run on from here with this").click()
    expect(stage.locator(".ts-edit-says")).to_contain_text(HINT)
    run_all(page)
    step_to(stage_in(page, 0), 4)
    page.context.close()
