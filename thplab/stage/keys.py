"""Boxes made of ipywidgets: their keys stay in them, and without a kernel they say how to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
import traitlets

from thplab.stage.cells import made
from thplab.stage.go_on import GoOn

#: What guard.js looks for.
KEYS = "thplab-keys"


class KeptBox(ipywidgets.VBox):  # type: ignore[misc] # the base class has no type information
    """A box from whose controls no key gets to the notebook's shortcuts.

    Whatever thplab shows that takes the focus is in one, or is a stage. ``go_on`` is the last child: a line
    that is seen where no kernel runs, and that brings guard.js and code_box.js into the page.
    """

    children: Any  # a trait of the base class, which has no type information

    def __init__(self, children: Sequence[ipywidgets.Widget] = (), **traits: Any) -> None:
        """``children`` from above to below."""
        self.go_on = GoOn()
        super().__init__(children, **traits)
        self.add_class(KEYS)
        made(self)

    @traitlets.validate("children")
    def _with_the_line(self, proposal: Any) -> tuple[ipywidgets.Widget, ...]:
        """What is made of boxes like this one leaves the line to them."""
        children = [each for each in proposal["value"] if each is not self.go_on]
        boxes = bool(children) and all(isinstance(each, KeptBox) for each in children)
        return tuple(children if boxes else [*children, self.go_on])
