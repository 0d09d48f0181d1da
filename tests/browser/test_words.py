"""No word on the stage is without an explanation: scenes and views over a sample of scenarios and moments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.modules import as_text, page_with_modules
from tests.recording.compacting import COMPACTING
from tests.sampling import sample
from thplab.kernels import PROFILES
from thplab.lessons.runs.lanes import run_lanes
from thplab.reading.glyphs import views
from thplab.reading.kernel_words import anywhere, in_place
from thplab.recording import Recording, record_what_fits
from thplab.recording.story import TEMPLATES
from thplab.scenario import NAMED

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

MOMENTS = 15
#: Views whose words are code: names of variables and lines of the model.
CODE = ".ts-code, .ts-variables, .ts-args, .ts-text, .ts-what"
#: Identifiers, capitals, and what has both cases in a word.
TECHNICAL = re.compile(
    r"(?<![\w/.])(?:\w*[A-Za-z]_\w*|_\w*[A-Za-z]\w*|[A-Z][A-Z0-9]+s?|[a-z]+[A-Z]\w*)(?![\w/.-]*[a-z]\.py)"
)
#: Units, a sleeper's sign, and the computer on which costs were measured.
PLAIN = {"MiB", "KiB", "kB", "zZ", "CPUs", "AMD", "EPYC"}
#: Names that say what they are nowhere else.
NAMES = set(anywhere())

MOUNT = """async ([text, views]) => {
  const { mount } = await import("/stage.js");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  globalThis.handle?.destroy();
  globalThis.handle = await mount(document.querySelector("main"), bytes, { views });
  const { wordsIn, functionsOf } = await import("/data/words.js");
  globalThis.explained = (text) => [...wordsIn(text, functionsOf(handle.stage.reader)).keys()];
}"""
#: What stands in each element that has text of its own, and which of its words the pointer explains.
WRITTEN = """([step, code]) => {
  handle.go(step);
  const found = new Map();
  for (const node of handle.root.querySelectorAll("*")) {
    const own = [...node.childNodes].some((each) => each instanceof Text && each.data.trim());
    if (!own || node.closest(code) || node.matches("title") || !node.checkVisibility()) continue;
    // The title of a frame has its arguments.
    const told = node.closest(".ts-frames") ? "" : node.closest("[title]")?.title;
    const text = [node.textContent.trim(), told].filter(Boolean).join("\\n");
    found.set(text, node.closest("[data-view]")?.dataset.view ?? "");
  }
  return [...found].map(([text, view]) => [text, view, explained(text)]);
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    yield page
    page.close()


def own_names(recording: Recording) -> set[str]:
    """Names that the scenario gives: its own, those of its processes and files."""
    header = recording.header
    names = {task["comm"] for task in header["tasks"]} | {header["title"]}
    return names | {word for name in names for word in re.findall(r"\w+", name)}


def unexplained(text: str, explained: list[str]) -> list[str]:
    """The technical words of a text that are in none of the explained ones."""
    known = {part for each in explained for part in re.findall(r"\w+", each)}
    words = [*TECHNICAL.findall(text), *(word for word in re.findall(r"\w+", text) if word in NAMES)]
    # Of a long name of a function the bar of phases shows the end; its title has all of it.
    return [
        word
        for word in dict.fromkeys(words)
        if word not in known | PLAIN and not any(each.endswith(f"_{word}") for each in known)
    ]


def without_meaning(page: Page, recording: Recording, moments: int) -> dict[str, str]:
    """Word -> the view and the text in which it has no meaning, at some moments of a recording."""
    page.evaluate(MOUNT, [as_text(recording), [view["name"] for view in views()]])
    own, steps = own_names(recording), sample(range(len(recording)), moments)
    return {
        word: f"{view or 'head'}: {text}"
        for step in (0, *steps, len(recording) - 1)
        for text, view, explained in page.evaluate(WRITTEN, [step, CODE])
        for word in unexplained(text, explained)
        if word not in own
    }


def drawn(count: int) -> Iterator[Recording]:
    """Named scenarios, each on one of the kernels."""
    kernels = sample(list(PROFILES) * len(NAMED), len(NAMED))
    for name, kernel in list(zip(sample(sorted(NAMED), len(NAMED)), kernels, strict=True))[:count]:
        yield record_what_fits(name, kernel)


@pytest.mark.parametrize("count", [2, pytest.param(len(NAMED), marks=pytest.mark.long)])
def test_each_technical_word_has_a_meaning(page: Page, count: int) -> None:
    for recording in drawn(count):
        assert without_meaning(page, recording, MOMENTS) == {}, recording


@pytest.mark.parametrize("made", sample(sorted(COMPACTING), 2))
def test_the_words_of_compaction_have_a_meaning(page: Page, made: str) -> None:
    assert without_meaning(page, COMPACTING[made]("6.18"), MOMENTS) == {}


def test_the_words_of_the_ledger_have_a_meaning(page: Page) -> None:
    lane = run_lanes("A", "6.18", depth="functions", ledger=True).recordings["A"]
    assert without_meaning(page, lane, MOMENTS) == {}


def test_each_sentence_that_may_be_told_has_words_with_a_meaning(page: Page, small: Recording) -> None:
    page.evaluate(MOUNT, [as_text(small), ["scene"]])
    for kind, template in TEMPLATES.items():
        text = re.sub(r"MADV_\{[^}]*\}|\{[^}]*\}", "it", template.text)
        assert unexplained(text, page.evaluate("(text) => explained(text)", text)) == [], kind


@pytest.mark.parametrize("word", ["zap_frobnicate", "QXYZ", "madvFree", "thp_frobbed"])
def test_a_planted_word_is_found(page: Page, small: Recording, word: str) -> None:
    page.evaluate(MOUNT, [as_text(small), ["scene", "locks"]])
    page.evaluate("(word) => handle.root.querySelector('.ts-said').append(` A ${word} of the folio.`)", word)
    written = page.evaluate(WRITTEN.replace("handle.go(step);", ""), [0, CODE])
    assert {each for text, _, explained in written for each in unexplained(text, explained)} == {word}


def test_the_pointer_explains_the_flags_of_a_page(page: Page, small: Recording) -> None:
    page.evaluate(MOUNT, [as_text(small), ["window"]])
    page.evaluate("() => { handle.go(40); handle.stage.act(() => handle.stage.selection.select(0)); }")
    words = page.locator(".ts-about span")
    words.hover()
    says = words.get_attribute("title") or ""
    flags = re.split(r", | ", words.inner_text().partition("mapcount ")[2])[1:]
    assert flags
    for flag in flags:
        assert f"{flag}: page flag, {in_place()['page flag'][flag]}" in says
    page.mouse.move(0, 0)
    assert words.get_attribute("title") is None


def test_a_button_says_what_it_does_and_what_its_words_mean(page: Page, small: Recording) -> None:
    page.evaluate(MOUNT, [as_text(small), ["trace"]])
    page.evaluate("(step) => handle.go(step)", len(small) - 1)
    line = page.locator(".ts-trace-lines button").last
    line.hover()
    says = line.get_attribute("title") or ""
    assert says.startswith("Go to the moment that printed this line\n")
    result = line.inner_text().partition("status=")[2].partition(",")[0]
    assert f"{result}: result, {in_place()['result'][result]}" in says
    page.mouse.move(0, 0)
    assert line.get_attribute("title") == "Go to the moment that printed this line"


def test_the_list_by_key_has_functions_flags_and_terms(page: Page, small: Recording) -> None:
    page.evaluate(MOUNT, [as_text(small), ["window", "stack"]])
    page.evaluate("() => { handle.go(40); handle.stage.act('words'); }")
    listed = page.locator(".ts-meanings dt").all_inner_texts()
    running = page.locator(".ts-frames strong").first.inner_text()
    assert {running, "PGD / PUD / PMD / PTE", "mmap lock / mmap_lock"} & set(listed) >= {running}
    assert "window" in listed
