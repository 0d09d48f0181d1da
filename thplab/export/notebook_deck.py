"""A notebook as a deck in one file: run, cut into slides, put together."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from tqdm import tqdm

import thplab
from thplab.export.deck import Shelf, deck
from thplab.export.notebook_read import NotebookError, plain, read_notebook
from thplab.export.notebook_run import check_installed, run_notebook
from thplab.export.notebook_slides import is_marked, notebook_slides, notebook_title
from thplab.export.pictures import Pictures
from thplab.export.reveal import reveal

_SOURCE = re.compile(r'<meta name="thplab-source" content="([0-9a-f]*)">')
_END = "</html>\n"  # of a deck that is whole


def prepared(path: Path) -> Any:
    """The notebook, once all is there that makes a deck of it. NoReveal, NotebookError or OSError if not."""
    reveal()
    check_installed()
    return read_notebook(path)


def notebook_deck(
    path: Path, notebook: Any = None, tell: Callable[[str], None] = lambda sentence: None
) -> tuple[str, bool]:
    """The text of the deck, and whether the notebook says itself what its slides are.

    A line on the terminal says how far it is; ``tell`` gets a sentence for each picture that is left out.
    ``notebook`` is what ``prepared`` found; NoReveal if reveal.js is not installed, NotebookError if the
    notebook can't be read or run or leaves no slide.
    """
    notebook = prepared(path) if notebook is None else notebook
    source = _made_from(path)
    with tqdm(
        desc=f"running {plain(path.name)}", total=len(notebook.cells), unit="cell", leave=False, disable=None
    ) as bar:
        run_notebook(notebook, path, lambda done: bar.update(done - bar.n))
    shelf = Shelf()
    columns = notebook_slides(notebook, Pictures(path.parent, None, tell), shelf)
    if not columns:
        raise NotebookError(f"{path.name}: all its cells are marked to be skipped, so there is no slide")
    title = notebook_title(notebook) or path.stem
    return deck(title, columns, shelf, source=source), is_marked(notebook)


def is_current(file: Path, path: Path) -> bool:
    """Was the deck in a file made from this notebook as it is now, by this thplab, and is it whole?"""
    if not file.is_file():
        return False
    text = file.read_text("utf-8", errors="replace")
    found = _SOURCE.search(text[:4000])
    return found is not None and found[1] == _made_from(path) and text.endswith(_END)


def _made_from(path: Path) -> str:
    """A digest of the notebook and of the package that runs it."""
    package = Path(thplab.__file__).parent
    newest = max(
        file.stat().st_mtime_ns for file in package.rglob("*") if file.suffix != ".pyc" and file.is_file()
    )
    return sha256(path.read_bytes() + f"{thplab.__version__} {newest}".encode()).hexdigest()
