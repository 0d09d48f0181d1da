"""Run a notebook in a fresh kernel, without a screen, and keep what its cells and widgets show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import thplab
from thplab.export.notebook_read import NotebookError, plain

_NEEDED = ("nbclient", "nbconvert", "nbformat", "ipykernel", "nh3")
_STATE = "application/vnd.jupyter.widget-state+json"


def check_installed() -> None:
    """NotebookError if what runs notebooks and makes decks of them is not installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise NotebookError(f"running a notebook needs {', '.join(missing)}: pip install 'thplab[slides]'")


def run_notebook(notebook: Any, path: Path, at: Callable[[int], None], *, seconds: int = 300) -> Any:
    """The notebook with its outputs and the state of its widgets; it runs in the folder of ``path``.

    ``at`` is told how many cells are done; ``seconds`` is what a cell may take. NotebookError with the
    first cell that fails, or if there is no such kernel.
    """
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook.metadata.pop("widgets", None)  # of an earlier run
    client = NotebookClient(
        notebook,
        timeout=seconds,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_executed=lambda cell, cell_index, execute_reply: at(cell_index + 1),
    )
    try:
        client.execute(env=_environment(), stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        raise NotebookError(f"{path.name}: {_why(error)}") from None
    except NoSuchKernel as error:
        raise NotebookError(f"{path.name}: {_no_kernel(error.name)}") from None
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        raise NotebookError(f"{path.name}: {plain(str(error).splitlines()[0])}") from None
    return notebook


def _no_kernel(name: str) -> str:
    from jupyter_client.kernelspec import KernelSpecManager

    known = ", ".join(sorted(KernelSpecManager().find_kernel_specs()))
    return (
        f"it asks for the kernel {name!a}, which is not installed; choose one of these in JupyterLab: {known}"
    )


def _why(error: Any) -> str:
    code = re.search(r"^-{5,}\n(.+?)\n-{5,}$", str(error), re.MULTILINE | re.DOTALL)
    where = f" in the cell that begins {plain(code[1].splitlines()[0])!r}" if code else ""
    return f"{plain(error.ename)}: {plain(error.evalue)}{where}"


def _environment() -> dict[str, str]:
    """The kernel imports the same thplab as we do, wherever it lies, and its questions are told that it is
    for slides (``thplab.lessons.widgets.written.SLIDES``): nobody will be there to press their buttons.
    """
    ours = str(Path(thplab.__file__).parents[1])
    path = os.pathsep.join(filter(None, [ours, os.environ.get("PYTHONPATH", "")]))
    ours_first = _with_our_python(os.environ.get("PATH", ""))
    return {**os.environ, "PYTHONPATH": path, "PATH": ours_first, "THPLAB_SLIDES": "1"}


def _with_our_python(path: str) -> str:
    """``python`` in a kernel's command is the one that runs us."""
    return os.pathsep.join(filter(None, [str(Path(sys.executable).parent), path]))


def widget_state(notebook: Any) -> dict[str, dict[str, Any]]:
    """The widgets of a notebook that was run: model id -> {"state": traits, "buffers": [...], ...}."""
    found: Any = notebook.metadata
    for name in ("widgets", _STATE, "state"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
