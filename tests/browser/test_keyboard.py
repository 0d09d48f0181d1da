"""Keys stay in what is ours, in JupyterLab and notebook 7, and the focus is where keys work."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.expecting import expect
from tests.browser.jupyterlab import APPS, Lab, ask_python, run_all, show_cell, step_of
from tests.browser.modules import as_text, page_with_modules
from tests.sampling import sample
from tests.stage.conftest import SMALL
from thplab.export.deck import Shelf, Slide, deck
from thplab.recording import Recording

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

#: name -> cell; each shows something of ours, less the last.
CELLS = {
    "stage": f"""
from thplab.lessons import RaceInjector, ask, gallery, jumps, recall, thresholds
from thplab.recording import record_scenario
from thplab.scenario import Scenario
from thplab.stage import Stage, explore
small = record_scenario(Scenario.from_data({SMALL!r}))
ask_at = {{"step": 5, "ask": "How many?", "answer": "4"}}
views = ["window", "source", "trace", "text"]
Stage(small, stops=[ask_at], guesses={{"5": "4"}}, views=views, granularity="line")
""",
    "choice": "ask('05.caller')",
    "order": "ask('05.order')",
    "groups": "ask('05.cards')",
    "stop": "ask('07.stop')",
    "prose": "ask('10.why')",
    "code": "ask('08.isolate')",
    "paint": "ask('07.paint')",
    "set": "recall(7)",
    "jumps": "stage = Stage(small, granularity='line')\njumps(stage, {'seven': 7, 'nine': 9})",
    "panel": "explore('S07.none_411')",
    "race": "RaceInjector()",
    "gallery": "gallery()",
    "limits": "thresholds('512x young')",
    "what-if": "future = Stage('S07.none_411', views=['window'], granularity='line')\nfuture",
    "plain": "'nothing of ours'",
}

#: cell -> what is focused there; "!": clicked, because it takes no focus itself.
CONTROLS = [
    ("stage", ".thplab-stage"),
    ("stage", ".ts-button >> nth=1"),
    ("stage", ".ts-choice >> nth=0"),
    ("stage", ".ts-switch >> nth=4"),
    ("stage", ".ts-slider"),
    ("stage", ".ts-speed"),
    ("stage", ".ts-code"),
    ("choice", "button >> nth=1"),
    ("choice", "input"),
    ("choice", "button:has-text('Hint')"),
    ("choice", "!b:has-text('Question')"),
    ("order", "button >> nth=2"),
    ("groups", "select >> nth=0"),
    ("stop", "select"),
    ("stop", "input"),
    ("prose", "textarea"),
    ("prose", "button:has-text('Check')"),
    ("code", "textarea"),
    ("code", "button:has-text('Hint')"),
    ("paint", "select"),
    ("paint", "input[type=number] >> nth=0"),
    ("paint", "button:has-text('Paint')"),
    ("set", ".thplab-question >> nth=1 >> button:has-text('Hint')"),
    ("jumps", "button:has-text('seven')"),
    ("panel", "select >> nth=0"),
    ("panel", ".widget-toggle-button >> nth=1"),
    ("panel", ".widget-toggle-button:has-text('Knobs')"),
    ("panel", "input >> nth=0"),
    ("race", "button:has-text('Run the race')"),
    ("race", ".thplab-stage"),
    ("gallery", ".widget-toggle-button >> nth=0"),
    ("gallery", "button:has-text('Show on the stage')"),
    ("limits", ".noUi-handle >> nth=0"),
    ("limits", "input >> nth=0"),
]

#: Each letter and digit, and what JupyterLab knows with Shift.
LETTERS = [*string.ascii_lowercase, *string.digits, *"ABJKLMRVZ"]
#: May hide the control that it is typed on, until it is typed once more.
HIDING = {"p", "v", *string.digits}
NAMED = [
    "Escape", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Shift+ArrowUp", "Shift+ArrowDown",
    "Backspace", "Delete", "Home", "End", "Control+Shift+ArrowUp", "Control+Shift+ArrowDown",
    "Control+Backspace", "Control+Shift+M", "Control+A",
]  # fmt: skip
#: What may press the control itself, and so is typed where that does no harm.
PRESSING = ["Space", "Enter", "Shift+Enter", "Control+Enter", "Alt+Enter"]

CELLS_NOW = """() => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  const cells = notebook.widgets.map(({ model }) => {
    const { id, type, sharedModel } = model;
    return [id, type, sharedModel.getSource(), sharedModel.execution_count ?? null];
  });
  return { cells, active: notebook.activeCellIndex, mode: notebook.mode,
           selected: notebook.widgets.filter((cell) => notebook.isSelectedOrActive(cell)).length };
}"""
COMMAND_MODE = "() => { window.jupyterapp.shell.currentWidget.content.mode = 'command'; }"
NO_FULL_SCREEN = "() => { Element.prototype.requestFullscreen = () => Promise.reject(new Error('no')); }"
TAKES_FOCUS = "(node) => { node.focus(); return node === document.activeElement; }"


@dataclass
class Opened:
    """``app``: lab or notebook; ``page`` has the notebook, run."""

    app: str
    page: Page

    def cell(self, name: str) -> Locator:
        """A cell, active and scrolled to, in command mode."""
        cell = show_cell(self.page, list(CELLS).index(name))
        self.page.evaluate(COMMAND_MODE)
        return cell

    def stage(self, name: str) -> Locator:
        """The (first) stage of a cell, painted."""
        stage = self.cell(name).locator(".thplab-stage[data-step]").first
        stage.wait_for()
        return stage

    def now(self) -> Any:
        """The cells, which is active, and the mode."""
        return self.page.evaluate(CELLS_NOW)


@pytest.fixture(scope="module", params=APPS)
def opened(request: pytest.FixtureRequest, lab: Lab, browser: Browser) -> Iterator[Opened]:
    app = str(request.param)
    page = lab.open(browser, lab.write(f"keyboard-{app}.ipynb", list(CELLS.values())), app=app)
    page.set_default_timeout(10_000)
    page.evaluate(NO_FULL_SCREEN)
    run_all(page)
    yield Opened(app, page)
    page.context.close()


def focus(part: Locator) -> None:
    assert part.evaluate(TAKES_FOCUS)


def test_a_plain_cell_has_its_shortcuts(opened: Opened) -> None:
    cell, before = opened.cell("plain"), opened.now()["cells"]
    cell.locator(".jp-InputPrompt").click()
    opened.page.keyboard.press("b")
    expect(opened.page.locator(".jp-Notebook .jp-Cell")).to_have_count(len(before) + 1)
    opened.page.keyboard.press("z")
    expect(opened.page.locator(".jp-Notebook .jp-Cell")).to_have_count(len(before))


@pytest.mark.parametrize("part", [".thplab-stage", ".ts-button >> nth=1"])
def test_control_s_saves(opened: Opened, part: str) -> None:
    stage = opened.cell("stage").locator(part)
    stage.press("f")
    # The last thing that saving does: another save meanwhile would be left out.
    with opened.page.expect_response(lambda response: "/checkpoints" in response.url):
        stage.press("Control+s")


def written(box: Locator, text: str, first: int, last: int | None = None) -> Locator:
    """A code box with this text, and this much of it selected."""
    field = box.locator("textarea")
    field.fill(text)
    field.evaluate("(node, [a, b]) => node.setSelectionRange(a, b)", [first, first if last is None else last])
    return field


def test_tab_and_enter_in_a_code_box(opened: Opened) -> None:
    page, box = opened.page, opened.cell("code")
    field = written(box, "def f():", 8)
    field.press("Enter")
    page.keyboard.type("if x:  # why")
    page.keyboard.press("Enter")
    page.keyboard.type("y")
    expect(field).to_have_value("def f():\n    if x:  # why\n        y")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("z")
    expect(field).to_have_value("def f():\n    if x:  # why\n        y\n    z")
    page.keyboard.press("Tab")
    expect(field).to_have_value("def f():\n    if x:  # why\n        y\n    z    ")
    page.keyboard.press("Control+z")
    expect(field).to_have_value("def f():\n    if x:  # why\n        y\n    z")
    field = written(box, "a\n\n  b\nc", 1, 6)
    page.keyboard.press("Tab")
    expect(field).to_have_value("    a\n\n      b\nc")
    for text in ("a\n\n  b\nc", "a\n\nb\nc", "a\n\nb\nc"):
        page.keyboard.press("Shift+Tab")
        expect(field).to_have_value(text)
    page.keyboard.press("Control+z")
    expect(field).to_have_value("a\n\n  b\nc")
    expect(box).to_contain_text("Tab indents. Esc, then Tab leaves the box.")


def test_what_is_indented_is_what_is_checked(opened: Opened) -> None:
    box = opened.cell("code")
    field = written(box, "def isolate(window):", 20)
    field.press("Enter")
    opened.page.keyboard.type("return (")
    box.locator("button", has_text="Check").click()
    box.locator('[role="status"]', has_text="'(' was never closed").wait_for()


def test_escape_then_tab_leaves_a_code_box(opened: Opened) -> None:
    page, box = opened.page, opened.cell("code")
    field = written(box, "pass", 4)
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.keyboard.press("Tab")
    expect(field).to_have_value("passx    ")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(box.locator("button", has_text="Check")).to_be_focused()


def test_ipywidgets_go_on_working(opened: Opened) -> None:
    box = opened.cell("choice")
    field = box.locator("input")
    field.fill("")
    field.press("b")
    field.press("Enter")
    box.locator('div[role="status"]').wait_for()
    box.locator("button", has_text="Hint").press(" ")
    box.locator('[role="status"]', has_text="Hint").wait_for()
    stop = opened.cell("stop").locator("select")
    stop.select_option(index=0)
    stop.press("e")
    assert stop.evaluate("(list) => list.selectedOptions[0].label").startswith("e")


def test_another_question_keeps_the_keys(opened: Opened) -> None:
    box = opened.cell("choice")
    box.locator("button", has_text="Another").click()
    box.locator("button", has_text="Another").wait_for()
    opened.page.wait_for_function("() => document.activeElement === document.body")
    before = opened.now()
    for key in "bx":
        opened.page.keyboard.press(key)
    expect(box.locator(".thplab-question")).to_be_focused()
    assert opened.now() == before


def step_on(page: Page, stage: Locator) -> None:
    """The next key steps: the focus is on the stage itself."""
    expect(stage).to_be_focused()
    before = step_of(stage)
    page.keyboard.press("ArrowRight")
    expect(stage).to_have_attribute("data-step", str(before + 1))


def test_after_a_jump_keys_step(opened: Opened) -> None:
    stage = opened.stage("jumps")
    for name, moment in (("seven", 7), ("nine", 9), ("nine", 9)):
        opened.cell("jumps").locator("button", has_text=name).click()
        expect(stage).to_have_attribute("data-step", str(moment))
        step_on(opened.page, stage)


def test_after_what_if_and_keeping_one_future_keys_step(opened: Opened) -> None:
    page, cell = opened.page, opened.cell("what-if")
    pair = cell.locator(".thplab-stage-pair[data-second]")
    for press, keep in (
        ("key", "Go on with the first future only"),
        ("click", "Go on with the second future only"),
    ):
        opened.stage("what-if").press("q")
        page.keyboard.type("101x present")
        if press == "key":
            page.keyboard.press("Enter")
        else:
            cell.get_by_role("button", name="Run on from here with this").click()
        pair.wait_for()
        expect(pair.locator(".thplab-stage").first).to_be_focused()
        before = int(pair.get_attribute("data-step") or -1)
        page.keyboard.press("ArrowRight")
        expect(pair).to_have_attribute("data-step", str(before + 1))
        cell.get_by_role("button", name=keep).click()
        pair.wait_for(state="detached")
        step_on(page, cell.locator(".thplab-stage[data-step]"))


def test_after_show_on_the_stage_keys_step(opened: Opened) -> None:
    cell = opened.cell("gallery")
    cell.locator("button", has_text="Show on the stage").click()
    stage = cell.locator(".thplab-stage[data-step]")
    stage.wait_for()
    expect(stage).to_be_focused()
    expect(stage).to_be_in_viewport()
    opened.page.keyboard.press("ArrowLeft")
    opened.page.keyboard.press("Home")
    expect(stage).to_have_attribute("data-step", "0")


def test_after_a_race_and_a_run_keys_step(opened: Opened) -> None:
    for name, button in (("race", "Run the race"), ("panel", "Run")):
        cell = opened.cell(name)
        cell.locator("button.jupyter-button", has_text=button).first.click()
        expect(cell.locator(".thplab-stage[data-step]")).to_be_focused()


def test_a_cell_that_moves_a_stage_takes_no_focus(opened: Opened) -> None:
    page, stage = opened.page, opened.stage("jumps")
    editor = opened.cell("plain").locator(".cm-content")
    editor.click()
    expect(editor).to_be_focused()
    ask_python(page, "stage.go(3)")
    ask_python(page, "future.branch(0, knobs='max_ptes_none=412')")
    page.wait_for_timeout(500)
    expect(editor).to_be_focused()
    ask_python(page, "future.alone(); stage.take_focus()")  # who writes is not interrupted
    page.wait_for_timeout(300)
    expect(editor).to_be_focused()
    assert ask_python(page, "print(stage.wants_focus)") == "False"
    opened.cell("jumps")
    expect(stage).to_have_attribute("data-step", "3")


# These come last in a notebook: keys press buttons and choose out of lists, too.


def click(part: Locator) -> None:
    part.click()


def _some_controls() -> list[Any]:
    """A sample for each run; the others are for make test-long."""
    drawn = sample(CONTROLS, 6)
    return [pytest.param(*each, marks=() if each in drawn else pytest.mark.long) for each in CONTROLS]


@pytest.mark.parametrize(("cell", "part"), _some_controls())
def test_no_key_reaches_the_notebook(opened: Opened, cell: str, part: str) -> None:
    page, shown = opened.page, opened.cell(cell)
    control = shown.locator(part.lstrip("!"))
    drawer = shown.locator(".widget-toggle-button", has_text="Knobs")
    if drawer.count() and not control.is_visible():
        drawer.click()
    control.wait_for()
    take = click if part.startswith("!") else focus
    take(control)
    page.evaluate(COMMAND_MODE)
    before = opened.now()
    for key in [*LETTERS, *NAMED, *PRESSING]:
        take(control)
        for _ in range(2 if key in HIDING else 1):
            page.keyboard.press(key)
    page.wait_for_timeout(50)
    assert opened.now() == before


MOUNT = """async (text) => {
  const { mount } = await import("/stage.js");
  window.heard = [];
  const hear = ({ key }) => window.heard.push(key);
  for (const place of [document, window]) place.addEventListener("keydown", hear);
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  await mount(document.querySelector("main"), bytes, {});
}"""


def test_in_a_page_only_chords_are_heard_outside(browser: Browser, small: Recording) -> None:
    page = page_with_modules(browser)
    page.evaluate(NO_FULL_SCREEN)
    page.evaluate(MOUNT, as_text(small))
    for part in (".thplab-stage", ".ts-button >> nth=1", ".ts-speed"):
        page.locator(part).focus()
        for key in [*LETTERS, "Escape", "Control+Enter"]:
            page.keyboard.press(key)
            page.keyboard.press("Escape")
            page.locator(part).focus()
    assert page.evaluate("() => heard") == []
    page.keyboard.press("Control+s")
    assert page.evaluate("() => heard") == ["s", "s"]
    page.close()


def test_in_a_deck_no_key_of_a_stage_is_reveals(browser: Browser, small: Recording, tmp_path: Path) -> None:
    shelf = Shelf()
    file = tmp_path / "deck.html"
    slides = [[Slide([shelf.stage(small.to_bytes())])], [Slide(["<p>The end</p>"])]]
    file.write_text(deck("Keys", slides, shelf), "utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(file.as_uri())
    stage = page.locator(".thplab-stage")
    stage.wait_for()
    for key in [*(letter for letter in LETTERS if letter != "p"), "ArrowRight", "Home", "End", "Space"]:
        stage.focus()
        page.keyboard.press(key)
    assert page.evaluate("() => location.hash") in ("", "#/")
    expect(page.locator(".reveal.overview, .reveal.paused")).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")  # the deck's again
    page.wait_for_function("() => location.hash === '#/1'")
    page.close()
