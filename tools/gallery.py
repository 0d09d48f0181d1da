"""Make the pictures in docs/gallery: ``make gallery``, or ``python -m tools.gallery NAME...``.

Each is a stage in JupyterLab. The scenes have sheets of their own: ``python -m tools.scene_sheets``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tests.browser.chromium import chromium
from tests.browser.jupyterlab import ROOT, run_all, serve, wait_for_stage
from thplab.files import write_file

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = ROOT / "docs" / "gallery"
LARGEST = 200_000  # bytes
COLOURS = 256

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
}


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
        for name in IN_JUPYTERLAB:
            if not names or name in names:
                shrink(take_in_jupyterlab(browser, name))


if __name__ == "__main__":
    main(sys.argv[1:])
