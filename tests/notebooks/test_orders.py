"""Readers run cells in any order, and twice: no cell breaks the notebook for those that follow."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.execute import FOLDER, errors_in, notebooks
from tests.sampling import SEED, sample

#: What a cell says that needs one which has not run: the reader sees which name is missing.
MISSING = "NameError: name '"


def run(client: NotebookClient, order: Sequence[int]) -> list[str]:
    """Run the cells in this order; what went wrong in them and in their widgets."""
    for number in order:
        client.execute_cell(client.nb.cells[number], number)
    client.set_widgets_metadata()
    return errors_in(client.nb)


def check(path: Path) -> None:
    """Out of order only names are missing; after that all is as if nothing had happened."""
    notebook = nbformat.read(path, as_version=4)
    order = [number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    mixed = random.Random(os.environ[SEED]).sample(order, len(order))
    client = NotebookClient(
        notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(FOLDER)}}
    )
    with client.setup_kernel(env={**os.environ, "PYTHONPATH": str(FOLDER.parent)}):
        wrong = [said for said in run(client, mixed) if MISSING not in said]
        assert wrong == [], f"run in the order {mixed}"
        twice = [number for number in order for _ in range(2)]
        assert run(client, twice) == [], f"each run twice, in order, after {mixed}"


@pytest.mark.course
def test_any_order_of_the_cells_of_a_notebook() -> None:
    check(*sample(notebooks(), 1))


@pytest.mark.course
@pytest.mark.long
@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_any_order_of_the_cells(path: Path) -> None:
    check(path)
