"""The stage: a recording on the screen, in a notebook, in a page, or as text.

The names are loaded when they are first asked for: only ``Stage``, ``Explorer``
and ``explore`` need the widget libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thplab.reading.compare import Comparison, compare
    from thplab.reading.text import moment_text, window_text
    from thplab.stage.branching import Branch, branch
    from thplab.stage.panel import Explorer, explore
    from thplab.stage.widget import PRESETS, Stage

__all__ = [
    "PRESETS", "Branch", "Comparison", "Explorer", "Stage", "branch", "compare", "explore", "moment_text",
    "window_text",
]  # fmt: skip

_HOME = {
    "PRESETS": "widget",
    "Branch": "branching",
    "Comparison": ".reading.compare",
    "Explorer": "panel",
    "Stage": "widget",
    "branch": "branching",
    "compare": ".reading.compare",
    "explore": "panel",
    "moment_text": ".reading.text",
    "window_text": ".reading.text",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
