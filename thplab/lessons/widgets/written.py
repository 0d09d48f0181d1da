"""A widget that is a text where widgets are off."""

from __future__ import annotations

import os
from typing import Any

import traitlets

from thplab.stage.keys import KeptBox

#: In the environment of a kernel that runs a notebook for slides, where no button can be pressed.
SLIDES = "THPLAB_SLIDES"


class WrittenBox(KeptBox):
    """A box of controls whose :meth:`text` says the same, with the calls that do what its buttons do.

    ``written`` is what the notebook's file has beside the widget when it is saved.
    """

    written = traitlets.Unicode().tag(sync=True)

    def write(self) -> None:
        """Something was said that a saved notebook is to have."""
        self.written = self.text()
        self.go_on.count += 1

    def text(self) -> str:
        """What is on the screen, as text."""
        raise NotImplementedError

    def slide(self) -> str:
        """The same for a slide, as HTML; empty if the text will do.

        What comes after ``<hr class="next-slide">`` stands on the slide below.
        """
        return ""

    def __repr__(self) -> str:
        """The text."""
        return self.text()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and beside it the text; for slides also what stands on them."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        self.written = data["text/plain"] = self.text()
        if os.environ.get(SLIDES) and (slide := self.slide()):
            data["text/html"] = slide
        return bundle
