"""Decks of notebooks that attack, in Chromium: nothing runs, asks, leaves or breaks.

Sanitiser and policy are tried alone as well. A sample in each run, all in make test-long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from tests.export.payloads import ASKED, ATOMS, Payload, payloads
from tests.sampling import sample
from thplab.export.deck import ALLOWED, Shelf, Slide, deck
from thplab.export.html import Document, Html
from thplab.export.notebook_slides import notebook_slides
from thplab.export.pictures import Pictures

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

TITLE = "A title"
BATCH = 75  # payloads in a deck
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')

#: Every handler is called, everything is clicked, and then the page says what it has become.
_TRY = """([count, title]) => {
  const slides = [...document.querySelectorAll(".reveal > .slides > section")];
  const all = [...document.querySelectorAll(".slides *")];
  const names = all.flatMap((each) => each.getAttributeNames());
  const events = new Set(names.filter((name) => name.startsWith("on")));
  const opens = (each) => each.matches("a") && each.target === "_blank" && each.rel.includes("noopener");
  const links = all.filter((each) => each.matches("[href]"));
  const forbidden = `script, style, link, meta, base, iframe, frame, object, embed, form, input, button,
    select, textarea, video, audio, svg, math, template, noscript, title, dialog, area, [style*="url"],
    [style*="fixed"], [srcset], [background], [popover], [autofocus], .live, .notes`;
  const problems = [];
  const wrong = (what, of) => problems.push([of?.closest?.("[data-number]")?.dataset.number ?? -1, what]);
  slides.forEach((slide, number) => (slide.dataset.number = number));
  for (const each of all) {
    for (const name of events) each.dispatchEvent(new Event(name.slice(2), { bubbles: true }));
    if (!each.closest("[href]")) each.click?.();
    if (each.matches(forbidden)) wrong(`has ${each.outerHTML.slice(0, 80)}`, each);
    for (const name of each.getAttributeNames()) if (name.startsWith("on")) wrong(`has ${name}`, each);
    if (each.src && !each.src.startsWith("data:image/")) wrong(`has src ${each.src}`, each);
  }
  for (const each of links)
    if (!(opens(each) && /^https?:/.test(each.href)) && !each.getAttribute("href").startsWith("#n-"))
      wrong(`leads to ${each.getAttribute("href")}`, each);
  if (slides.length !== count) wrong(`${slides.length} slides of ${count}`);
  if (document.title !== title) wrong(`title ${document.title}`);
  const about = ["SCRIPT", "DIV"];
  const beside = [...document.body.children].map((each) => each.tagName);
  if (beside.some((tag) => !about.includes(tag))) wrong("more is beside the deck");
  if (document.querySelectorAll("head > :not(meta, title, style)").length) wrong("something is in the head");
  const nested = document.querySelectorAll(".slides section section, .slides > :not(section)");
  if (nested.length) wrong("slides are nested");
  slides.forEach((slide, number) => {
    slide.style.cssText = "display: block; visibility: visible; opacity: 1; position: static";
    slide.hidden = false;
    const last = slide.lastElementChild;
    const end = last?.textContent;
    if (end !== `after ${number}`) return wrong(`ends in ${end}`, slide);
    const seen = last.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!seen) wrong("the end is hidden", slide);
    const { width, height } = last.getBoundingClientRect();
    if (width < 1 || height < 1) wrong("the end has no size", slide);
  });
  return { ran: window.hits, problems };
}"""
_READY = "() => document.querySelector('section.present')?.dataset.ready !== undefined"


def slides_of(batch: Sequence[Payload]) -> list[list[Slide]]:
    """As from a notebook: each payload in a cell or an output of a slide of its own, with words after it."""
    cells = []
    for number, payload in enumerate(batch):
        text = payload.numbered(number)
        if payload.kind == "markdown":
            cell = nbformat.v4.new_markdown_cell(text)
        else:
            shown = nbformat.v4.new_output("display_data", {"text/html": text})
            cell = nbformat.v4.new_code_cell("", outputs=[shown])
        cell.metadata["slideshow"] = {"slide_type": "slide"}
        cells += [cell, nbformat.v4.new_markdown_cell(f"after {number}")]
    return notebook_slides(nbformat.v4.new_notebook(cells=cells), Pictures(), Shelf())


class Attacked:
    """A page that counts what runs, what is asked for, and where it goes."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.file = folder / "deck.html"
        self.context = browser.new_context(viewport={"width": 1280, "height": 720})
        self.context.add_init_script("window.hits = []; window.ran = (number) => window.hits.push(number);")
        self.asked: list[str] = []
        self.went: list[str] = []
        self.context.route("**/*", self._answer)
        self._watch(self.context.new_page())

    def _answer(self, route: Any) -> None:
        if route.request.url.partition("#")[0] == self.file.as_uri():
            return route.continue_()
        self.asked.append(route.request.url)
        return route.abort()

    def open(self, text: str) -> Page:
        """The page with this text; ``asked`` and ``went`` begin anew."""
        self.file.write_text(text, "utf-8")
        if self.page.is_closed():
            self._watch(self.context.new_page())
        self.asked.clear()
        self.went.clear()
        self.page.goto(self.file.as_uri())
        return self.page

    def _watch(self, page: Page) -> None:
        self.page = page
        page.on("framenavigated", lambda frame: self.went.append(frame.url.partition("#")[0]))
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.on("popup", lambda popup: self.went.append(f"popup {popup.url}"))

    def problems(self, batch: Sequence[Payload], *, policy: bool) -> list[tuple[int, str]]:
        """What a deck of them does that it must not: number of the payload (-1: unknown), and what."""
        text = deck(TITLE, slides_of(batch), Shelf())
        page = self.open(text if policy else _POLICY.sub("", text))
        try:
            page.wait_for_function(_READY, timeout=10_000)
        except Exception as error:  # whatever it is, the deck is broken
            return [(-1, f"never ready: {error}"[:200])]
        said = page.evaluate(_TRY, [len(batch), TITLE])
        page.wait_for_timeout(50)
        said["ran"] = page.evaluate("() => window.hits")
        found = [(number, "ran") for number in said["ran"]]
        found += [(int(url.rpartition("/")[2] or -1), f"asked for {url}") for url in self.asked]
        found += [(-1, f"went to {url}") for url in self.went if url != self.file.as_uri()]
        return found + [(int(number), what) for number, what in said["problems"]]

    def guilty(self, items: Sequence[Payload], *, policy: bool) -> dict[str, list[str]]:
        """Name of each payload that does something, and what: a deck that fails is tried one by one."""
        found: dict[str, list[str]] = {}
        for batch in (items[at : at + BATCH] for at in range(0, len(items), BATCH)):
            if not self.problems(batch, policy=policy):
                continue
            alone = {each.name: self.problems([each], policy=policy) for each in batch}
            bad = {name: [what for _, what in said] for name, said in alone.items() if said}
            found |= bad or {f"together: {[each.name for each in batch]}": ["only together"]}
        return found


@pytest.fixture
def attacked(browser: Browser, tmp_path: Path) -> Iterator[Attacked]:
    made = Attacked(browser, tmp_path)
    yield made
    made.context.close()


def test_the_sanitiser_alone_holds(attacked: Attacked) -> None:
    assert attacked.guilty(sample(payloads(), 3 * BATCH), policy=False) == {}


@pytest.mark.long
@pytest.mark.parametrize("part", range(20))
def test_the_sanitiser_alone_holds_for_all(attacked: Attacked, part: int) -> None:
    assert attacked.guilty(payloads()[part::20], policy=False) == {}


def test_sanitiser_and_policy_together_leave_a_whole_deck(attacked: Attacked) -> None:
    assert attacked.guilty(sample(payloads(), BATCH), policy=True) == {}


#: What leads the page elsewhere, against which a policy in the page can do nothing.
_LEAVES = re.compile("http-equiv=refresh|target=_self")
_CLICK = "() => { for (const each of document.body.querySelectorAll(':not([href])')) each.click?.(); }"


def raw(atom: str) -> str:
    """A page with a deck's policy in which an atom is just so."""
    body = Html(Payload("", "html", atom).numbered(0))
    return Document(TITLE, "", body, [], allowed=ALLOWED).html()


def done(attacked: Attacked, text: str) -> tuple[bool, bool]:
    """Did something run, and was something asked for?"""
    from playwright.sync_api import Error

    page, ran = attacked.open(text), False
    with suppress(Error):  # the page has left: that it asks somebody is heard
        page.evaluate(_CLICK)
        page.wait_for_timeout(20)
        ran = bool(page.evaluate("() => window.hits.length"))
    if attacked.asked:
        page.close()  # it may be on its way
    return ran, any(url.startswith(ASKED) for url in attacked.asked)


_STAYS = [each for each in ATOMS if not _LEAVES.search(each)]


@pytest.mark.parametrize("count", [14, pytest.param(len(_STAYS), marks=pytest.mark.long)])
def test_the_policy_alone_keeps_everything_from_running_and_asking(attacked: Attacked, count: int) -> None:
    held = {atom: done(attacked, raw(atom)) for atom in sample(_STAYS, count)}
    assert {atom: what for atom, what in held.items() if any(what)} == {}


@pytest.mark.parametrize(
    ("atom", "what"),
    [
        ("<script>RAN</script>", (True, False)), ("<img src=x onerror=RAN>", (True, False)),
        ("<svg onload=RAN>", (True, False)), ("<img src=ASK>", (False, True)),
        ("<iframe src=ASK>", (False, True)), ("<style>body{background:url(ASK)}</style>", (False, True)),
    ],
)  # fmt: skip
def test_the_detector_hears_what_runs_and_asks(
    attacked: Attacked, atom: str, what: tuple[bool, bool]
) -> None:
    """Without a policy, else the tests above would say nothing."""
    assert done(attacked, _POLICY.sub("", raw(atom))) == what


def test_the_detector_hears_what_leaves(attacked: Attacked) -> None:
    attacked.open(raw("<meta http-equiv=refresh content='0;url=ASK'>")).wait_for_timeout(200)
    assert any(url.startswith(ASKED) for url in (*attacked.went, *attacked.asked))
