"""Execute a notebook in a fresh kernel and say what went wrong in it, widgets included."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

__all__ = ["FOLDER", "errors_in", "execute", "notebooks", "sources", "unguarded"]

FOLDER = Path(__file__).parents[2] / "notebooks"


def notebooks() -> list[Path]:
    return sorted(FOLDER.glob("*.ipynb"))


def sources(number: str) -> dict[str, str]:
    """The cells of the notebook with this number, by id."""
    path = next(path for path in notebooks() if path.stem.startswith(number))
    return {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}


def execute(path: Path, *, timeout: int = 120) -> nbformat.NotebookNode:
    """The notebook with outputs and widget state; cells that raise are recorded, not raised.

    The kernel imports the package that lies beside the notebooks, whatever is installed.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=timeout, allow_errors=True, resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(FOLDER.parent)})
    return notebook


def errors_in(notebook: nbformat.NotebookNode) -> list[str]:
    """Errors in cells, in what Output widgets hold, and tracebacks that a callback printed."""
    found = []
    for cell in notebook.cells:
        found += [f"{cell.id}: {text}" for text in _errors(cell.get("outputs", []))]
    state = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    for model, entry in state.get("state", {}).items():
        held = entry.get("state", {})
        found += [f"{held.get('_model_name')} {model}: {text}" for text in _errors(held.get("outputs", []))]
    return found


#: Models that nobody can press or type into.
_QUIET = {"HTMLModel", "LabelModel", "FloatProgressModel", "OutputModel"}


def unguarded(notebook: nbformat.NotebookNode) -> list[str]:
    """Cells that show a control of ipywidgets outside a box that keeps its keys (thplab.stage.keys)."""
    held = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    models = {model: entry["state"] for model, entry in held.get("state", {}).items()}

    def keeps(model: str) -> bool:
        state = models[model.removeprefix("IPY_MODEL_")]
        if "thplab-keys" in state.get("_dom_classes", ()) or "wants_focus" in state:
            return True
        children = state.get("children")
        return all(map(keeps, children)) if children is not None else state["_model_name"] in _QUIET

    shown = [
        (cell.id, output.get("data", {}).get("application/vnd.jupyter.widget-view+json"))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    ]
    return [cell for cell, view in shown if view and not keeps(view["model_id"])]


def _errors(outputs: list[Any]) -> list[str]:
    texts = []
    for output in outputs:
        if output["output_type"] == "error":
            texts.append(f"{output['ename']}: {output['evalue']}")
        elif output["output_type"] == "stream" and "Traceback (most recent call last)" in output["text"]:
            last = re.sub(r"\x1b\[[0-9;]*m", "", output["text"]).strip().splitlines()[-1]
            texts.append(f"printed on {output['name']}: {last}")
    return texts
