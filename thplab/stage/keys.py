"""Boxes made of ipywidgets whose keys stay in them, as those of the stage do, and are no shortcuts."""

from __future__ import annotations

from typing import Any, ClassVar

import anywidget
import ipywidgets
import traitlets

from thplab.stage.build import BOXES, javascript

#: What guard.js looks for.
KEYS = "thplab-keys"


class KeyGuard(anywidget.AnyWidget):
    """An element without a picture that brings ``js/controls/guard.js`` and ``code_box.js`` into the page."""

    _esm = traitlets.Unicode(javascript(BOXES)).tag(sync=True)
    _shared: ClassVar[KeyGuard | None] = None

    @classmethod
    def shared(cls) -> KeyGuard:
        """The one of this kernel; another if that one was closed, say by ``Widget.close_all()``."""
        if cls._shared is None or cls._shared.comm is None:
            cls._shared = cls()
        return cls._shared


class KeptBox(ipywidgets.VBox):  # type: ignore[misc] # the base class has no type information
    """A box from whose controls no key gets to the notebook's shortcuts.

    Whatever thplab shows that takes the focus is in one, or is a stage.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Arguments as of a VBox."""
        super().__init__(*args, **kwargs)
        self.add_class(KEYS)

    @traitlets.validate("children")
    def _with_guard(self, proposal: Any) -> tuple[ipywidgets.Widget, ...]:
        """Its first child is the guard, so that it stays when others are exchanged."""
        guard = KeyGuard.shared()
        return (guard, *(child for child in proposal["value"] if child is not guard))
