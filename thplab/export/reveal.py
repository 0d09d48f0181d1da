"""The reveal.js that a deck carries. It is not part of thplab: the package ``sphinx-revealjs`` brings it.

Only its files are read; Sphinx is not imported.
"""

from __future__ import annotations

import json
import re
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


#: The page of the speaker's window, which notes.js has in a string, and the script in it.
_PAGE = re.compile(r'"((?:[^"\\]|\\.)*<script>(?:[^"\\]|\\.)*)"')
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_HEX = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))")


def speaker_script(notes: str) -> str:
    """The script of the speaker's window: that window has the deck's policy, which has to name it.

    NoReveal if this version of reveal.js has it in some other way.
    """
    page = _PAGE.search(notes)
    script = page and _SCRIPT.search(json.loads(f'"{_HEX.sub(_as_json, page[1])}"'))
    if not script:
        raise NoReveal("this version of reveal.js has a speaker's window of a kind that thplab does not know")
    return script[1]


def _as_json(escaped: re.Match[str]) -> str:
    """An escape of JavaScript's strings as one of JSON's."""
    code, letter = escaped.groups()
    return f"\\u00{code}" if code else f"\\{letter}" if letter in '"\\/bfnrtu' else letter
