"""How large a notebook is that was run and saved with its widgets: docs/stage.md states the bound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.jupyterlab import ROOT, Lab, run_all

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.long]

BOUND = 3_000_000


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem[:4])
def test_a_saved_notebook_is_small(lab: Lab, browser: Browser, path: Path) -> None:
    (lab.folder / path.name).write_bytes(path.read_bytes())
    page = lab.open(browser, path.name)
    page.set_default_timeout(300_000)
    run_all(page)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    saved = (lab.folder / path.name).read_text("utf-8")
    page.context.close()
    lab.end_kernels()
    assert "application/vnd.jupyter.widget-state+json" in json.loads(saved)["metadata"]["widgets"]
    assert len(saved) < BOUND
