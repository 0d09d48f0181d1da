"""The browser tests run where a Chromium and Playwright are; elsewhere one line says that they did not."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests.sampling import SEED, choose_seed
from thplab.host.doctor import find_browser

_BROWSER = Path(__file__).parent / "browser"


def missing_for_browser_tests() -> str:
    """What the browser tests lack on this computer; empty if nothing."""
    for package in ("playwright", "jupyterlab", "axe_playwright_python"):
        if importlib.util.find_spec(package) is None:
            return f"no {package}: pip install 'thplab[browser]'"
    if find_browser() is None:
        return "no Chromium: install chromium or Google Chrome"
    return ""


collect_ignore = [_BROWSER.name] if missing_for_browser_tests() else []


def pytest_configure(config: pytest.Config) -> None:
    choose_seed()
    missing = missing_for_browser_tests()
    if missing and os.environ.get("THPLAB_REQUIRE_BROWSER"):
        raise pytest.UsageError(f"THPLAB_REQUIRE_BROWSER is set, but the browser tests can't run: {missing}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.write_line(f"Samples were drawn with {SEED}={os.environ[SEED]}")
    if "not long" in config.option.markexpr:
        terminalreporter.write_line("Not run: all of what was sampled; make test-long does")
    if "not browser" in config.option.markexpr:
        terminalreporter.write_line("Not run: whole notebooks and tests/browser/; make test-course runs them")
        return
    missing = missing_for_browser_tests()
    names = sorted(path.name for path in _BROWSER.glob("test_*.py"))
    if missing and names:
        terminalreporter.write_line(f"Not run: tests/browser/ ({', '.join(names)}): {missing}")


@pytest.fixture(autouse=True, scope="session")
def progress_of_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Answers that tests give are no progress of whoever runs them; subprocesses see the variable, too."""
    os.environ["THPLAB_PROGRESS"] = str(tmp_path_factory.mktemp("progress") / "progress.json")
