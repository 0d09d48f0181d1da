"""What this computer can run. Reads only; every file may be missing, and that is not an error."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from pathlib import Path

from thplab.host.lab import here

_THP = Path("sys/kernel/mm/transparent_hugepage")

#: package -> the extra that brings it ("" for the package itself)
_PACKAGES = {
    "ipywidgets": "", "anywidget": "", "matplotlib": "", "numpy": "", "jupyterlab": "lab", "pytest": "test",
    "hypothesis": "test", "playwright": "browser",
}  # fmt: skip
_NEEDED = ("ipywidgets", "anywidget", "jupyterlab")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_browser() -> str | None:
    """Path of a Chromium for the browser tests."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def package_report() -> list[tuple[str, str]]:
    """(mark, line) for Python and each package; ``x`` marks what the course needs and is missing."""
    good = sys.version_info >= (3, 11)
    rows = [
        (
            "+" if good else "x",
            f"Python {platform.python_version()}" + ("" if good else ": 3.11 or newer is needed"),
        )
    ]
    for package, extra in _PACKAGES.items():
        version = _version(package)
        if version:
            rows.append(("+", f"{package} {version}"))
        else:
            fix = f"pip install 'thplab[{extra}]'" if extra else "pip install thplab"
            rows.append(("x" if package in _NEEDED else "-", f"{package} is not installed: {fix}"))
    return rows


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return None


def kernel_report(root: Path = Path("/")) -> list[tuple[str, str]]:
    """(mark, line) on the kernel of this computer and what a reader may do with it.

    ``root``: the folder that has sys/ in it. Any file may be missing or unreadable.
    """
    system = f"{platform.system()} {platform.release()}".strip()
    folder = root / _THP
    enabled = _read(folder / "enabled")
    if enabled is None:
        return [("-", f"{system}: no transparent huge pages to look at here. The course runs on the model.")]
    rows = [("+", f"{system} with transparent huge pages: enabled {enabled}")]
    for name in ("pages_to_scan", "scan_sleep_millisecs", "max_ptes_none", "pages_collapsed", "full_scans"):
        value = _read(folder / "khugepaged" / name)
        found = ("+", f"khugepaged/{name} {value}")
        rows.append(found if value is not None else ("-", f"khugepaged/{name}: not there"))
    return [*rows, *_rights(root, folder)]


def _rights(root: Path, folder: Path) -> list[tuple[str, str]]:
    """What this user may do with the real kernel, and what takes root."""
    tracing = (root / "sys/kernel/tracing/trace", root / "sys/kernel/debug/tracing/trace")
    readable = next((path for path in tracing if os.access(path, os.R_OK)), None)
    return [
        ("+", "any user may advise, collapse (MADV_COLLAPSE) and inspect their own memory (smaps)"),
        ("+", "you can change the knobs")
        if os.access(folder / "enabled", os.W_OK)
        else ("-", "the knobs can be read, not changed (root only)"),
        ("+", f"trace events can be read in {readable.parent}")
        if readable
        else ("-", "trace events can't be read (root only, and tracefs must be mounted)"),
    ]


def doctor(root: Path = Path("/")) -> int:
    """Print the report; 1 if something that the course needs is missing. ``root``: as above."""
    rows = package_report()
    browser = find_browser()
    rows.append(
        ("+", f"browser for the tests: {browser}")
        if browser
        else ("-", "no Chromium: the browser tests will not run")
    )
    folder = here()
    writable = folder is not None and os.access(folder, os.W_OK)
    there = "can be written to" if writable else "can not be written to" if folder else "is there no longer"
    rows.append(("+" if writable else "-", f"this folder {there}"))
    rows += kernel_report(root)
    print(f"thplab doctor   (+ fine, - not there, x needed)\n{'':->60}")
    for mark, line in rows:
        print(f" {mark} {line}")
    missing = [line for mark, line in rows if mark == "x"]
    print(
        f"{'':->60}\n" + ("The course can run." if not missing else f"The course can't run yet: {missing[0]}")
    )
    print("Nothing was changed: the doctor only reads.")
    return 1 if missing else 0
