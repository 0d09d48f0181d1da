"""The stage in JupyterLab in Chromium, with real key presses."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.expecting import expect
from tests.browser.jupyterlab import ROOT, Lab, run_all, step_of, wait_for_stage
from tests.stage.conftest import SMALL, opening
from thplab.reading.text import window_keys
from thplab.recording import Recording, record_scenario
from thplab.scenario import NAMED, Scenario
from thplab.stage import moment_text
from thplab.stage.widget import GRANULARITIES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

MARKUP = "<img src=x onerror='window.hacked = 1'><b>bold</b><script>window.hacked = 2</script>"
NAMES = ("note", "small", "follower", "markup", "explorer")
TO_THE_START = """(root) => {
  [...root.querySelectorAll(".ts-choice")].find((choice) => choice.textContent === "line").click();
  for (const key of ["Escape", "Home"]) root.dispatchEvent(new KeyboardEvent("keydown", { key }));
  root.focus();
}"""
CELLS = (
    f"""
import ipywidgets
from thplab.recording import record_scenario
from thplab.scenario import Scenario
from thplab.stage import Stage, explore
SMALL = {SMALL!r}
note = Stage("note", granularity="line", views=["window", "source", "variables", "stack"])
note
""",
    """
recording = record_scenario(Scenario.from_data(SMALL))
views = ["window", "source", "stack"]
small, follower = (Stage(recording, granularity="line", views=views) for _ in range(2))
ipywidgets.jslink((small, "shown"), (follower, "step"))
ipywidgets.Tab([ipywidgets.VBox([small, follower])], titles=["small"])
""",
    f"Stage(record_scenario(Scenario.from_data({{**SMALL, 'name': {MARKUP!r}, 'story': {MARKUP!r}}})))",
    "explore('S07.none_411', '6.1', height=500)",
)


@pytest.fixture(scope="module")
def page(lab: Lab, browser: Browser) -> Iterator[Page]:
    page = lab.open(browser, lab.write("stages.ipynb", CELLS))
    run_all(page)
    yield page
    page.context.close()


def stage_of(page: Page, name: str) -> Locator:
    """A stage, focused, at its start, stepping line by line."""
    stage = wait_for_stage(page, NAMES.index(name))
    stage.evaluate(TO_THE_START)
    see(page, stage, 0)
    return stage


def see(page: Page, stage: Locator, step: int) -> None:
    """Wait until the picture shows this moment."""
    handle = stage.element_handle()
    page.wait_for_function("([root, step]) => root.dataset.step === step", arg=[handle, str(step)])


def press(page: Page, stage: Locator, key: str) -> int:
    """Press a key that moves; the moment that it leads to."""
    was, handle = stage.get_attribute("data-step"), stage.element_handle()
    stage.press(key)
    page.wait_for_function("([root, was]) => root.dataset.step !== was", arg=[handle, was])
    return step_of(stage)


def go(page: Page, stage: Locator, step: int) -> None:
    """Move the slider, as a reader would, without its keys."""
    stage.locator(".ts-slider").evaluate(
        "(slider, step) => { slider.value = step; slider.dispatchEvent(new Event('input')); }", step
    )
    see(page, stage, step)


def entries_of(stage: Locator) -> list[str]:
    """What the picture shows of each entry of the window, by the keys of glyphs.json."""
    keys: list[str] = stage.locator(".ts-grid i").evaluate_all("(nodes) => nodes.map((n) => n.dataset.key)")
    return keys


def stops(recording: Recording, granularity: str) -> list[int]:
    """The moments at which a step of this granularity stops."""
    section = recording.header["granularity"][granularity]
    return list(recording.sections[section]) if section else list(range(len(recording)))


def after(steps: list[int], step: int) -> int:
    return next((each for each in steps if each > step), steps[-1])


def before(steps: list[int], step: int) -> int:
    return next((each for each in reversed(steps) if each < step), steps[0])


def moments_of(recording: Recording, *kinds: str) -> list[int]:
    return [n for n in range(len(recording)) if recording.moment(n).kind in kinds]


def test_the_first_picture(page: Page, note: Recording) -> None:
    stage = stage_of(page, "note")
    expect(stage).to_have_attribute("data-steps", str(len(note)))
    assert entries_of(stage) == ["young"] * 512


@pytest.mark.parametrize("key", ["ArrowRight", "n", "PageDown"])
def test_a_step(page: Page, key: str) -> None:
    stage = stage_of(page, "note")
    for step in (1, 2, 3):
        stage.press(key)
        see(page, stage, step)


@pytest.mark.parametrize("key", ["ArrowLeft", "b", "PageUp"])
def test_a_step_back(page: Page, key: str) -> None:
    stage = stage_of(page, "note")
    go(page, stage, 20)
    for step in (19, 18):
        stage.press(key)
        see(page, stage, step)


@pytest.mark.parametrize(
    ("forward", "backward", "kinds"),
    [
        ("f", "Shift+F", ("call", "return")),
        ("Shift+ArrowRight", "Shift+ArrowLeft", ("call", "return")),
        ("t", "Shift+T", ("event",)),
    ],
)
def test_next_and_previous_of_a_kind(
    page: Page, small: Recording, forward: str, backward: str, kinds: tuple[str, ...]
) -> None:
    stage, wanted = stage_of(page, "small"), moments_of(small, *kinds)
    middle = len(small) // 2
    go(page, stage, middle)
    stage.press(forward)
    see(page, stage, after(wanted, middle))
    go(page, stage, middle)
    stage.press(backward)
    see(page, stage, before(wanted, middle))


def test_the_next_entry(page: Page, note: Recording) -> None:
    """At a stop the loop is done with the entry that ``index`` names."""
    stage = stage_of(page, "note")
    reads = next(n for n in stops(note, "entry") if (told := note.told(n)) and told.kind == "reads")
    go(page, stage, reads)
    for index in range(3):
        assert note.locals(press(page, stage, "e"))["index"] == index
    assert note.locals(press(page, stage, "Shift+E"))["index"] == 1


def test_over_and_out(page: Page, note: Recording) -> None:
    stage = stage_of(page, "note")
    call = note.find_call("find_pmd_or_thp_or_none")
    assert call is not None
    line_before = note.moment(call - 1)
    go(page, stage, call - 1)
    there = note.moment(press(page, stage, "V"))
    assert there.number > call
    assert there.frame == line_before.frame
    go(page, stage, call)
    assert note.moment(press(page, stage, "O")).frame == line_before.frame


def test_start_and_end(page: Page, note: Recording) -> None:
    stage = stage_of(page, "note")
    for back, begin in (("Home", 0), ("0", opening(note))):
        stage.press("End")
        see(page, stage, len(note) - 1)
        expect(stage.locator(".ts-leaf")).to_be_visible()
        stage.press(back)
        see(page, stage, begin)


def test_play_and_its_speed(page: Page) -> None:
    stage = stage_of(page, "small")
    speed = stage.locator(".ts-bar .ts-speed")
    slow = int(speed.input_value())
    stage.press(".")
    expect(speed).not_to_have_value(str(slow))
    assert int(speed.input_value()) > slow
    stage.press(" ")
    page.wait_for_function("(root) => root.dataset.step > 2", arg=stage.element_handle())
    stage.press(" ")
    play = stage.get_by_role("button", name="Play or pause (Space)")
    expect(play).to_have_attribute("aria-pressed", "false")
    stopped = step_of(stage)
    page.wait_for_timeout(250)
    assert step_of(stage) == stopped
    stage.press(",")
    expect(speed).to_have_value(str(slow))


@pytest.mark.parametrize("granularity", ["line", "event", "entry", "function", "tracepoint", "pass"])
def test_each_granularity_there_and_back(page: Page, small: Recording, granularity: str) -> None:
    stage, wanted = stage_of(page, "small"), stops(small, granularity)
    choice = stage.locator(".ts-choice", has_text=granularity)
    if len(wanted) <= 2:
        expect(choice).to_be_disabled()
        return
    choice.click()
    expect(choice).to_have_attribute("aria-pressed", "true")
    stage.focus()
    seen = [0]
    for _ in range(min(4, len(wanted) - 2)):
        stage.press("ArrowRight")
        see(page, stage, after(wanted, seen[-1]))
        seen.append(step_of(stage))
    pictures = entries_of(stage)
    stage.press("ArrowRight")
    stage.press("ArrowLeft")
    see(page, stage, seen[-1])
    assert entries_of(stage) == pictures
    for step in reversed(seen[:-1]):
        stage.press("ArrowLeft")
        see(page, stage, step)


def test_g_changes_the_granularity(page: Page, small: Recording) -> None:
    """In the order of the buttons, without those that stop nowhere, and round again."""
    stage = stage_of(page, "small")
    pressed = stage.locator('.ts-choice[aria-pressed="true"]')
    expect(pressed).to_have_text("line")
    useful = [name for name in GRANULARITIES if len(stops(small, name)) > 2]
    at = useful.index("line")
    for name in (*useful[at + 1 :], *useful[: at + 1]):
        stage.press("g")
        expect(pressed).to_have_text(name)


def test_selecting_an_entry_and_its_last_change(page: Page, note: Recording) -> None:
    stage = stage_of(page, "note")
    press(page, stage, "End")
    for _ in range(3):
        stage.press("]")
    stage.press("[")
    expect(stage.locator(".ts-grid i[data-selected]")).to_have_attribute("data-entry", "1")
    at = press(page, stage, "w")
    assert window_keys(note, at)[1] == "huge"
    assert window_keys(note, at - 1)[1] == "none"
    stage.press("Escape")
    expect(stage.locator(".ts-grid i[data-selected]")).to_have_count(0)


def test_up_and_down_the_stack(page: Page, small: Recording) -> None:
    stage = stage_of(page, "small")
    call = small.find_call("scan_pmd")
    assert call is not None
    go(page, stage, call + 1)
    for key, up in (("u", 1), ("d", 0)):
        stage.press(key)
        line = small.stack(call + 1)[up].line
        expect(stage.locator(".ts-line[data-now]")).to_have_attribute("data-n", str(line))


def test_help_and_full_screen(page: Page) -> None:
    stage = stage_of(page, "small")
    stage.press("?")
    expect(stage.locator(".ts-help")).to_be_visible()
    stage.press("Escape")
    expect(stage.locator(".ts-help")).to_be_hidden()
    stage.press("p")
    page.wait_for_function("() => document.fullscreenElement?.classList.contains('thplab-stage')")
    stage.press("p")
    page.wait_for_function("() => !document.fullscreenElement")


def test_keys_work_on_every_control(page: Page) -> None:
    stage = stage_of(page, "small")
    for part in (".ts-slider", ".ts-button >> nth=1", ".ts-choice >> nth=0", ".ts-switch >> nth=4"):
        stage.press("Home")
        stage.locator(part).press("ArrowRight")
        see(page, stage, 1)


def test_a_burst_ends_on_the_right_step(page: Page) -> None:
    stage = stage_of(page, "small")
    follower = wait_for_stage(page, NAMES.index("follower"))
    stage.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    see(page, stage, 30)
    see(page, follower, 30)
    page.wait_for_timeout(600)  # a late echo of the kernel would put it back
    assert step_of(stage) == step_of(follower) == 30


def test_the_text_twin_is_what_the_picture_shows(page: Page, note: Recording) -> None:
    stage, draw = stage_of(page, "note"), random.Random(5)
    files = {source["file"] for source in note.header["sources"]}
    stage.press("x")
    for step in [0, len(note) - 1, *(draw.randrange(len(note)) for _ in range(8))]:
        go(page, stage, step)
        assert stage.locator(".ts-text").text_content() == moment_text(note, step)
        assert entries_of(stage) == window_keys(note, step)
        frame = next((each for each in note.stack(step) if each.file in files), None)
        if frame is not None:
            expect(stage.locator(".ts-line[data-now]")).to_have_attribute("data-n", str(frame.line))
    stage.press("x")


def test_stages_do_not_share_ids_or_steps(page: Page) -> None:
    other = stage_of(page, "note")
    stage = stage_of(page, "small")
    stage.press("ArrowRight")
    see(page, stage, 1)
    assert step_of(other) == 0
    ids = page.evaluate("() => [...document.querySelectorAll('.thplab-stage [id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_text_of_a_scenario_stays_text(page: Page) -> None:
    stage = stage_of(page, "markup")
    assert MARKUP in (stage.get_attribute("aria-label") or "")
    expect(stage.locator("img, script")).to_have_count(0)
    assert page.evaluate("() => window.hacked") is None


def test_it_follows_the_theme_of_the_notebook(page: Page) -> None:
    stage = stage_of(page, "small")
    for theme, mode in (("Dark", "dark"), ("Light", "light")):
        change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
        page.evaluate(change, f"JupyterLab {theme}")
        handle = stage.element_handle()
        page.wait_for_function("([root, mode]) => root.dataset.mode === mode", arg=[handle, mode])


def test_the_live_region_speaks_the_sentence(page: Page, small: Recording) -> None:
    stage = stage_of(page, "small")
    call = small.find_call("scan_pmd")
    assert call is not None
    go(page, stage, call)
    region = stage.get_by_role("status").first
    expect(region).to_have_attribute("aria-live", "polite")
    assert small.sentence(call) in region.inner_text()


def test_a_knob_is_refused_then_turned(page: Page) -> None:
    stage_of(page, "explorer")
    page.locator(".widget-toggle-button", has_text="Knobs").press("Enter")
    knob = page.get_by_label("max_ptes_none")
    message = page.locator(".widget-label", has_text="Linux 6.1:")
    expect(message).to_have_count(1)
    for value, answer in (("512", "EINVAL: max_ptes_none: '512' is not accepted"), ("412", "moments")):
        knob.fill(value)
        knob.press("Enter")
        page.locator("button.jupyter-button", has_text="Run").click()
        page.locator(".widget-label", has_text=answer).first.wait_for()
    raw = NAMED["S07.none_411"].raw
    turned = Scenario.from_data({**raw, "settings": {**raw["settings"], "max_ptes_none": 412}})
    expected = len(record_scenario(turned, "6.1"))
    page.wait_for_function(
        "([number, steps]) => document.querySelectorAll('.thplab-stage')[number].dataset.steps === steps",
        arg=[NAMES.index("explorer"), str(expected)],
    )
    expect(stage_of(page, "explorer")).to_have_attribute("data-steps", str(expected))


@pytest.mark.long
def test_notebook_05_runs_and_steps(lab: Lab, browser: Browser) -> None:
    name = "05-who-called-prep-transhuge-page.ipynb"
    (lab.folder / name).write_bytes((ROOT / "notebooks" / name).read_bytes())
    page = lab.open(browser, name)
    run_all(page)
    stage = wait_for_stage(page)
    first = step_of(stage)
    stage.focus()
    stage.press("a")  # the first one asks
    stage.press("ArrowRight")
    handle = stage.element_handle()
    page.wait_for_function("([root, step]) => Number(root.dataset.step) > step", arg=[handle, first])
    stage.press("ArrowLeft")
    see(page, stage, first)
    page.context.close()
