"""Make the pictures in docs/gallery: ``make gallery``, or ``python -m tests.browser.gallery NAME...``.

``stage.png`` is a stage as JupyterLab shows it, ``lesson-...png`` a cell of a notebook; the others are
presets, each as a page in the light and in the dark, and as a projector shows it while somebody presents.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image

from tests.browser.chromium import chromium
from tests.browser.jupyterlab import ROOT, run_all, serve, show_cell, wait_for_stage
from tests.notebooks.execute import sources
from thplab.export import page as make_page
from thplab.recording import Recording, record_scenario
from thplab.stage import PRESETS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = ROOT / "docs" / "gallery"
LARGEST = 200_000  # bytes
COLOURS = 128
LAPTOP, PROJECTOR = (1360, 780), (1280, 720)

#: picture -> notebook, and the cells that are run: the last one is shown
LESSONS = {
    "lesson-05.png": ("05", ("imports", "the-note", "predict-caller")),
    "lesson-06.png": ("06", ("imports", "figure-wait")),
    "lesson-07.png": ("07", ("imports", "gallery")),
    "lesson-07-limits.png": ("07", ("imports", "thresholds")),
    "lesson-07-paint.png": ("07", ("imports", "make-paint")),
}

IN_JUPYTERLAB = """
from thplab.recording import record_scenario
from thplab.stage import Stage

recording = record_scenario("note", "6.1")
isolate = recording.find_call("__collapse_huge_page_isolate")
views = ["window", "source", "variables", "stack", "locks", "walk"]
Stage(recording, views=views, step=isolate + 4400)
"""


@dataclass(frozen=True)
class Shot:
    """A preset at a moment (so many steps after the call of a function), and how it is shown."""

    preset: str
    call: str
    later: int
    how: str

    @property
    def name(self) -> str:
        return f"{self.preset}-{self.how}.png"


#: preset -> a moment at which it has something to show.
MOMENTS = {
    "first": ("scan_pmd", 2000),
    "collapse": ("__collapse_huge_page_isolate", 4400),
    "memory": ("__collapse_huge_page_copy_succeeded", 4000),
    "space": ("__collapse_huge_page_isolate", 4400),
    "locks": ("__collapse_huge_page_isolate", 4400),
    "lanes": ("__collapse_huge_page_copy_succeeded", 1000),
    "walk": ("scan_pmd", 2000),
    "trace": ("__collapse_huge_page_copy_succeeded", 1000),
}
SHOTS = [Shot(preset, *MOMENTS[preset], how) for preset in PRESETS for how in ("light", "dark", "projector")]


def take(browser: Browser, recording: Recording, shot: Shot) -> Path:
    """Make one picture from a page."""
    call = recording.find_call(shot.call)
    assert call is not None, shot
    theme = "dark" if shot.how == "dark" else "light"
    text = make_page(recording, call + shot.later, views=PRESETS[shot.preset], theme=theme)
    width, height = PROJECTOR if shot.how == "projector" else LAPTOP
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    with TemporaryDirectory() as folder:
        file = Path(folder, "page.html")
        file.write_text(text, "utf-8")
        page.goto(file.as_uri())
        stage = page.locator(".thplab-stage[data-step]")
        stage.wait_for()
        if shot.how == "projector":
            page.keyboard.press("p")
            page.wait_for_function("() => document.fullscreenElement")
        else:
            stage.evaluate("(root) => root.blur()")
        page.wait_for_timeout(400)
        path = FOLDER / shot.name
        if shot.how == "projector":
            page.screenshot(path=path)
        else:
            stage.screenshot(path=path)
    page.close()
    return path


def take_in_jupyterlab(browser: Browser, name: str) -> Path:
    """Make stage.png, or the picture of a lesson's cell."""
    path, cells = FOLDER / name, [IN_JUPYTERLAB.strip()]
    if name in LESSONS:
        number, ids = LESSONS[name]
        cells = [sources(number)[each] for each in ids]
    with TemporaryDirectory() as folder, serve(Path(folder)) as lab:
        page = lab.open(browser, lab.write("shown.ipynb", cells), (1360, 1000))
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        run_all(page)
        if name in LESSONS:
            shown = show_cell(page, len(cells) - 1).locator(".jp-OutputArea-output").last
        else:
            shown = wait_for_stage(page)
            shown.evaluate("(root) => root.blur()")
        page.wait_for_timeout(500)
        shown.screenshot(path=path)
        page.context.close()
    return path


def shrink(path: Path) -> None:
    """Few colours; ValueError if it is still larger than a repository should hold."""
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{path} has {size} bytes; {LARGEST} are allowed")
    print(f"{path.relative_to(ROOT)}: {size} bytes")


def main(names: list[str]) -> None:
    """Make those that are named, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    recording = record_scenario("note", "6.1")
    with chromium() as browser:
        for shot in SHOTS:
            if not names or shot.name in names:
                shrink(take(browser, recording, shot))
        for name in ("stage.png", *LESSONS):
            if not names or name in names:
                shrink(take_in_jupyterlab(browser, name))


if __name__ == "__main__":
    main(sys.argv[1:])
