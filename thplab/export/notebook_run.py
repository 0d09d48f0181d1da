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

_NEEDED = ("nbclient", "nbconvert", "ipykernel")
_STATE = "application/vnd.jupyter.widget-state+json"


class NotebookError(ValueError):
    """The notebook can't be read or run, or is not one."""


def run_notebook(path: Path, at: Callable[[int], None], *, seconds: int = 300) -> Any:
    """The notebook with its outputs and the state of its widgets.

    ``at`` is told how many cells are done; ``seconds`` is what a cell may take. NotebookError with the
    first cell that fails, or if what runs notebooks is not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise NotebookError(f"running a notebook needs {', '.join(missing)}: pip install 'thplab[slides]'")
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    try:
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, KeyError) as error:
        raise NotebookError(f"{path}: not a notebook: {str(error).splitlines()[0]}") from None
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
    except (CellTimeoutError, DeadKernelError) as error:
        raise NotebookError(f"{path.name}: {str(error).splitlines()[0]}") from None
    return notebook


def _why(error: Any) -> str:
    code = re.search(r"^-{5,}\n(.+?)\n-{5,}$", str(error), re.MULTILINE | re.DOTALL)
    where = f" in the cell that begins {code[1].splitlines()[0]!r}" if code else ""
    return f"{error.ename}: {error.evalue}{where}"


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
    state: dict[str, dict[str, Any]] = notebook.metadata.get("widgets", {}).get(_STATE, {}).get("state", {})
    return state
