"""Read a notebook that anybody may have written, and say in a sentence what is wrong with it."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_NEWEST = 4
_HELP = "allowed is what JupyterLab writes, nbformat 1 to 4: make it anew there, or name another file"
_LONGEST = 200  # letters of what a message quotes
_HALF = re.compile("[\ud800-\udfff]")


class NotebookError(ValueError):
    """The notebook can't be read or run, or is not one."""


def read_notebook(path: Path) -> Any:
    """The notebook, in the newest format, whose every part has the form that the format describes.

    NotebookError, which says where it has not; OSError if the file can't be read.
    """
    if path.is_dir():
        raise NotebookError(f"{path}: a folder; name a .ipynb file")
    text = _text(path.read_bytes(), path)
    data = _data(text, path)
    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cells without an id, which get one
            if data["nbformat"] == _NEWEST:
                nbformat.validate(data, relax_add_props=True)
            notebook = nbformat.reads(text, as_version=_NEWEST)  # type: ignore[no-untyped-call]
            nbformat.validate(notebook, relax_add_props=True)
    except nbformat.ValidationError as error:
        raise _bad(path, f"{_place(error.absolute_path)}{error.message}") from None
    except RecursionError:
        raise _bad(path, "its JSON is nested too deeply") from None
    except (ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
        raise _bad(path, f"nbformat can't read it ({error})") from None
    for number, cell in enumerate(notebook.cells):
        _check_cell(cell, f"cells[{number}]", path)
    return notebook


def plain(words: str) -> str:
    """Words of others for one line of a terminal: nothing in them moves the cursor, and there is an end."""
    line = " ".join(words.split())
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _bad(path: Path, why: str) -> NotebookError:
    return NotebookError(f"{path}: not a notebook: {plain(why)}; {_HELP}")


def _text(content: bytes, path: Path) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(path, f"byte {error.start} is not UTF-8") from None
    if not text.strip():
        raise _bad(path, "the file is empty")
    return text


def _data(text: str, path: Path) -> dict[str, Any]:
    """What the JSON says; it is an object that names a format."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise _bad(path, f"not JSON (line {error.lineno}, column {error.colno}: {error.msg})") from None
    except RecursionError:
        raise _bad(path, "its JSON is nested too deeply") from None
    except ValueError as error:  # a number with too many digits
        raise _bad(path, str(error)) from None
    if not isinstance(data, dict):
        raise _bad(path, f"it holds {json.dumps(data)[:40]}, and a notebook is an object with cells")
    version = data.get("nbformat")
    if type(version) is not int or not 1 <= version <= _NEWEST:
        raise _bad(path, f"its nbformat is {json.dumps(version)}")
    return data


def _check_cell(cell: Any, place: str, path: Path) -> None:
    """What nbformat leaves open and a deck needs, or no kernel can be sent."""
    slideshow = cell.metadata.get("slideshow", {})
    if not isinstance(slideshow, dict):
        raise _bad(path, f"{place}.metadata.slideshow: {slideshow!r} is not of type 'object'")
    kind = slideshow.get("slide_type", "")
    if not isinstance(kind, str):
        raise _bad(path, f"{place}.metadata.slideshow.slide_type: {kind!r} is not of type 'string'")
    if cell.cell_type == "code" and _HALF.search(cell.source):
        raise _bad(path, f"{place}.source: half of a character (a lone surrogate) is in the code")


def _place(keys: Sequence[str | int]) -> str:
    """``cells[0].metadata.tags: ``"""
    words = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return f"{words.lstrip('.')}: " if words else ""
