"""The reveal.js that a deck carries. It is not part of thplab: the package ``sphinx-revealjs`` brings it.

Only its files are read; Sphinx is not imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

_FILES = ("dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js")


class NoReveal(ValueError):
    """What makes slides is not installed."""


def reveal() -> dict[str, str]:
    """Texts of reveal.css, reveal.js and notes.js. NoReveal if they are not installed."""
    spec = find_spec("sphinx_revealjs")
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        files = [Path(folder, "_static", "revealjs", name) for name in _FILES]
        if all(file.is_file() for file in files):
            return {file.name: file.read_text("utf-8") for file in files}
    raise NoReveal("slides need reveal.js, which is not installed: pip install 'thplab[slides]'")
