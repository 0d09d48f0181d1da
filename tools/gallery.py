"""Make the pictures in docs/gallery: ``make gallery``, or ``python -m tools.gallery NAME...``.

``stage.png``, ``what-if.png`` and ``futures.png`` are a stage as JupyterLab shows it, ``lesson-...png`` a
cell of a notebook; the others are presets, and a window of 16 entries, each as a page in the light and in
the dark, and as a projector shows it while somebody presents.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from tests.browser.chromium import chromium
from tests.browser.jupyterlab import ROOT, run_all, serve, show_cell, wait_for_stage
from tests.notebooks.execute import sources
from tests.stage.conftest import SMALL
from thplab.export import page as make_page
from thplab.files import write_file
from thplab.ledger import Meter
from thplab.recording import Recording, record_scenario
from thplab.scenario import Scenario
from thplab.stage import PRESETS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = ROOT / "docs" / "gallery"
LARGEST = 200_000  # bytes
COLOURS = 256
LAPTOP, PROJECTOR = (1360, 780), (1280, 720)

#: picture -> notebook, and the cells that are run: the last one is shown
LESSONS = {
    "lesson-00.png": ("00", ("first-stage",)),
    "lesson-05.png": ("05", ("imports", "the-note", "predict-caller")),
    "lesson-06.png": ("06", ("imports", "figure-wait")),
    "lesson-07.png": ("07", ("imports", "gallery")),
    "lesson-07-limits.png": ("07", ("imports", "thresholds")),
    "lesson-07-paint.png": ("07", ("imports", "make-paint")),
    "lesson-08.png": ("08", ("imports", "race-injector")),
    "lesson-09.png": ("09", ("imports", "figure-ladder")),
    "lesson-10.png": ("10", ("imports", "predict-result", "figure-lanes")),
    "lesson-demo.png": ("demo", ("imports", "vote-411")),
}

#: picture -> a cell, and what is then typed
IN_JUPYTERLAB = {
    "stage.png": (
        """
from thplab.recording import record_scenario
from thplab.stage import Stage

recording = record_scenario("note", "6.1")
isolate = recording.find_call("__collapse_huge_page_isolate")
views = ["window", "source", "variables", "stack", "locks", "walk"]
Stage(recording, views=views, step=isolate + 4400)
""",
        "",
    ),
    "what-if.png": (
        """
from thplab.stage import Stage

Stage("S07.none_411", views=["window", "locks", "counters"])
""",
        "q0-99 present, 100 swap",
    ),
    "futures.png": (
        """
from thplab.stage import Stage

stage = Stage("S08.clean512", views=["window", "lanes"])
difference = stage.branch(gap="after_fence", op="munmap 0-255")
stage
""",
        "",
    ),
}


@dataclass(frozen=True)
class Shot:
    """A preset at a moment (so many steps after the call of a function), and how it is shown."""

    preset: str
    call: str
    later: int
    how: str

    @property
    def name(self) -> str:
        """The picture's file."""
        return f"{self.preset}-{self.how}.png"


#: preset -> a moment at which it has something to show.
MOMENTS = {
    "first": ("scan_pmd", 2000),
    "collapse": ("__collapse_huge_page_isolate", 4400),
    "memory": ("__collapse_huge_page_copy_succeeded", 4000),
    "space": ("__collapse_huge_page_isolate", 4400),
    "locks": ("__collapse_huge_page_copy_succeeded", 4000),
    "walk": ("scan_pmd", 2000),
    "lanes": ("_publish_huge_pmd", 0),
    "trace": ("__collapse_huge_page_copy_succeeded", 1000),
    "small": ("__collapse_huge_page_isolate", 60),
}
SHOTS = [Shot(preset, *MOMENTS[preset], how) for preset in MOMENTS for how in ("light", "dark", "projector")]


@cache
def recording_for(preset: str) -> Recording:
    """The note's collapse, unless something else has more to show."""
    if preset == "lanes":
        return record_scenario("S08.race.munmap.after_fence", alongside=Meter)
    return record_scenario(Scenario.from_data(SMALL)) if preset == "small" else record_scenario("note", "6.1")


def take(browser: Browser, shot: Shot) -> Path:
    """Make one picture from a page."""
    recording = recording_for(shot.preset)
    call = recording.find_call(shot.call)
    assert call is not None, shot
    theme: Literal["dark", "light"] = "dark" if shot.how == "dark" else "light"
    text = make_page(recording, call + shot.later, views=PRESETS.get(shot.preset, []), theme=theme)
    width, height = PROJECTOR if shot.how == "projector" else LAPTOP
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    with TemporaryDirectory() as folder:
        file = Path(folder, "page.html")
        write_file(file, text)
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
            write_file(path, page.screenshot())
        else:
            write_file(path, stage.screenshot())
    page.close()
    return path


def take_in_jupyterlab(browser: Browser, name: str) -> Path:
    """Make a picture of a stage in a notebook, or of a lesson's cell."""
    path, (cell, keys) = FOLDER / name, IN_JUPYTERLAB.get(name, ("", ""))
    cells = [cell.strip()]
    if name in LESSONS:
        number, ids = LESSONS[name]
        cells = [sources(number)[each] for each in ids]
    with TemporaryDirectory() as folder, serve(Path(folder)) as lab:
        page = lab.open(browser, lab.write("shown.ipynb", cells), (1360, 1400))
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        run_all(page)
        if name in LESSONS:
            shown = show_cell(page, len(cells) - 1).locator(".jp-OutputArea-output").last
        else:
            shown = wait_for_stage(page)
            shown.focus()
            for key in keys:
                page.keyboard.press(key)
            page.evaluate("() => document.activeElement?.blur()")
            pair = page.locator(".thplab-stage-pair")
            shown = pair if pair.count() else shown
        page.wait_for_timeout(500)
        write_file(path, shown.screenshot())
        page.context.close()
    return path


def shrink(path: Path, most: int = COLOURS) -> None:
    """The commonest colours, exactly; ValueError if it is still larger than a repository should hold."""
    with Image.open(path) as picture:
        whole = np.asarray(picture.convert("RGB")).astype(int)
    pixels = whole @ np.array((1 << 16, 1 << 8, 1))
    colours, places, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    parts = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    kept = parts[np.argsort(-counts)[:most]]
    nearest = np.array([np.argmin(((kept - each) ** 2).sum(axis=1)) for each in parts], dtype=np.uint8)
    few = Image.fromarray(nearest[places].reshape(pixels.shape), "P")
    few.putpalette(kept.astype(np.uint8).tobytes())
    few.save(path, optimize=True)
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{path} has {size} bytes; {LARGEST} are allowed")
    print(f"{path.relative_to(ROOT)}: {size} bytes")


def main(names: list[str]) -> None:
    """Make those that are named, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for shot in SHOTS:
            if not names or shot.name in names:
                shrink(take(browser, shot))
        for name in (*IN_JUPYTERLAB, *LESSONS):
            if not names or name in names:
                shrink(take_in_jupyterlab(browser, name))


if __name__ == "__main__":
    main(sys.argv[1:])
