"""Kernels that have loaded what a first cell needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from thplab.host import warm
from thplab.host.lab import lab_environment

ROOT = Path(__file__).parents[2]


@pytest.mark.course
@pytest.mark.parametrize("starts_warm", [True, False])
def test_a_kernel_of_the_lab_has_loaded_the_stage_before_its_first_cell(
    starts_warm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is it loaded, with no name that the reader did not write; and is it not, where no one asks for it?"""
    pytest.importorskip("ipykernel")
    from jupyter_client.manager import start_new_kernel

    monkeypatch.delenv(warm.PYTHONSTARTUP, raising=False)
    manager, client = start_new_kernel(env=lab_environment() if starts_warm else {**os.environ})
    printed: list[str] = []
    try:
        client.execute_interactive(
            "import sys; print('thplab.stage.widget' in sys.modules, [n for n in dir() if n[0] != '_'])",
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    names = ["In", "Out", "exit", "get_ipython", "open", "quit", "sys"]
    assert "".join(printed).strip() == f"{starts_warm} {names}"


def test_a_start_file_of_the_user_stays() -> None:
    mine = {warm.PYTHONSTARTUP: "/home/me/start.py"}
    assert warm.environment(mine) == mine
    ours = warm.environment({"HOME": "/home/me"})[warm.PYTHONSTARTUP]
    assert Path(ours).is_file()


def test_a_python_that_is_no_kernel_loads_nothing() -> None:
    """Is a terminal of JupyterLab as quick as before?"""
    code = "import sys; from thplab.host.warm import load; load(); print('thplab.stage' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_binder_starts_kernels_warm() -> None:
    """Does the start script of Binder run its command with the variable set?"""
    script = ROOT / "binder/start"
    present = {name: value for name, value in os.environ.items() if name != warm.PYTHONSTARTUP}
    present["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), present["PATH"]])
    command = [str(script), "bash", "-c", f"echo ${warm.PYTHONSTARTUP}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=present, cwd=ROOT)
    assert done.stdout.strip() == warm.environment({})[warm.PYTHONSTARTUP]
