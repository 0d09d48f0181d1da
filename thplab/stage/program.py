"""The program of our widgets, sent to the browser once for each kernel; each widget refers to it.

So a second stage is there sooner, and a saved notebook has the program once.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from thplab.stage.build import css, javascript
from thplab.stage.cells import made

_LOADER = (Path(__file__).parent / "loader" / "loader.js").read_text("utf-8")


class Program(anywidget.AnyWidget):
    """JavaScript and style sheet in a model without a picture. Use :func:`program`."""

    _esm = traitlets.Unicode(_LOADER).tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode(javascript()).tag(sync=True)
    style = traitlets.Unicode(css()).tag(sync=True)

    @traitlets.default("name")
    def _by_content(self) -> str:
        """A page that has imported the same program does not import it again."""
        return sha256(f"{self.code}{self.style}".encode()).hexdigest()[:16]


_programs: list[Program] = []


def program() -> Program:
    """The kernel's one program; another if that one was closed, as ``Widget.close_all`` does."""
    if not _programs or _programs[-1].comm is None:
        _programs[:] = [Program()]
    return _programs[-1]


class Programmed(anywidget.AnyWidget):
    """A widget whose picture is drawn by ``part`` of the program: ``stage`` or ``goOn``."""

    _esm = traitlets.Unicode(_LOADER).tag(sync=True)
    program = traitlets.Instance(ipywidgets.Widget).tag(sync=True, **ipywidgets.widget_serialization)
    part = traitlets.Unicode().tag(sync=True)

    @traitlets.default("program")
    def _the_one(self) -> Program:
        return program()

    def __init__(self, **traits: Any) -> None:
        """``traits``: those of the class."""
        super().__init__(**traits)
        made(self)
