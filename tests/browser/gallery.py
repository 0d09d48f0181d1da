"""Make the pictures in docs/gallery: ``python -m tests.browser.gallery``.

Each is a stage as JupyterLab shows it, at one moment of a recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image

from tests.browser.chromium import chromium
from tests.browser.jupyterlab import ROOT, Lab, run_all, serve, wait_for_stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = ROOT / "docs" / "gallery"
LARGEST = 200_000  # bytes


@dataclass(frozen=True)
class Shot:
    """A picture: the cell that shows the stage, the page's size, JupyterLab's theme, keys to press."""

    name: str
    cell: str
    size: tuple[int, int]
    theme: str = "Light"
    keys: tuple[str, ...] = ()


SHOTS = (
    Shot(
        "stage.png",
        """
from thplab.recording import record_scenario
from thplab.stage import Stage

recording = record_scenario("note", "6.1")
isolate = recording.find_call("__collapse_huge_page_isolate")
views = ["window", "source", "variables", "stack", "locks", "walk"]
Stage(recording, views=views, step=isolate + 4400)
""",
        (1360, 1000),
    ),
)


def take(lab: Lab, browser: Browser, shot: Shot, folder: Path) -> Path:
    """Make one picture; ValueError if it is larger than a repository should hold."""
    lab.theme(shot.theme)
    page = lab.open(browser, lab.write(f"{Path(shot.name).stem}.ipynb", [shot.cell.strip()]), shot.size)
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    run_all(page)
    stage = wait_for_stage(page)
    stage.focus()
    for key in shot.keys:
        stage.press(key)
    stage.evaluate("(root) => root.blur()")
    page.wait_for_timeout(500)
    path = folder / shot.name
    stage.screenshot(path=path)
    page.context.close()
    with Image.open(path) as picture:
        few_colours = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few_colours.save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} has {path.stat().st_size} bytes; {LARGEST} are allowed")
    return path


def main() -> None:
    """Make them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, serve(Path(folder)) as lab, chromium() as browser:
        for shot in SHOTS:
            path = take(lab, browser, shot, FOLDER)
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
