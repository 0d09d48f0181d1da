"""Sheets of the scenes for docs/gallery: ``python -m tools.scene_sheets [SCENE...]``.

A sheet shows three moments of a scene (columns) as a reader meets them (rows): a cell of JupyterLab at
1366x768, presented at 1920x1080, an exported page, and a phone; one sheet in the light and one in the dark.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from PIL import Image

from tests.browser.chromium import chromium
from tests.browser.jupyterlab import run_all, serve, show_cell
from thplab.export import page as make_page
from thplab.export.routes_page import routes_page
from thplab.files import write_file
from thplab.lessons.runs.routes import three_routes
from thplab.recording import Recording
from tools.gallery import FOLDER, shrink

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
LAPTOP, PROJECTOR, PHONE = (1366, 768), (1920, 1080), (390, 844)
COLUMN = 560  # pixels of the sheet
GAP = 10
SHEET_COLOURS = 32


#: What a cell of a notebook needs for a recording.
IMPORTS = """from thplab.lessons.runs.lanes import run_lanes
from thplab.lessons.runs.routes import three_routes
from thplab.lessons.runs.scanners import comb_run
from thplab.recording import record_scenario
from thplab.stage import Stage"""
#: The first cell: each is recorded once.
RECORDED = f"""from functools import cache
{IMPORTS}

recorded = cache(eval)"""
LANE = "run_lanes({0!r}, '6.18', depth='functions', ledger=True).recordings[{0!r}]"


def named(name: str) -> str:
    """What records a named scenario."""
    return f"record_scenario({name!r})"


@cache
def recorded(code: str) -> Recording:
    """What ``code`` records, as in a cell of a notebook."""
    names: dict[str, Any] = {}
    exec(f"{IMPORTS}\nmade = {code}", names)
    made: Recording = names["made"]
    return made


@dataclass(frozen=True)
class Moment:
    """The sentence of this ``kind`` that is told for the ``nth`` time (from 0) in what ``code`` records."""

    code: str
    kind: str
    nth: int = 0

    @property
    def made(self) -> Recording:
        """The recording."""
        return recorded(self.code)

    @property
    def step(self) -> int:
        """The moment's number."""
        told = (self.made.told_as(place) for place in range(len(self.made.sections["t_moment"])))
        return [each.moment for each in told if each.kind == self.kind][self.nth]

    #: What is typed in the page: first, and to present it.
    keys: ClassVar[tuple[str, ...]] = ()
    presents: ClassVar[tuple[str, ...]] = ("p",)

    def cell(self, theme: Theme) -> str:
        """What a notebook shows it with."""
        return f"Stage(recorded({self.code!r}), step={self.step}, theme={theme!r})"

    def page(self, theme: Theme) -> str:
        """The exported page."""
        return make_page(self.made, self.step, theme=theme)


@dataclass(frozen=True)
class Cut:
    """Three machines side by side, so many steps after the first moment."""

    step: int
    presents: ClassVar[tuple[str, ...]] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """What is typed in the page."""
        return ("ArrowRight",) * self.step

    def cell(self, theme: Theme) -> str:
        """What a notebook shows it with."""
        return f"shown = three_routes()\nshown.step, shown.theme = {self.step}, {theme!r}\nshown"

    def page(self, theme: Theme) -> str:
        """The exported page, whose theme is the browser's."""
        del theme
        return routes_page(three_routes())


Shown = Moment | Cut
#: scene -> what its sheet shows
SHEETS: dict[str, tuple[Shown, ...]] = {
    "pass": (
        Moment(named("note"), "visit"),
        Moment(named("S06.busyA"), "passed_by"),
        Moment(named("S06.naps"), "pass_ends", 1),
    ),
    "process": (
        Moment(named("S06.600vmas"), "vma_passed_over"),
        Moment(named("note"), "window_paid_huge"),
        Moment(named("S07.pin"), "window_paid"),
    ),
    "window": (
        Moment(named("S07.none_411"), "reads"),
        Moment(named("S07.none_411"), "exceed_none_pte"),
        Moment(named("note"), "accepted"),
    ),
    "collapse": (
        Moment(named("note"), "isolated"),
        Moment(named("S08.100of512"), "freed_entry", 40),
        Moment(named("S08.race.munmap.after_fence"), "waits"),
    ),
    "compaction": (
        Moment("comb_run(20)", "compaction_begins_score"),
        Moment("comb_run(20)", "batch", 1),
        Moment("comb_run(20, pinned_blocks=(1,))", "block_spoilt"),
    ),
    "fault": (
        Moment(named("S13.huge_zero"), "fault_block"),
        Moment(LANE.format("B"), "fault_made_block"),
        Moment(named("S13.huge_zero"), "fault_replaced"),
    ),
    "routes": (Cut(0), Cut(1), Cut(2)),
}


def _page(browser: Browser, text: str, size: tuple[int, int], theme: Theme, path: Path, *keys: str) -> None:
    """A picture of an exported page, after some keys."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    file = path.with_suffix(".html")
    write_file(file, text)
    page.goto(file.as_uri())
    stage = page.locator(".thplab-stage[data-step]")
    stage.wait_for()
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_timeout(500)
    stage.evaluate("(root) => root.blur()")
    write_file(path, page.screenshot())
    page.close()


def _in_jupyterlab(browser: Browser, folder: Path, moments: tuple[Shown, ...]) -> dict[Theme, list[Path]]:
    """Pictures of the window of JupyterLab: for each theme one for each moment."""
    wanted = [(theme, each) for theme in THEMES for each in moments]
    cells = [RECORDED, *(each.cell(theme) for theme, each in wanted)]
    found: dict[Theme, list[Path]] = {theme: [] for theme in THEMES}
    with serve(folder) as lab:
        page = lab.open(browser, lab.write("shown.ipynb", cells), LAPTOP)
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        run_all(page)
        for number, (theme, _) in enumerate(wanted, 1):
            cell = show_cell(page, number)
            cell.locator(".thplab-stage[data-step]").wait_for()
            cell.evaluate("(node) => node.scrollIntoView({ block: 'end' })")
            page.wait_for_timeout(600)
            path = folder / f"lab-{number}.png"
            write_file(path, page.screenshot())
            found[theme].append(path)
        page.context.close()
    return found


def _of_pages(
    browser: Browser, folder: Path, moments: tuple[Shown, ...], theme: Theme
) -> Iterator[list[Path]]:
    """Row by row the pictures of exported pages."""
    for name, size in (("shown", PROJECTOR), ("page", LAPTOP), ("phone", PHONE)):
        row = []
        for number, each in enumerate(moments):
            row.append(folder / f"{name}-{number}.png")
            keys = (*each.keys, *(each.presents if size is PROJECTOR else ()))
            _page(browser, each.page(theme), size, theme, row[-1], *keys)
        yield row


def _join(rows: list[list[Path]], path: Path) -> None:
    """All in one picture, each as wide as its column at most."""
    heights = []
    pictures = [[Image.open(each).convert("RGB") for each in row] for row in rows]
    for row in pictures:
        for number, picture in enumerate(row):
            scale = min(1, COLUMN / picture.width)
            size = round(picture.width * scale), round(picture.height * scale)
            row[number] = picture.resize(size, Image.Resampling.LANCZOS)
        heights.append(max(picture.height for picture in row) + GAP)
    columns = max(len(row) for row in pictures)
    sheet = Image.new("RGB", (columns * (COLUMN + GAP), sum(heights)), "#888")
    for row, top in zip(pictures, [sum(heights[:n]) for n in range(len(heights))], strict=True):
        for number, picture in enumerate(row):
            sheet.paste(picture, (number * (COLUMN + GAP), top))
    # Those that cover most of all colours, not the commonest: a thin orange line matters.
    few = sheet.quantize(SHEET_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path)


def make(browser: Browser, scene: str) -> None:
    """The two sheets of a scene."""
    moments = SHEETS[scene]
    with TemporaryDirectory() as folder:
        in_lab = _in_jupyterlab(browser, Path(folder), moments)
        for theme in THEMES:
            path = FOLDER / f"scene-{scene}-{theme}.png"
            _join([in_lab[theme], *_of_pages(browser, Path(folder), moments, theme)], path)
            shrink(path, SHEET_COLOURS)


def main(names: list[str]) -> None:
    """Make those of the scenes that are named, or all."""
    with chromium() as browser:
        for scene in names or SHEETS:
            make(browser, scene)


if __name__ == "__main__":
    main(sys.argv[1:])
