"""The stage: a recording on the screen, in a notebook, in a page, or as text.

The names are loaded when they are first asked for: only ``Stage``, ``Explorer``
and ``explore`` need the widget libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thplab.stage.branching import Branch, branch
    from thplab.stage.comparing import Comparison, compare
    from thplab.stage.panel import Explorer, explore
    from thplab.stage.text import moment_text, window_text
    from thplab.stage.widget import PRESETS, Stage

__all__ = [
    "PRESETS", "Branch", "Comparison", "Explorer", "Stage", "branch", "compare", "explore", "moment_text",
    "window_text",
]  # fmt: skip

_HOME = {
    "PRESETS": "widget",
    "Branch": "branching",
    "Comparison": "comparing",
    "Explorer": "panel",
    "Stage": "widget",
    "branch": "branching",
    "compare": "comparing",
    "explore": "panel",
    "moment_text": "text",
    "window_text": "text",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
