"""What importing costs: the heavy packages stay out until somebody needs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"numpy", "matplotlib", "IPython", "ipywidgets", "anywidget", "platformdirs", "tqdm"}


def loaded(code: str) -> set[str]:
    """Top-level packages that ``python -X importtime`` lists."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


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


def test_the_measurement_sees_a_heavy_package() -> None:
    assert "numpy" in loaded("import numpy")
