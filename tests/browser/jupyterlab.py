"""A JupyterLab of our own: serve a folder, open a notebook in Chromium, run it, wait for its stages.

with chromium() as browser, serve(folder) as lab:
    page = lab.open(browser, "x.ipynb")
    run_all(page)
    stage = wait_for_stage(page)
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from thplab.host import warm

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90
RUN_MS = 60_000
LAPTOP = (1280, 720)

#: What opens a notebook -> its address below the server's; both are served by one server.
APPS = {"lab": "lab/workspaces/w{unique}/tree/{name}", "notebook": "notebooks/{name}"}

#: No news, no question about them, quiet animations.
SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension/themes": {"theme": "JupyterLab Light", "adaptive-theme": False},
}


def notebook(*cells: str) -> dict[str, Any]:
    """A notebook of code cells."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {"cell_type": "code", "id": f"cell{i}", "metadata": {}, "source": text, "outputs": [],
             "execution_count": None}
            for i, text in enumerate(cells)
        ],
    }  # fmt: skip


@dataclass
class Lab:
    """A running server and the folder that it serves."""

    url: str
    folder: Path
    settings: Path

    def write(self, name: str, cells: Sequence[str]) -> str:
        """Put a notebook into the folder; its name."""
        (self.folder / name).write_text(json.dumps(notebook(*cells)), "utf-8")
        return name

    def theme(self, name: str) -> None:
        """``"Light"`` or ``"Dark"``, for pages opened from now on."""
        chosen = {"theme": f"JupyterLab {name}", "adaptive-theme": False}
        _write_settings(self.settings, {"@jupyterlab/apputils-extension/themes": chosen})

    def open(
        self, browser: Browser, name: str, size: tuple[int, int] = LAPTOP, app: str = "lab", **context: Any
    ) -> Page:
        """Open a notebook in a workspace of its own, or in notebook 7, and wait until its kernel is ready."""
        width, height = size
        page = browser.new_context(viewport={"width": width, "height": height}, **context).new_page()
        page.set_default_timeout(RUN_MS)
        page.goto(f"{self.url}/{APPS[app].format(unique=uuid.uuid4().hex, name=name)}")
        page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.isReady")
        page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
        )
        return page

    def end_kernels(self) -> None:
        """A kernel that runs keeps the module it has imported: end them all."""
        for session in self._api("GET", "sessions"):
            self._api("DELETE", f"sessions/{session['id']}")

    def _api(self, method: str, path: str) -> Any:
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def run_all(page: Page) -> None:
    """Run every cell and wait for the last; AssertionError with the text of the first error output."""
    done = page.evaluate(
        """async () => {
          const { commands, shell } = window.jupyterapp;
          const ok = await commands.execute("notebook:run-all-cells");
          for (const cell of shell.currentWidget.content.widgets) {
            const outputs = cell.model.sharedModel.outputs ?? [];
            const bad = outputs.find((output) => output.output_type === "error");
            if (bad) return `${bad.ename}: ${bad.evalue}`;
          }
          return ok === false ? "a cell failed" : "";
        }"""
    )
    assert not done, done


def ask_python(page: Page, code: str) -> str:
    """What code prints that the notebook's kernel runs, beside the cells."""
    printed: str = page.evaluate(
        """async (code) => {
          const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
          const future = kernel.requestExecute({ code });
          let printed = "";
          future.onIOPub = ({ content }) => { printed += content.text ?? content.evalue ?? ""; };
          await future.done;
          return printed;
        }""",
        code,
    )
    return printed.strip()


_SHOW_CELL = """async (number) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = number;
  await notebook.scrollToCell(notebook.widgets[number]);
  notebook.widgets[number].node.dataset.cell = number;
}"""


def show_cell(page: Page, number: int) -> Locator:
    """The cell with this number, scrolled to: cells that are out of sight may have no output in the page."""
    page.evaluate(_SHOW_CELL, number)
    return page.locator(f'[data-cell="{number}"]')


def wait_for_stage(page: Page, number: int = 0) -> Locator:
    """The stage with this number on the page, painted and scrolled to."""
    stage = page.locator(".thplab-stage[data-step]").nth(number)
    stage.wait_for(state="visible")
    stage.scroll_into_view_if_needed()
    return stage


def step_of(stage: Locator) -> int:
    """The moment that the picture shows."""
    return int(stage.get_attribute("data-step") or -1)


def _write_settings(folder: Path, settings: Mapping[str, Mapping[str, Any]]) -> None:
    for plugin, values in settings.items():
        path = folder / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _environment(home: Path) -> dict[str, str]:
    """Nothing of the user's own configuration; kernels as those of ``thplab lab``, of this checkout."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR")
    folders = {name: str(home / name.lower()) for name in names}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**warm.environment(os.environ), **folders, "PYTHONPATH": path, "JUPYTER_PLATFORM_DIRS": "1"}


def _command(folder: Path, home: Path, port: int) -> list[str]:
    options = {
        "ServerApp.root_dir": folder, "ServerApp.port": port, "ServerApp.port_retries": 0,
        "ServerApp.ip": "127.0.0.1", "ServerApp.open_browser": False, "ServerApp.disable_check_xsrf": True,
        "ServerApp.allow_root": True, "IdentityProvider.token": "", "LabApp.expose_app_in_browser": True,
        "JupyterNotebookApp.expose_app_in_browser": True,
        "LabApp.user_settings_dir": home / "settings", "LabApp.workspaces_dir": home / "workspaces",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }  # fmt: skip
    return [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]


def _wait_until_served(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        with suppress(OSError):
            urllib.request.urlopen(f"{url}/api/status", timeout=5).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")


@contextmanager
def serve(folder: Path) -> Iterator[Lab]:
    """JupyterLab on ``folder``, with a configuration of its own; ended with its kernels at the end."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        home, port = Path(temporary), _free_port()
        _write_settings(home / "settings", SETTINGS)
        log = home / "log.txt"
        with log.open("wb") as output:
            server = subprocess.Popen(
                _command(folder, home, port), env=_environment(home), stdout=output, stderr=output, cwd=folder
            )
            lab = Lab(f"http://127.0.0.1:{port}", folder, home / "settings")
            try:
                _wait_until_served(lab.url, server, log)
                yield lab
            finally:
                with suppress(OSError):
                    lab.end_kernels()
                server.terminate()
                try:
                    server.wait(10)
                except subprocess.TimeoutExpired:
                    server.kill()
