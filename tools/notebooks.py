"""Make notebooks/*.ipynb from notebooks/text/*.md: ``make notebooks``, or ``python -m tools.notebooks``.

The text (MyST Markdown, as jupytext reads it) is what is edited and reviewed, the notebook is what is opened.
The package gets a digest of each one's code, by which ``thplab present`` knows the course's own.
``--text`` goes the other way, after an edit in JupyterLab: it writes the text from the notebooks.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from thplab.export.ours import DIGESTS, digest
from thplab.files import write_file

__all__ = ["NOTEBOOKS", "TEXTS", "digests", "from_text", "main", "to_text"]

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
TEXTS = NOTEBOOKS / "text"

_FORMAT = "md:myst"
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
#: The one line of the text's head that would change with jupytext itself.
_VERSION = re.compile(r"^ *jupytext_version: .*\n", re.MULTILINE)


def from_text(text: str) -> str:
    """The notebook of a text. ValueError for a cell without an id, or with one that another cell has."""
    notebook: Any = jupytext.reads(text, fmt=_FORMAT)
    for cell in notebook.cells:
        if "id" not in cell.metadata:
            raise ValueError(f"a cell has no id: {cell.source[:60]!r}")
        cell.id = cell.metadata.pop("id")
    count = Counter(cell.id for cell in notebook.cells)
    if twice := [name for name, times in count.items() if times > 1]:
        raise ValueError(f"several cells have the id {', '.join(twice)}")
    whole = {"cells": notebook.cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    made = nbformat.from_dict(whole)  # type: ignore[no-untyped-call]
    return f"{nbformat.writes(made)}\n"  # type: ignore[no-untyped-call]


def to_text(notebook: str) -> str:
    """The text of a notebook, without its outputs."""
    data = nbformat.reads(notebook, as_version=4)  # type: ignore[no-untyped-call]
    for cell in data.cells:
        cell.metadata = {"id": cell.id, **cell.metadata}
    text: str = jupytext.writes(data, fmt=_FORMAT)
    return _VERSION.sub("", text, count=1)


def digests() -> str:
    """What the package knows the course's notebooks by: the digest of each one's code."""
    read = {path.stem: path.read_text("utf-8") for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    known = {
        name: digest(nbformat.reads(text, as_version=4))  # type: ignore[no-untyped-call]
        for name, text in read.items()
    }
    return json.dumps(known, indent=1) + "\n"


def main(arguments: list[str]) -> None:
    """Write the notebooks from the texts, or the texts from the notebooks."""
    if arguments == ["--text"]:
        for path in NOTEBOOKS.glob("*.ipynb"):
            write_file(TEXTS / f"{path.stem}.md", to_text(path.read_text("utf-8")))
        write_file(DIGESTS, digests())
    elif not arguments:
        for path in TEXTS.glob("*.md"):
            write_file(NOTEBOOKS / f"{path.stem}.ipynb", from_text(path.read_text("utf-8")))
        write_file(DIGESTS, digests())
    else:
        sys.exit("python -m tools.notebooks: makes the notebooks from their text; --text: the other way")


if __name__ == "__main__":
    main(sys.argv[1:])
