"""A widget that is a text where widgets are off."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

__all__ = ["WrittenBox"]


class WrittenBox(widgets.VBox):  # type: ignore[misc] # the base class has no type information
    """A box of controls whose :meth:`text` says the same, with the calls that do what its buttons do."""

    def text(self) -> str:
        """What is on the screen, as text."""
        raise NotImplementedError

    def __repr__(self) -> str:
        """The text."""
        return self.text()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and beside it the text."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = self.text()
        return bundle
