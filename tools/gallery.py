"""Make the pictures in docs/gallery: ``make gallery``, or ``python -m tools.gallery NAME...``.

``stage.png``, ``what-if.png`` and ``futures.png`` are a stage in JupyterLab; the others are presets of
views as a page. The scenes have sheets of their own: ``python -m tools.scene_sheets``.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tests.browser.chromium import chromium
from tests.browser.jupyterlab import ROOT, run_all, serve, wait_for_stage
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
LAPTOP = (1360, 780)

#: picture -> a cell, and what is then typed
IN_JUPYTERLAB = {
    "stage.png": (
        """
from thplab.recording import record_scenario
from thplab.stage import Stage

recording = record_scenario("S08.100of512")
copy = recording.find_call("__collapse_huge_page_copy")
Stage(recording, step=copy + 900)
""",
        "",
    ),
    "what-if.png": (
        """
from thplab.stage import Stage

Stage("S07.none_411", step=800)
""",
        "q0-99 present, 100 swap",
    ),
    "futures.png": (
        """
from thplab.stage import Stage

stage = Stage("S08.clean512")
difference = stage.branch(gap="after_fence", op="munmap 0-255")
stage
""",
        "",
    ),
}


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


@cache
def recording_for(preset: str) -> Recording:
    """The note's collapse, unless something else has more to show."""
    if preset == "lanes":
        return record_scenario("S08.race.munmap.after_fence", alongside=Meter)
    return record_scenario(Scenario.from_data(SMALL)) if preset == "small" else record_scenario("note", "6.1")


def take(browser: Browser, preset: str) -> Path:
    """Make one picture from a page."""
    name, later = MOMENTS[preset]
    recording = recording_for(preset)
    call = recording.find_call(name)
    assert call is not None, preset
    page = browser.new_page(viewport={"width": LAPTOP[0], "height": LAPTOP[1]})
    with TemporaryDirectory() as folder:
        file = Path(folder, "page.html")
        write_file(file, make_page(recording, call + later, views=PRESETS.get(preset, [])))
        page.goto(file.as_uri())
        stage = page.locator(".thplab-stage[data-step]")
        stage.wait_for()
        stage.evaluate("(root) => root.blur()")
        page.wait_for_timeout(400)
        path = FOLDER / f"views-{preset}.png"
        write_file(path, stage.screenshot())
    page.close()
    return path


def take_in_jupyterlab(browser: Browser, name: str) -> Path:
    """Make a picture of a stage in a notebook."""
    path, (cell, keys) = FOLDER / name, IN_JUPYTERLAB[name]
    with TemporaryDirectory() as folder, serve(Path(folder)) as lab:
        page = lab.open(browser, lab.write("shown.ipynb", [cell.strip()]), (1360, 1400))
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        run_all(page)
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
        for preset in MOMENTS:
            if not names or preset in names:
                shrink(take(browser, preset))
        for name in IN_JUPYTERLAB:
            if not names or name in names:
                shrink(take_in_jupyterlab(browser, name))


if __name__ == "__main__":
    main(sys.argv[1:])
