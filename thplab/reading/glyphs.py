"""How entries and page frames look, and which views there are: tables that Python and the browser share."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


@cache
def glyphs() -> list[dict[str, Any]]:
    """Glyph, name and colours (background, ink) of each state of an entry: the one place they are in."""
    data: list[dict[str, Any]] = json.loads((_HERE / "glyphs.json").read_text("utf-8"))
    return data


@cache
def views() -> list[dict[str, Any]]:
    """Name, title and place of each view, in their order: the one place they are in."""
    data: list[dict[str, Any]] = json.loads((_HERE / "views.json").read_text("utf-8"))
    return data
