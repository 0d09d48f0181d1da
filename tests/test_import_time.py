"""What importing costs: the heavy packages stay out until somebody needs them."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"numpy", "matplotlib", "IPython", "ipywidgets", "anywidget", "lazy_loader", "platformdirs", "tqdm"}


def modules(code: str) -> set[str]:
    """What ``python -X importtime`` lists."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


def loaded(code: str) -> set[str]:
    """Top-level packages that are imported."""
    return {name.partition(".")[0] for name in modules(code)}


@pytest.mark.parametrize(
    "code",
    [
        "import thplab",
        "import thplab.machine, thplab.scenario, thplab.recording",
        "from thplab.recording import record_scenario; record_scenario('note', depth='functions')",
        "import thplab.cli; thplab.cli.main(['trace', 'note'])",
    ],
)
def test_the_model_and_the_recorder_load_no_heavy_package(code: str) -> None:
    packages = loaded(code)
    assert "thplab" in packages
    assert not packages & HEAVY


def test_help_and_a_wrong_word_load_no_model() -> None:
    """They answer at once: what a command needs is imported when it runs."""
    code = "import contextlib, thplab.cli\nfor words in (['--help'], ['trace']):\n"
    code += "    with contextlib.suppress(SystemExit): thplab.cli.main(words)"
    found = modules(code)
    assert "thplab.cli_export" in found
    assert {name for name in found if name.startswith(("thplab.mm", "thplab.recording"))} == set()


def test_the_measurement_sees_a_heavy_package() -> None:
    assert "numpy" in loaded("import numpy")


@pytest.mark.parametrize("package", ["lessons", "plots", "stage", "sweeps"])
def test_every_name_that_is_loaded_late_is_there(package: str) -> None:
    module = import_module(f"thplab.{package}")
    assert len(module.__all__) > 5
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_the_text_form_of_a_stage_loads_no_widgets() -> None:
    assert not loaded("from thplab.stage import moment_text") & (HEAVY - {"lazy_loader"})
